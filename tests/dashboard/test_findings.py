"""What ``validate`` said, as values again, and what is left of it."""

from __future__ import annotations

from polster.dashboard.findings import narrowed
from polster.model.finding import Finding, Severity
from polster.operations.explain import BrokenRule, ShownFinding

WARNING, ERROR = Severity.WARNING, Severity.ERROR


def _rule(code: str, *findings: tuple[str, Severity]) -> BrokenRule:
    shown = tuple(
        ShownFinding(Finding(code, "", asset=asset, severity=severity), None)
        for asset, severity in findings
    )
    return BrokenRule(code, "", shown[0].finding.severity, "", "", shown)


RULES = [
    _rule("POL701", ("silver.a", ERROR), ("silver.b", WARNING)),
    _rule("POL225", ("gold.c", WARNING)),
]


def _left(severity: Severity | None, asset: str | None) -> list[tuple[str, Severity, list[str]]]:
    return [
        (rule.code, rule.severity, [shown.finding.asset or "" for shown in rule.findings])
        for rule in narrowed(RULES, severity=severity, asset=asset)
    ]


def test_without_a_choice_everything_is_left() -> None:
    assert narrowed(RULES, severity=None, asset=None) == RULES


def test_a_rule_is_as_severe_as_what_is_left_of_it() -> None:
    assert _left(WARNING, None) == [
        ("POL701", WARNING, ["silver.b"]),
        ("POL225", WARNING, ["gold.c"]),
    ]


def test_both_choices_hold_together() -> None:
    assert _left(ERROR, "silver.a") == [("POL701", ERROR, ["silver.a"])]
    assert _left(ERROR, "gold.c") == []
