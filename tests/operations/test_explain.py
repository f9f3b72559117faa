"""Findings, explained by the rules that they break."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polster.model.finding import Finding, Severity
from polster.operations.explain import explain

if TYPE_CHECKING:
    from tests.conftest import Pipeline

WARNING = Severity.WARNING


def test_rules_with_errors_come_first_then_those_broken_most_often(shop: Pipeline) -> None:
    findings = [
        Finding("POL603", "a", severity=WARNING),
        Finding("POL225", "b", severity=WARNING),
        Finding("POL225", "c", severity=WARNING),
        Finding("POL202", "d"),
    ]

    broken = explain(shop.open(), findings)

    assert [(rule.code, len(rule.findings)) for rule in broken] == [
        ("POL202", 1),
        ("POL225", 2),
        ("POL603", 1),
    ]
    assert [rule.severity for rule in broken] == [Severity.ERROR, WARNING, WARNING]


def test_a_rule_is_told_with_its_name_and_its_reason(shop: Pipeline) -> None:
    [broken] = explain(shop.open(), [Finding("POL202", "reads upwards")])

    assert broken.name == "layer-order"
    assert broken.summary.endswith(".")
    assert broken.reason


def test_a_code_that_is_no_rule_is_told_all_the_same(shop: Pipeline) -> None:
    [broken] = explain(shop.open(), [Finding("POL999", "something")])

    assert (broken.code, broken.name, broken.reason) == ("POL999", "", "")


def test_findings_of_a_rule_come_by_place_and_with_their_line(shop: Pipeline) -> None:
    file = "src/core/silver_orders.py"
    text = (shop.root / file).read_text(encoding="utf-8").splitlines()
    findings = [
        Finding("POL603", "second", file=file, line=2),
        Finding("POL603", "first", file=file, line=1),
        Finding("POL603", "beyond", file=file, line=9_999),
        Finding("POL603", "nowhere"),
    ]

    [broken] = explain(shop.open(), findings)

    shown = {each.finding.message: each.source for each in broken.findings}
    assert shown == {"nowhere": None, "first": text[0], "second": text[1], "beyond": None}
    assert list(shown) == ["nowhere", "first", "second", "beyond"]


def test_the_line_of_a_secret_is_never_read(shop: Pipeline) -> None:
    file = "src/core/silver_orders.py"
    findings = [
        Finding("POL602", "a password", file=file, line=1),
        Finding("POL603", "a read", file=file, line=1),
    ]

    broken = explain(shop.open(), findings)

    assert [each.source for rule in broken for each in rule.findings] == [None, None]


def test_a_file_outside_the_project_is_not_read(shop: Pipeline) -> None:
    outside = shop.root.parent / "outside.py"
    outside.write_text("secret = 1\n", encoding="utf-8")
    findings = [
        Finding("POL603", "a", file="../outside.py", line=1),
        Finding("POL603", "b", file=str(outside), line=1),
    ]

    [broken] = explain(shop.open(), findings)

    assert [each.source for each in broken.findings] == [None, None]
