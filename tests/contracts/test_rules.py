from __future__ import annotations

import dataframely as dy
import polars as pl
import polars.selectors as cs
import pytest

from polster.contracts.rules import contract_rules, rule_names, rule_problems, sees_one_row

SCHEMA = pl.Schema(
    {
        "a": pl.Int64(),
        "b": pl.Int64(),
        "text": pl.String(),
        "list": pl.List(pl.Int64()),
        "FILTER": pl.Int64(),
        "WITH_COLUMNS": pl.Int64(),
    }
)
a, b, text, numbers = pl.col("a"), pl.col("b"), pl.col("text"), pl.col("list")

ONE_ROW = {
    "comparison": a > b,
    "text": text.str.contains("x"),
    "list": numbers.list.eval(pl.element() > 1).list.all(),
    "choice": pl.when(a > 1).then(b > 0).otherwise(pl.lit(True)),
    "set": a.is_in([1, 2]),
    "set from a row": a.is_in(numbers),
    "python": a.map_elements(int.bit_count, return_dtype=pl.Int64) > 1,
    "hash": a.hash() > 1,
    "constant": pl.lit(True),
    "many columns": pl.all_horizontal(pl.col("a", "b") > 0),
    "pattern": pl.all_horizontal(cs.integer() > 0),
    "a column called FILTER": pl.col("FILTER") > 1,
    "a column called WITH_COLUMNS": pl.col("WITH_COLUMNS") > 1,
    "text that looks like a plan": text != "FILTER\n WITH_COLUMNS:\n FILTER",
}
WHOLE_TABLE = {
    "shift": a > a.shift(),
    "rank": a.rank() > 1,
    "over": a.sum().over("b") > 1,
    "count over": pl.len().over("b") == 1,
    "max": a == a.max(),
    "forward fill": a.fill_null(strategy="forward") > 1,
    "mean fill": a.fill_null(a.mean()) > 1,
    "length": pl.len() > 1,
    "unique": a.is_unique(),
    "first": a.is_first_distinct(),
    "running sum": a.cum_sum() > 1,
    "rolling": a.rolling_mean(3) > 1,
    "row number": pl.int_range(pl.len()) < 5,
    "whole rows": pl.struct(pl.all()).is_unique(),
    "python over a column": a.map_batches(lambda s: s > s.mean(), return_dtype=pl.Boolean),
    "a column called FILTER": pl.col("FILTER") > pl.col("FILTER").shift(),
    "a column called WITH_COLUMNS": pl.col("WITH_COLUMNS").max() > 1,
    "text that looks like a plan": (text != "FILTER\n WITH_COLUMNS:\n FILTER") & (a > a.shift()),
}


@pytest.mark.parametrize("name", ONE_ROW)
def test_a_rule_that_one_row_decides_is_known(name: str) -> None:
    assert sees_one_row(ONE_ROW[name], SCHEMA)


@pytest.mark.parametrize("name", WHOLE_TABLE)
def test_a_rule_that_looks_at_other_rows_is_known(name: str) -> None:
    assert not sees_one_row(WHOLE_TABLE[name], SCHEMA)


def test_what_cannot_be_planned_counts_as_looking_at_other_rows() -> None:
    assert not sees_one_row(pl.col("nowhere") > 1, SCHEMA)


class Base(dy.Schema):
    id = dy.Int64(primary_key=True)
    day = dy.Date(primary_key=True)


class Orders(Base):
    email = dy.String(unique=True, nullable=True)
    amount = dy.Float64(min=0, check={"small": lambda column: column < 1000})
    odd = dy.String(alias="odd name", nullable=False)

    @dy.rule()
    def paid_on_a_day(cls) -> pl.Expr:
        return cls.day.col.is_not_null() | (cls.amount.col == 0)

    @dy.rule()
    def one_large_a_day(cls) -> pl.Expr:
        return (cls.amount.col > 500).sum().over("day") <= 1


def test_rules_are_sorted_by_what_they_need_to_see() -> None:
    rules = contract_rules(Orders)

    assert {rule.name for rule in rules.rows} == {
        "id|nullability",
        "day|nullability",
        "amount|nullability",
        "amount|inf",
        "amount|nan",
        "amount|min",
        "amount|check__small",
        "odd name|nullability",
        "paid_on_a_day",
    }
    assert [(rule.name, rule.columns) for rule in rules.unique] == [
        ("primary_key", ("id", "day")),
        ("email|unique", ("email",)),
    ]
    assert [rule.name for rule in rules.tables] == ["one_large_a_day"]
    assert rules.need_table


def test_every_rule_of_dataframely_is_among_ours() -> None:
    theirs = set(Orders._validation_rules(with_cast=True))

    assert set(rule_names(Orders)) == theirs


def test_a_rule_names_the_columns_that_it_reads() -> None:
    rules = {rule.name: rule for rule in contract_rules(Orders).rows}

    assert rules["paid_on_a_day"].columns == ("day", "amount")
    assert not rules["paid_on_a_day"].by_pattern


def test_a_rule_with_a_pattern_reads_every_column_of_the_contract() -> None:
    class Complete(dy.Schema):
        a = dy.Int64(nullable=True)
        b = dy.Int64(nullable=True)

        @dy.rule()
        def complete(cls) -> pl.Expr:
            return pl.all_horizontal(pl.all().is_not_null())

    (rule,) = contract_rules(Complete).rows

    assert rule.columns == ("a", "b")
    assert rule.by_pattern


def test_a_contract_without_columns_has_no_rules() -> None:
    class Anything(dy.Schema):
        pass

    rules = contract_rules(Anything)

    assert (rules.rows, rules.unique, rules.tables) == ((), (), ())
    assert rule_names(Anything) == []


def test_types_that_the_contract_leaves_open_are_taken_from_the_frame() -> None:
    class Open(dy.Schema):
        anything = dy.Any(check=lambda column: column.str.len_chars() > 1)

    rules = contract_rules(Open, pl.Schema({"anything": pl.String()}))

    assert [rule.name for rule in rules.rows] == ["anything|check"]


def test_rules_that_make_no_sense_are_named() -> None:
    class Confused(dy.Schema):
        a = dy.Int64()

        @dy.rule()
        def elsewhere(cls) -> pl.Expr:
            return pl.col("elsewhere") > 1

        @dy.rule()
        def number(cls) -> pl.Expr:
            return pl.col("a") + 1

    problems = rule_problems(contract_rules(Confused), pl.Schema({"a": pl.Int64()}))

    assert len(problems) == 2
    assert any("`number` gives Int64" in problem for problem in problems)
    assert any("`elsewhere` cannot be evaluated" in problem for problem in problems)
