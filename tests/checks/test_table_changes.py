from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from polster.checks.examined import Examined
from polster.checks.table_changes import table_changes
from polster.model.asset import AssetKey
from polster.model.contract import ContractColumn
from polster.model.diff import Impact
from polster.model.layer import Layer

ORDERS = AssetKey(Layer.SILVER, "orders")


def column(name: str = "amount", dtype: str = "Int64", **options: Any) -> ContractColumn:
    return ContractColumn(
        name, dtype, options.pop("nullable", False), options.pop("primary_key", False), **options
    )


def table(*columns: ContractColumn, table_rules: Mapping[str, str] | None = None) -> Examined:
    return Examined(
        ORDERS,
        columns={each.name: each.dtype for each in columns},
        contract=columns,
        table_rules=table_rules or {},
    )


def changes(then: Examined, now: Examined) -> list[tuple[str | None, str, str]]:
    return [
        (change.column, change.what, change.impact.value) for change in table_changes(then, now)
    ]


def test_equal_tables_have_no_change() -> None:
    same = table(column(rules={"min": "0"}), column("id", primary_key=True))

    assert changes(same, same) == []


def test_a_column_that_goes_away_is_breaking_and_a_new_one_is_not() -> None:
    found = table_changes(table(column("old")), table(column("new", "String")))

    assert [(each.column, each.what, each.impact, each.is_gone) for each in found] == [
        ("old", "column removed", Impact.BREAKING, True),
        ("new", "column added (String)", Impact.COMPATIBLE, False),
    ]


CASES = {
    "another type": (
        column(dtype="Int64"),
        column(dtype="Float64"),
        ("Int64 -> Float64", "breaking"),
    ),
    "nulls appear": (column(), column(nullable=True), ("may be null now", "breaking")),
    "nulls go": (column(nullable=True), column(), ("may not be null any more", "tightened")),
    "a rule more": (column(), column(rules={"min": "0"}), ("new rule min: 0", "tightened")),
    "a rule less": (
        column(rules={"min": "0"}),
        column(),
        ("rule min taken away: 0", "loosened"),
    ),
    "a lower limit rises": (
        column(rules={"min": "0"}),
        column(rules={"min": "1.5"}),
        ("rule min: 0 -> 1.5", "tightened"),
    ),
    "a lower limit falls": (
        column(rules={"min": "0"}),
        column(rules={"min": "-1"}),
        ("rule min: 0 -> -1", "loosened"),
    ),
    "an upper limit rises": (
        column(rules={"max_length": "9"}),
        column(rules={"max_length": "10"}),
        ("rule max_length: 9 -> 10", "loosened"),
    ),
    "an upper limit falls": (
        column(rules={"max": "9"}),
        column(rules={"max": "8"}),
        ("rule max: 9 -> 8", "tightened"),
    ),
    "a choice more": (
        column(rules={"is_in": "[1, 2]"}),
        column(rules={"is_in": "[1, 2, 3]"}),
        ("rule is_in: [1, 2] -> [1, 2, 3]", "loosened"),
    ),
    "a choice less": (
        column(rules={"is_in": "[1, 2]"}),
        column(rules={"is_in": "[2]"}),
        ("rule is_in: [1, 2] -> [2]", "tightened"),
    ),
    "a category more": (
        column(dtype="Enum(categories=['a'])", rules={"categories": "['a']"}),
        column(dtype="Enum(categories=['a', 'b'])", rules={"categories": "['a', 'b']"}),
        ("rule categories: ['a'] -> ['a', 'b']", "loosened"),
    ),
    "a choice of days": (
        column(rules={"is_in": "[datetime.date(2020, 1, 1)]"}),
        column(rules={"is_in": "[datetime.date(2021, 1, 1)]"}),
        ("rule is_in: [datetime.date(2020, 1, 1)] -> [datetime.date(2021, 1, 1)]", "tightened"),
    ),
    "a pattern changes": (
        column(rules={"regex": "a"}),
        column(rules={"regex": "b"}),
        ("rule regex: a -> b", "tightened"),
    ),
    "a mark": (column(), column(pii=True), ("marked as personal data", "compatible")),
    "a mark less": (
        column(pii=True),
        column(),
        ("not marked as personal data any more", "compatible"),
    ),
    "a mask": (column(), column(masked="hash"), ("declared masked: hash", "compatible")),
    "a mask less": (
        column(masked="hash"),
        column(),
        ("not declared masked any more", "compatible"),
    ),
}


@pytest.mark.parametrize(("then", "now", "said"), CASES.values(), ids=CASES)
def test_a_change_of_a_column_is_said_with_what_it_means_for_readers(
    then: ContractColumn, now: ContractColumn, said: tuple[str, str]
) -> None:
    assert changes(table(then), table(now)) == [("amount", *said)]


@pytest.mark.parametrize(
    ("then", "now", "said"),
    [
        (("id",), ("id", "line"), ("key id -> id, line", "breaking")),
        (("id",), (), ("it has no key any more: id", "breaking")),
        ((), ("id",), ("it has a key now: id", "tightened")),
    ],
)
def test_another_key_is_another_grain(
    then: tuple[str, ...], now: tuple[str, ...], said: tuple[str, str]
) -> None:
    def keyed(names: tuple[str, ...]) -> Examined:
        return table(*(column(name, primary_key=name in names) for name in ("id", "line")))

    assert changes(keyed(then), keyed(now)) == [(None, *said)]


def test_rules_of_the_whole_table_are_compared() -> None:
    then = table(column(), table_rules={"ends_after_start": "a", "gone": "x"})
    now = table(column(), table_rules={"ends_after_start": "b"})

    assert changes(then, now) == [
        (None, "rule ends_after_start: a -> b", "tightened"),
        (None, "rule gone taken away: x", "loosened"),
    ]


def test_columns_beyond_the_contract_are_compared_as_they_are_stored() -> None:
    then = Examined(ORDERS, columns={"a": "Int64", "b": "String"}, contract=())
    now = Examined(ORDERS, columns={"a": "Float64"}, contract=())

    assert changes(then, now) == [
        ("a", "Int64 -> Float64", "breaking"),
        ("b", "column removed", "breaking"),
    ]


def test_a_contract_that_comes_or_goes_is_said_once() -> None:
    plain = Examined(ORDERS, columns={"amount": "Int64"})

    assert changes(plain, table(column())) == [(None, "it has a contract now", "tightened")]
    assert changes(table(column()), plain) == [(None, "it has no contract any more", "loosened")]


def test_what_is_unknown_on_one_side_is_not_compared() -> None:
    unknown = Examined(ORDERS, unchecked="it was never run")

    assert changes(unknown, table(column())) == []
    assert changes(table(column()), unknown) == []
