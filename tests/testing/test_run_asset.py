"""What users' tests call: the same judgement as a run's."""

from __future__ import annotations

import importlib
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import dataframely as dy
import polars as pl
import pytest

import polster.testing
from polster import Expect, RunContext, bronze, gold, silver
from polster.errors import AssetError, DefinitionError, PolsterError, UsageError
from polster.project.import_path import import_afresh
from polster.testing import (
    Outcome,
    assert_published,
    assert_quarantined,
    run_asset,
    sample_input,
)

if TYPE_CHECKING:
    from tests.conftest import Pipeline


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Float64(min=0)
    kind = dy.Enum(["new", "paid"])


class Sums(dy.Schema):
    net = dy.Int64(min=0)
    tax = dy.Int64(min=0)
    total = dy.Int64(min=0)

    @dy.rule()
    def adds_up(cls) -> pl.Expr:
        return cls.net.col + cls.tax.col == cls.total.col


ORDERS = pl.DataFrame(
    {
        "id": ["1", "2", "2", "x"],
        "amount": [1.0, -2.0, 3.0, 4.0],
        "kind": ["new", "paid", "paid", "new"],
    }
)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders


@silver(contract=Orders)
def selecting(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "amount", "kind")


@silver(contract=Orders, on_violation={"amount|min": "warn"}, max_quarantined=0.1)
def strict(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders


@gold(contract=Orders, owner="ops")
def latest(orders: pl.DataFrame, run: RunContext) -> pl.DataFrame:
    return orders.filter(pl.col("id") < run.time.year)


Eager = pl.DataFrame
Run = RunContext


@gold(contract=Orders, owner="ops")
def quoted(orders: Annotated[Eager, "whole"] | None, run: Run | None) -> pl.DataFrame:
    assert run is not None and orders is not None
    return orders.filter(pl.col("id") < run.time.year)


@gold(contract=Orders, owner="ops")
def foreign(orders: pl.Series) -> pl.LazyFrame:
    raise NotImplementedError


@bronze
def landed() -> pl.LazyFrame:
    return pl.LazyFrame({"id": [1]})


@silver(contract=Orders)
def broken(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    raise ZeroDivisionError("of the user")


def test_good_rows_are_published_and_bad_ones_set_apart_as_they_came() -> None:
    outcome = run_asset(orders, bronze_orders=ORDERS)

    assert_published(outcome, {"id": [1, 2], "amount": [1.0, 3.0], "kind": ["new", "paid"]})
    assert_quarantined(outcome, {"amount|min": 1, "id|dtype": 1})
    assert outcome.quarantined.sort("amount").rows() == [
        ("2", -2.0, "paid", ["amount|min"]),
        ("x", 4.0, "new", ["id|dtype"]),
    ]


def test_the_outcome_is_that_of_a_run(shop: Pipeline) -> None:
    shop.run()
    import_afresh(shop.root)
    asset: Any = importlib.import_module("core.silver_orders").orders
    raw = pl.read_csv(shop.root / "landing" / "orders.csv", infer_schema=False)

    outcome = run_asset(asset, bronze_orders=raw)

    columns = ["id", "customer", "amount"]
    assert_published(outcome, shop.table("silver.orders").select(columns))
    rejected = shop.rejected("silver.orders").select(*columns, "_rules")
    assert sorted(map(repr, outcome.quarantined.rows())) == sorted(map(repr, rejected.rows()))
    assert outcome.rules_broken == shop.runs[0].assets[1].rules_broken


def test_a_file_upstream_that_ends_the_process_is_named(shop: Pipeline) -> None:
    shop.edit("src/core/bronze_orders.py", "@bronze(", "import os\nos._exit(0)\n\n@bronze(")
    import_afresh(shop.root)
    module = importlib.import_module("core.silver_orders")

    with pytest.raises(AssetError, match=r"the code of `bronze.orders` ends the process"):
        run_asset(module.orders, bronze_orders=pl.DataFrame({"id": [1]}))


def test_the_options_of_the_decorator_count() -> None:
    warned = run_asset(strict, bronze_orders=ORDERS.head(2))
    refused = run_asset(strict, bronze_orders=ORDERS)

    assert (warned.published.height, warned.rules_broken) == (2, {"amount|min": 1})
    assert refused.failed == "2 of 4 rows break the contract, 50.0% where 10.0% are allowed"
    assert refused.published.width == 0


def test_gold_that_refuses_is_an_outcome() -> None:
    bad = ORDERS.head(2).cast({"id": pl.Int64})

    outcome = run_asset(latest, orders=bad)

    assert outcome.failed == "rows break the contract, which lets none pass: amount|min (1 row)"
    with pytest.raises(AssertionError, match="nothing is published: rows break the contract"):
        assert_published(outcome, {"id": [1]})


def test_the_function_gets_the_run_that_the_test_gives() -> None:
    good = sample_input(Orders, id=[1, 5000])

    outcome = run_asset(latest, orders=good)

    assert outcome.published["id"].to_list() == [1]


def test_annotations_are_read_as_a_run_reads_them() -> None:
    assert run_asset(quoted, orders=sample_input(Orders, id=[1, 5000])).published.height == 1
    with pytest.raises(AssetError, match="`orders` is annotated"):
        run_asset(foreign, orders=ORDERS)


def test_bronze_comes_without_its_audit_columns() -> None:
    assert run_asset(landed).published.to_dict(as_series=False) == {"id": [1]}


def test_what_the_function_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError, match="of the user"):
        run_asset(broken, bronze_orders=ORDERS)


def test_a_frame_that_does_not_fit_the_contract_is_told_as_in_a_run() -> None:
    with pytest.raises(AssetError) as raised:
        run_asset(orders, bronze_orders=ORDERS.drop("amount"))

    assert raised.value.code == "POL301"


def test_a_column_that_the_test_does_not_give_is_told_with_the_one_meant() -> None:
    with pytest.raises(AssetError) as raised:
        run_asset(selecting, bronze_orders=ORDERS.rename({"amount": "amuont"}))

    assert raised.value.code == "POL305"
    assert raised.value.hint == "did you mean `amuont`?"


@pytest.mark.parametrize(
    ("frames", "hint"),
    [
        ({}, "run_asset(orders, bronze_orders=…)"),
        ({"bronze_order": ORDERS}, "did you mean `bronze_orders`?"),
    ],
)
def test_frames_must_be_those_that_it_reads(frames: dict[str, Any], hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        run_asset(orders, **frames)

    assert raised.value.hint == hint


@pytest.mark.parametrize(
    ("call", "given", "named", "message"),
    [
        (run_asset, orders.function, {"bronze_orders": ORDERS}, "`orders` is no asset"),
        (run_asset, orders, {"bronze_orders": {"id": [1]}}, "`bronze_orders` is a dict"),
        (run_asset, orders, {"bronze_orders": ORDERS, "run": "now"}, "`run` is a str"),
        (sample_input, orders, {}, "takes a contract, and got a AssetFunction"),
        (sample_input, Orders, {"rows": -1}, "-1 rows cannot be sampled"),
    ],
)
def test_what_is_of_another_kind_is_named(
    call: Any, given: object, named: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        call(given, **named)


def test_the_hint_stands_below_the_error_where_a_test_fails() -> None:
    with pytest.raises(UsageError) as caught:
        run_asset(orders)

    assert caught.value.__notes__ == ["hint: run_asset(orders, bronze_orders=…)"]


def test_options_with_a_mistake_are_not_guessed() -> None:
    share = 2.0

    @silver(contract=Orders, max_quarantined=share)
    def guessed(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
        return bronze_orders

    with pytest.raises(DefinitionError):
        run_asset(guessed, bronze_orders=ORDERS)


def test_a_wrong_expectation_shows_the_rows() -> None:
    outcome = run_asset(orders, bronze_orders=ORDERS)

    with pytest.raises(AssertionError) as rules:
        assert_quarantined(outcome, {"amount|min": 2})
    with pytest.raises(AssertionError) as rows:
        assert_published(outcome, {"id": [1], "amount": [1.0], "kind": ["new"]})

    assert "{'amount|min': 1, 'id|dtype': 1}" in str(rules.value)
    assert "amount|min" in str(rules.value).split("quarantined:")[1]
    assert "published:" in str(rows.value)


def test_nothing_in_quarantine_can_be_asserted() -> None:
    assert_quarantined(run_asset(orders, bronze_orders=ORDERS.head(1)), {})


def test_sampled_input_keeps_the_contract_and_takes_overrides() -> None:
    sampled = sample_input(Orders, rows=5, kind="paid", amount=2.5)

    assert Orders.is_valid(sampled)
    assert set(sampled["kind"]) == {"paid"}
    assert sampled.height == 5
    assert sampled.equals(sample_input(Orders, rows=5, kind="paid", amount=2.5))


def test_what_cannot_be_sampled_is_said() -> None:
    with pytest.raises(UsageError, match="Orders has no column `knd`"):
        sample_input(Orders, knd="paid")
    with pytest.raises(UsageError, match="different lengths"):
        sample_input(Orders, id=[1], amount=[1.0, 2.0])
    with pytest.raises(PolsterError, match="hardly any random row keeps `adds_up`"):
        sample_input(Sums)


def test_a_column_that_chance_never_fits_can_be_given() -> None:
    sampled = sample_input(Sums, net=[1, 2], tax=[3, 4], total=[4, 6])

    assert sampled.rows() == [(1, 3, 4), (2, 4, 6)]


def test_bad_rows_are_sampled_by_giving_what_breaks_a_rule() -> None:
    outcome = run_asset(orders, bronze_orders=sample_input(Orders, rows=3, amount=[1, -1, None]))

    assert outcome.published.height == 1
    assert_quarantined(outcome, {"amount|min": 1, "amount|nullability": 1})


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    run_asset(orders, bronze_orders=ORDERS)

    assert list(tmp_path.iterdir()) == []


def test_the_public_names_are_sorted() -> None:
    assert polster.testing.__all__ == sorted(polster.testing.__all__)
    assert all(hasattr(polster.testing, name) for name in polster.testing.__all__)
    assert Outcome.__doc__


class Lines(dy.Schema):
    line = dy.Int64(primary_key=True)
    sku = dy.String(nullable=True)
    before = dy.Int64(nullable=True)


@silver(contract=Lines, references={"sku": "products.id", "before": "lines.line"})
def lines(bronze_lines: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_lines


LINES = pl.DataFrame({"line": [1, 2, 3], "sku": ["a", "x", None], "before": [None, 1, 9]})
PRODUCTS = pl.LazyFrame({"id": ["a", "b"]})


@pytest.mark.parametrize("name", ["products", "silver.products"])
def test_rows_that_refer_to_nothing_are_set_apart(name: str) -> None:
    outcome = run_asset(lines, references={name: PRODUCTS}, bronze_lines=LINES)

    assert_published(outcome, {"line": [1], "sku": ["a"], "before": [None]})
    assert_quarantined(outcome, {"sku|references": 1, "before|references": 1})
    assert outcome.notes == ()


def test_a_reference_without_its_table_is_said_to_be_unchecked() -> None:
    outcome = run_asset(lines, bronze_lines=LINES)

    assert outcome.published["line"].to_list() == [1, 2]
    assert outcome.notes == (
        '`sku|references` is not checked: hand over `references={"products": …}`',
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [("product", "did you mean `products`?"), ("lines", "take it out of `references`")],
)
def test_a_table_that_the_asset_does_not_refer_to_is_refused(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        run_asset(lines, references={name: PRODUCTS}, bronze_lines=LINES)

    assert raised.value.hint == hint


def test_what_a_table_is_expected_to_hold_is_not_expected_of_a_few_rows() -> None:
    @silver(contract=Orders, expect=Expect(min_rows=1_000))
    def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
        return bronze_orders

    few = pl.DataFrame({"id": [1], "amount": [1.0], "kind": ["new"]})
    outcome = run_asset(orders, bronze_orders=few)

    assert outcome.failed is None


def test_a_test_says_how_far_a_table_has_come() -> None:
    @bronze(load="append")
    def numbers(run: RunContext) -> pl.DataFrame:
        return pl.DataFrame({"n": [run.since("n", overlap=1, initial=0)]})

    now = datetime(2026, 1, 5, tzinfo=UTC)

    first = run_asset(numbers)
    later = run_asset(numbers, run=RunContext("test", now, "test", marks={"n": 7}))

    assert_published(first, {"n": [0]})
    assert_published(later, {"n": [6]})
