"""What ``validate`` said, as values again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from polster.model.finding import Finding, Severity
from polster.operations.explain import BrokenRule


def findings_of(document: Mapping[str, Any]) -> list[Finding]:
    """Read the findings in what ``polster validate --format json`` wrote.

    >>> findings_of({"findings": [{"code": "POL202", "severity": "error", "message": "up"}]})[0]
    Finding(code='POL202', message='up', asset=None, file=None, line=None, hint=None, \
severity=<Severity.ERROR: 'error'>, column=None, fix=None)
    """
    return [
        Finding(
            entry["code"],
            entry["message"],
            asset=entry.get("asset"),
            file=entry.get("file"),
            line=entry.get("line"),
            hint=entry.get("hint"),
            severity=Severity(entry["severity"]),
            column=entry.get("column"),
        )
        for entry in document["findings"]
    ]


def narrowed(
    rules: Iterable[BrokenRule], *, severity: Severity | None, asset: str | None
) -> list[BrokenRule]:
    """Leave of each rule the findings of one severity and of one asset; None stands for all."""
    kept = [
        replace(
            rule,
            findings=tuple(
                shown
                for shown in rule.findings
                if severity in (None, shown.finding.severity)
                and asset in (None, shown.finding.asset)
            ),
        )
        for rule in rules
    ]
    return [
        replace(rule, severity=rule.findings[0].finding.severity) for rule in kept if rule.findings
    ]
