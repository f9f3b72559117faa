from __future__ import annotations

from pathlib import Path

import pytest

from polster.checks.ignores import Ignore, apply_ignores, ignore_problems, read_ignores
from polster.model.finding import Finding, Severity
from polster.model.rule import Rule

RULE = Rule("POL605", "collect", Severity.WARNING, "", "", "", "")
STRUCTURAL = Rule("POL202", "layer-order", Severity.ERROR, "", "", "", "", is_structural=True)
RULES = {rule.code: rule for rule in (RULE, STRUCTURAL)}
FILE = "src/core/silver_orders.py"


def written(root: Path, text: str) -> list[Ignore]:
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return read_ignores(root)


def accepted_lines(ignores: list[Ignore], code: str = "POL605") -> list[int]:
    findings = [Finding(code, "", file=FILE, line=line) for line in range(1, 20)]
    kept, _ = apply_ignores(findings, ignores, RULES)
    return [finding.line for finding in findings if finding not in kept and finding.line]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("x = 1  # polster: ignore[POL605] small\ny = 2\n", [1]),
        ("x = 1\n# polster: ignore[POL605] small\ny = 2\nz = 3\n", [3]),
        ("# polster: ignore[POL605] small\n# of course\n\ny = (\n    2\n)\nz = 3\n", [4, 5, 6]),
        ("y = (  # polster: ignore[POL605] small\n    2\n)\n", [1, 2, 3]),
        ("y = (\n    2\n)  # polster: ignore[POL605] small\n", [1, 2, 3]),
        ("# polster: ignore[POL605] small\n@silver()\ndef f():\n    return 1\n", [2, 3]),
        ("@silver()  # polster: ignore[POL605] small\ndef f():\n    return 1\n", [1, 2]),
        ("x = '# polster: ignore[POL605] no comment'\n", []),
        ("x = 1  # polster: ignore[POL605]\n", []),
        ("x = 1  # polster: ignore[POL603, POL605] both\n", [1]),
        ("é = 1  # polster: ignore[POL605] not ascii\n", [1]),
        ("x = (\n  # polster: ignore[POL605] unclosed\n", []),
        ("# polster: ignore[POL605] at the end", [1]),
        ("x = 1  # noqa: E501  # polster: ignore[POL605] small\n", [1]),
        ("x = 1  # of course # polster: ignore[POL605] small\n", [1]),
        ("# of course  # polster: ignore[POL605] small\nx = 1\n", [2]),
        ("x = 1  # Polster: Ignore[POL605] small\n", [1]),
        ("x = 1  # polster: ignore[POL603] a  # polster: ignore[POL605] small\n", [1]),
        ("x = 1  # polster: ignore[POL605]  # noqa: E501\n", []),
        ("x = 1  # as `# polster: ignore[POL605] small` would\n", []),
    ],
)
def test_a_comment_covers_its_statement(tmp_path: Path, text: str, lines: list[int]) -> None:
    assert accepted_lines(written(tmp_path, text)) == lines


def test_a_rule_without_which_nothing_runs_is_told_all_the_same(tmp_path: Path) -> None:
    ignores = written(tmp_path, "x = 1  # polster: ignore[POL202] please\n")

    assert accepted_lines(ignores, "POL202") == []


def test_a_comment_covers_its_own_file_only(tmp_path: Path) -> None:
    ignores = written(tmp_path, "x = 1  # polster: ignore[POL605] small\n")
    elsewhere = Finding("POL605", "", file="src/core/other.py", line=1)

    kept, used = apply_ignores([elsewhere], ignores, RULES)

    assert (kept, used) == ([elsewhere], set())


@pytest.mark.parametrize(
    ("text", "code", "after"),
    [
        ("x = 1  # polster: ignore[POL605] small\n", "POL605", "x = 1\n"),
        ("# polster: ignore[POL605] small\nx = 1\n", "POL605", "x = 1\n"),
        (
            "é = 1  # polster: ignore[POL603, POL605] both\n",
            "POL603",
            "é = 1  # polster: ignore[POL605] both\n",
        ),
        (
            "é = 1  # noqa: E501  # polster: ignore[POL605] see #12  # type: ignore\n",
            "POL605",
            "é = 1  # noqa: E501  # type: ignore\n",
        ),
        (
            "x = 1  # noqa # polster: ignore[POL603, POL605] see #12 # type: ignore\n",
            "POL603",
            "x = 1  # noqa # polster: ignore[POL605] see #12 # type: ignore\n",
        ),
        ("# noqa  # polster: ignore[POL605] small\nx = 1\n", "POL605", "# noqa\nx = 1\n"),
        (
            "    # polster: ignore[POL605] small  # noqa\n    x = 1\n",
            "POL605",
            "      # noqa\n    x = 1\n",
        ),
    ],
)
def test_a_code_is_taken_out_of_its_comment(
    tmp_path: Path, text: str, code: str, after: str
) -> None:
    ignore = written(tmp_path, text)[0]
    edit = ignore.without(code)
    lines = text.encode().splitlines(keepends=True)
    starts = [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]

    content = text.encode()
    begin = starts[edit.line - 1] + edit.column
    end = starts[edit.end_line - 1] + edit.end_column
    mended = content[:begin] + edit.text.encode() + content[end:]

    assert mended.decode() == after


def test_a_comment_behind_another_is_pointed_at_where_it_begins(tmp_path: Path) -> None:
    [ignore] = written(tmp_path, "x = 1  # noqa: E501  # polster: ignore[POL605] small\n")

    assert ignore.character == 22


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        ("pol605", "did you mean `POL605`?"),
        ("Pol65", "did you mean `POL605`?"),
        ("collect", "did you mean `POL605`?"),
        ("Colect", "did you mean `POL605`?"),
        ("E501", "see the rules with: polster rules"),
    ],
)
def test_for_what_is_no_rule_the_nearest_is_offered(tmp_path: Path, code: str, hint: str) -> None:
    ignores = written(tmp_path, f"x = 1  # polster: ignore[{code}] small\n")

    [problem] = ignore_problems(ignores, RULES, {})

    assert (problem.code, problem.message, problem.hint) == (
        "POL693",
        f"`{code}` is not a rule",
        hint,
    )
