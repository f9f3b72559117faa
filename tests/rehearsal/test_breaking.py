"""Breaking one rule at a time."""

from __future__ import annotations

from datetime import date

import dataframely as dy
import polars as pl
import pytest

from polster.contracts.judge import settle_terms
from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer
from polster.rehearsal.breaking import Breach, Breaker, Unbroken
from polster.rehearsal.odd_values import odd_values
from polster.rehearsal.sampling import sample_contract

ASSET = Asset(AssetKey(Layer.SILVER, "orders"), "src/core/silver_orders.py", 1, "core.x")


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    mail = dy.String(unique=True, min_length=3, max_length=20)
    code = dy.String(nullable=True, regex="^[ab]+$")
    amount = dy.Float64(min=0, max_exclusive=100)
    count = dy.Int8(is_in=[1, 2, 3])
    day = dy.Date(min=date(2020, 1, 1))
    until = dy.Date(nullable=True)
    at = dy.Datetime(resolution="1h")
    tags = dy.List(dy.Int64(), min_length=1, max_length=3)
    marks = dy.List(dy.Int64(min=3))
    place = dy.Struct({"town": dy.String(min_length=1), "number": dy.Int64(max=9)})
    kind = dy.Enum(["new", "paid"])
    price = dy.Decimal(8, 2, min=1)
    flag = dy.Bool()
    name = dy.String(check=lambda name: name != "TEST")

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:
        return cls.until.col >= cls.day.col

    @dy.rule()
    def free_orders_are_new(cls) -> pl.Expr:
        return (cls.amount.col > 0) | (cls.kind.col.cast(pl.String) == "new")

    @dy.rule()
    def few_of_each_kind(cls) -> pl.Expr:
        return cls.amount.col.max().over("kind") < 99


class Idle(dy.Schema):
    id = dy.Int64(primary_key=True)

    @dy.rule()
    def always(cls) -> pl.Expr:
        return (cls.id.col > 5) | (cls.id.col <= 5)

    @dy.rule()
    def null_counts_as_good(cls) -> pl.Expr:
        return pl.when(cls.id.col > 5).then(True)


def breaker(contract: type[dy.Schema], *, text: tuple[str, ...] = ()) -> Breaker:
    good = sample_contract(contract, 50, seed=1).with_columns(pl.col(text).cast(pl.String))
    return Breaker(contract, settle_terms(ASSET, contract, good.schema), good, seed=1)


def test_every_rule_of_every_kind_is_broken_alone_or_nearly() -> None:
    breaks = breaker(Orders, text=("id", "count", "kind", "price"))

    found = {rule: breaks.break_rule(rule) for rule in breaks.rules}

    assert [rule for rule, breach in found.items() if isinstance(breach, Unbroken)] == []
    broken = {
        rule: {column.name: int(column.sum()) for column in breach.broken}
        for rule, breach in found.items()
        if isinstance(breach, Breach)
    }
    assert broken["amount|max_exclusive"] == {"amount|max_exclusive": 3}
    assert broken["id|dtype"] == {"id|dtype": 3}
    assert broken["at|resolution"] == {"at|resolution": 3}
    assert broken["name|check"] == {"name|check": 3}
    assert broken["mail|unique"] == {"mail|unique": 1}
    assert broken["primary_key"] == {"primary_key": 3}
    assert broken["ends_after_it_begins"] == {"ends_after_it_begins": 3}
    assert broken["free_orders_are_new"] == {"free_orders_are_new": 3}
    alone = [rule for rule, counts in broken.items() if set(counts) == {rule}]
    assert len(alone) >= len(broken) - 3


def test_all_other_rows_stay_as_they_were() -> None:
    breaks = breaker(Orders)

    breach = breaks.break_rule("amount|min")

    assert isinstance(breach, Breach)
    kept = breach.frame.filter(~breach.broken["amount|min"])
    assert kept.height == breaks.good.height - 3
    assert kept.join(breaks.good, on="id").height == kept.height


@pytest.mark.parametrize("rule", ["always", "null_counts_as_good"])
def test_a_rule_that_no_row_breaks_is_told(rule: str) -> None:
    unbroken = breaker(Idle).break_rule(rule)

    assert isinstance(unbroken, Unbroken)
    assert unbroken.is_certain
    assert unbroken.tried > 50


def test_the_same_seed_breaks_the_same_rows() -> None:
    first, again = (breaker(Orders).break_rule("free_orders_are_new") for _ in range(2))

    assert isinstance(first, Breach)
    assert isinstance(again, Breach)
    assert first.frame.equals(again.frame)


def test_values_that_a_field_of_a_struct_cannot_hold_are_left_out() -> None:
    dtype = pl.Struct({"tiny": pl.UInt8(), "word": pl.Enum(["a", "b"])})
    seen = pl.Series("x", [{"tiny": 1, "word": "a"}], dtype=dtype)

    values = odd_values(None, None, seen, dtype, seed=1)

    assert values.dtype == dtype
    assert 255 in values.struct.field("tiny").to_list()
