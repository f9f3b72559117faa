"""Findings, written for people and for the programs that show them beside the code."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from polster._version import __version__
from polster.model.codec import to_json
from polster.model.finding import Finding, Severity
from polster.operations.explain import source_lines
from polster.operations.rules import RULES

SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
SARIF_LEVEL = {Severity.ERROR: "error", Severity.WARNING: "warning"}
LONGEST_LINE = 160
NOT_CHECKED = "not-checked"
"""In the place of a code, where nobody could look whether there is a mistake."""


def finding_as_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as plain values."""
    rule = RULES.get(finding.code)
    return {
        "code": finding.code,
        "name": rule.name if rule else None,
        **to_json(finding, "severity", "asset", "file", "line", "column", "message", "hint"),
        "fixable": finding.fix is not None,
    }


def severities(findings: Iterable[Finding]) -> str:
    """Say how many findings there are of each severity; nothing if there is none.

    >>> severities([Finding("POL201", ""), Finding("POL202", "")])
    '2 errors'
    """
    counts = Counter(finding.severity for finding in findings)
    return " and ".join(
        f"{counts[severity]} {severity.value}{'' if counts[severity] == 1 else 's'}"
        for severity in Severity
        if counts[severity]
    )


def excerpts(root: Path, findings: Iterable[Finding]) -> Callable[[Finding], str | None]:
    """Return what shows the line of a finding with a caret, for a project in ``root``.

    A line that holds a secret is shown with no finding, whichever it is about.
    """
    source_line = source_lines(root, findings)

    def excerpt(finding: Finding) -> str | None:
        line = source_line(finding)
        if line is None or finding.line is None:
            return None
        return _excerpt(line, finding.line, finding.column)

    return excerpt


def github_lines(findings: Iterable[Finding], root: Path) -> list[str]:
    """Write findings as workflow commands of GitHub Actions, which shows them in the diff.

    The form is described at https://docs.github.com/actions/reference/workflow-commands.
    """
    lines = []
    for finding in findings:
        rule = RULES.get(finding.code)
        values = {
            "file": _from_repository(finding.file, root),
            "line": finding.line,
            "col": finding.column,
            "title": f"{finding.code} {rule.name}" if rule else finding.code,
        }
        properties = ",".join(
            f"{name}={_escaped(str(value), ':,')}" for name, value in values.items() if value
        )
        text = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
        lines.append(f"::{finding.severity.value} {properties}::{_escaped(text)}")
    return lines


def sarif(findings: Sequence[Finding], root: Path, gaps: Sequence[Finding] = ()) -> dict[str, Any]:
    """Write findings in SARIF 2.1.0, which code-scanning services read.

    The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/.

    Args:
        findings: The results.
        root: The project's folder.
        gaps: What could not be looked at: notifications of the tool, not results.
    """
    codes = sorted({finding.code for finding in findings})
    rules = [_sarif_rule(code) for code in codes]
    return {
        "$schema": SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "polster",
                        "semanticVersion": __version__,
                        "rules": rules,
                    }
                },
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": [_sarif_gap(gap, root) for gap in gaps],
                    }
                ],
                "columnKind": "unicodeCodePoints",
                "results": [_sarif_result(finding, codes, root) for finding in findings],
            }
        ],
    }


def _sarif_rule(code: str) -> dict[str, Any]:
    rule = RULES.get(code)
    if rule is None:
        return {"id": code}
    return {
        "id": code,
        "name": rule.name,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.reason},
        "defaultConfiguration": {"level": SARIF_LEVEL[rule.severity]},
    }


def _sarif_result(finding: Finding, codes: Sequence[str], root: Path) -> dict[str, Any]:
    text = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": codes.index(finding.code),
        "level": SARIF_LEVEL[finding.severity],
        "message": {"text": text},
    }
    return result | _sarif_place(finding, root)


def _sarif_gap(gap: Finding, root: Path) -> dict[str, Any]:
    notification = {
        "descriptor": {"id": gap.code},
        "level": SARIF_LEVEL[gap.severity],
        "message": {"text": gap.message},
    }
    return notification | _sarif_place(gap, root)


def _sarif_place(finding: Finding, root: Path) -> dict[str, Any]:
    file = _from_repository(finding.file, root)
    if file is None:
        return {}
    place: dict[str, Any] = {"artifactLocation": {"uri": file}}
    if finding.line is not None:
        place["region"] = {"startLine": finding.line}
        if finding.column is not None:
            place["region"]["startColumn"] = finding.column
    return {"locations": [{"physicalLocation": place}]}


def _from_repository(file: str | None, root: Path) -> str | None:
    """Return ``file`` as seen from the checkout: of GitHub, else of git, else the project."""
    if file is None:
        return None
    workspace = os.environ.get("GITHUB_WORKSPACE")
    tops = [Path(workspace).resolve()] if workspace else []
    tops += [folder for folder in (root, *root.parents) if (folder / ".git").exists()]
    for top in tops:
        if root.is_relative_to(top):
            return (root.relative_to(top) / file).as_posix()
    return file


def _escaped(text: str, also: str = "") -> str:
    for character in "%\r\n" + also:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _excerpt(line: str, number: int, column: int | None) -> str | None:
    if not line.strip():
        return None
    begin = len(line) - len(line.lstrip()) if column is None else column - 1
    before = line[:begin].expandtabs(4)
    shown = line.expandtabs(4)
    if len(shown) > LONGEST_LINE:
        shown = shown[: LONGEST_LINE - 1] + "…"
    margin = " " * len(str(number))
    lines = [f"{margin} |", f"{number} | {shown}"]
    if len(before) < len(shown):
        lines.append(f"{margin} | {' ' * len(before)}^")
    return "\n".join(f"  {each}" for each in lines)
