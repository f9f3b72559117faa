"""Explaining findings: grouped by the rule that they break, each with its line of the source."""

from __future__ import annotations

import tokenize
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from polster.checks.registry import RULES
from polster.model.finding import Finding, Severity
from polster.operations.open_project import Project


@dataclass(frozen=True, slots=True)
class ShownFinding:
    """A finding, and the line of the source that it is about.

    Attributes:
        source: As it stands in the file; None if there is none, or it may hold a secret.
    """

    finding: Finding
    source: str | None


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """The breaches of one rule.

    Attributes:
        name: Such as ``layer-order``; empty for a code that is not a rule's.
        severity: Of the worst breach.
        summary: What is wrong where the rule is broken.
        reason: Why that is bad.
        findings: Errors first, then by file and line; never empty.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    reason: str
    findings: tuple[ShownFinding, ...]


def explain(project: Project, findings: Sequence[Finding]) -> list[BrokenRule]:
    """Group ``findings`` by rule: errors first, then what is broken most often."""
    source_line = source_lines(project.root, findings)
    by_code: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_code[finding.code].append(finding)
    broken = [_broken(code, found, source_line) for code, found in by_code.items()]
    return sorted(broken, key=lambda rule: (_weight(rule.severity), -len(rule.findings), rule.code))


def source_lines(root: Path, findings: Iterable[Finding]) -> Callable[[Finding], str | None]:
    """Return what reads the line of a finding, for a project in ``root``.

    A line that holds a secret is shown with no finding, whichever it is about. Each file is read
    once; nothing outside the project is.
    """
    read: dict[str, list[str]] = {}
    secret = {
        (finding.file, finding.line)
        for finding in findings
        if finding.code in RULES and RULES[finding.code].is_sensitive
    }

    def source_line(finding: Finding) -> str | None:
        place = (finding.file, finding.line)
        if finding.file is None or finding.line is None or place in secret:
            return None
        if finding.file not in read:
            read[finding.file] = _lines(root, finding.file)
        lines = read[finding.file]
        return lines[finding.line - 1] if 0 < finding.line <= len(lines) else None

    return source_line


def _broken(
    code: str, findings: Sequence[Finding], source_line: Callable[[Finding], str | None]
) -> BrokenRule:
    rule = RULES.get(code)
    ordered = sorted(
        findings,
        key=lambda each: (_weight(each.severity), each.file or "", each.line or 0, each.message),
    )
    return BrokenRule(
        code,
        rule.name if rule else "",
        ordered[0].severity,
        f"{rule.summary[:1].upper()}{rule.summary[1:]}." if rule else "",
        rule.reason if rule else "",
        tuple(ShownFinding(each, source_line(each)) for each in ordered),
    )


def _weight(severity: Severity) -> int:
    return list(Severity).index(severity)


def _lines(root: Path, file: str) -> list[str]:
    """Return the lines as Python counts them, which knows fewer separators than ``str`` does."""
    if PurePath(file).is_absolute() or ".." in PurePath(file).parts:
        return []
    try:
        with tokenize.open(root / file) as source:
            return source.read().split("\n")
    except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
        return []
