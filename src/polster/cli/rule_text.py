"""One rule, written for a terminal, a page and a program."""

from __future__ import annotations

from difflib import SequenceMatcher
from textwrap import fill, indent
from typing import Any

from polster.model.codec import to_json
from polster.model.rule import Rule

WIDTH = 88
AROUND = 4
"""Lines shown before and behind what differs."""


def rule_as_json(rule: Rule) -> dict[str, Any]:
    """Return a rule as plain values."""
    return {
        **to_json(rule, "code", "name", "severity", "summary", "reason"),
        "structural": rule.is_structural,
        **to_json(rule, "fixable", "bad", "good"),
    }


def rule_as_text(rule: Rule) -> str:
    """Write a rule for a terminal."""
    bad, good = _different_files(rule)
    parts = [
        f"{rule.code} {rule.name} ({', '.join([rule.severity.value, *_marks(rule)])})",
        fill(f"{rule.summary[:1].upper()}{rule.summary[1:]}.", WIDTH),
        fill(rule.reason, WIDTH),
        "bad:\n" + indent(bad, "    "),
        "good:\n" + indent(good, "    "),
    ]
    return "\n\n".join(parts)


def rule_as_markdown(rule: Rule) -> str:
    """Write a rule as a section of a page."""
    bad, good = _different_files(rule)
    marks = ", ".join([f"*{rule.severity.value}*", *(f"*{mark}*" for mark in _marks(rule))])
    return (
        f"## {rule.code} {rule.name}\n\n"
        f"{rule.summary[:1].upper()}{rule.summary[1:]}. ({marks})\n\n{rule.reason}\n\n"
        f"Bad:\n\n```py\n{bad}\n```\n\n"
        f"Good:\n\n```py\n{good}\n```\n"
    )


def _marks(rule: Rule) -> list[str]:
    marks = {"structural": rule.is_structural, "fixable": rule.fixable}
    return [mark for mark, holds in marks.items() if holds]


def example_files(text: str) -> dict[str, str]:
    r"""Split an example into its files: content by path.

    >>> example_files("# a.py\nx = 1\n# b.toml\ny = 2\n")
    {'a.py': 'x = 1\n', 'b.toml': 'y = 2\n'}
    """
    files: dict[str, str] = {}
    path = ""
    for line in text.splitlines(keepends=True):
        words = line.split()
        if len(words) == 2 and words[0] == "#" and "." in words[1] and line[0] == "#":
            path = words[1]
            files[path] = ""
        elif path:
            files[path] += line
    return files


def _different_files(rule: Rule) -> tuple[str, str]:
    """Return of both examples what differs, with a few lines around it."""
    bad, good = example_files(rule.bad), example_files(rule.good)
    return _shown(bad, good), _shown(good, bad)


def _shown(files: dict[str, str], others: dict[str, str]) -> str:
    parts = [
        f"# {path}\n{_excerpt(text, others[path]) if path in others else text.strip()}"
        for path, text in files.items()
        if others.get(path) != text
    ]
    return "\n\n".join(parts) or "(the file is not there)"


def _excerpt(text: str, other: str) -> str:
    """Return the lines of ``text`` that ``other`` has not, and those around them."""
    lines = text.strip().splitlines()
    matcher = SequenceMatcher(None, lines, other.strip().splitlines(), autojunk=False)
    shown: list[str] = []
    end = 0
    for group in matcher.get_grouped_opcodes(AROUND):
        first, last = group[0][1], group[-1][2]
        if first > end:
            shown.append("…")
        shown += lines[first:last]
        end = last
    return "\n".join([*shown, "…"] if end < len(lines) else shown)
