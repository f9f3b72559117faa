"""Sampling rows that a contract allows."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import dataframely as dy
import polars as pl
import pytest

from polster.rehearsal.sampling import CannotSampleError, sample_contract, sample_types

BERLIN = ZoneInfo("Europe/Berlin")


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    code = dy.String(regex="^[A-Z]{2}[0-9]{2}$", min_length=4)
    name = dy.String(check=lambda name: name != "TEST")
    small = dy.Int8(max_exclusive=50)
    amount = dy.Float64(min=0)
    price = dy.Decimal(6, 2, max=500)
    day = dy.Date()
    until = dy.Date(nullable=True)
    at = dy.Datetime(time_zone="UTC", min=datetime(2021, 1, 1, tzinfo=UTC))
    tags = dy.List(dy.String(), min_length=1)
    kind = dy.Enum(["new", "paid"])

    @dy.rule()
    def ends_after_it_begins(cls) -> pl.Expr:
        return cls.until.col >= cls.day.col


class Sums(dy.Schema):
    net = dy.Int64(min=0)
    tax = dy.Int64(min=0)
    total = dy.Int64(min=0)

    @dy.rule()
    def adds_up(cls) -> pl.Expr:
        return cls.net.col + cls.tax.col == cls.total.col


def test_sampled_rows_keep_every_rule() -> None:
    sampled = sample_contract(Orders, 200, seed=1)

    assert sampled.height == 200
    assert sampled.columns == list(Orders.columns())
    assert Orders.is_valid(sampled)


def test_the_same_seed_samples_the_same_rows_and_another_seed_others() -> None:
    first, again, other = (sample_contract(Orders, 20, seed=seed) for seed in (1, 1, 2))

    assert first.equals(again)
    assert not first.equals(other)


def test_what_a_contract_does_not_bound_stays_plausible() -> None:
    sampled = sample_contract(Orders, 100, seed=1)

    assert sampled["amount"].le(2000).all()
    assert sampled["day"].dt.year().is_between(2020, 2025).all()
    assert sampled["at"].dt.microsecond().eq(0).all()
    assert sampled["name"].str.len_chars().is_between(1, 12).all()


class Times(dy.Schema):
    utc = dy.Datetime(time_zone="UTC")
    local = dy.Datetime(time_zone="Europe/Berlin", max=datetime(2021, 1, 1, tzinfo=BERLIN))
    new_york = dy.Datetime(time_zone="America/New_York", resolution="1h")
    fine = dy.Datetime(time_unit="ns")
    coarse = dy.Datetime(time_unit="ms", time_zone="UTC")
    short = dy.Duration(time_unit="ms")


def test_times_are_sampled_in_every_zone_and_unit() -> None:
    sampled = sample_contract(Times, 100, seed=1)

    assert Times.is_valid(sampled)
    assert sampled["utc"].dt.year().is_between(2020, 2025).all()
    assert sampled["fine"].dt.year().is_between(2020, 2025).all()
    assert sampled["coarse"].dt.year().is_between(2020, 2025).all()
    assert sampled["short"].n_unique() > 50


def test_given_values_are_taken_as_they_are() -> None:
    sampled = sample_contract(Orders, 3, seed=1, given={"small": [1, 2, 3]})

    assert sampled["small"].to_list() == [1, 2, 3]


def test_values_that_a_rule_names_are_drawn() -> None:
    class Orders(dy.Schema):
        id = dy.Int64(primary_key=True)
        status = dy.String()
        day = dy.Date()
        code = dy.Int32(nullable=False)

        @dy.rule()
        def known_status(cls) -> pl.Expr:
            return cls.status.col.is_in([*(f"status {number}" for number in range(30)), "?"])

        @dy.rule()
        def not_unknown(cls) -> pl.Expr:
            return cls.status.col != "?"

        @dy.rule()
        def known_code(cls) -> pl.Expr:
            return cls.code.col.is_in([10007, 20011])

    sampled = sample_contract(Orders, 500, seed=3)

    assert set(sampled["status"]) == {f"status {number}" for number in range(30)}
    assert set(sampled["code"]) == {10007, 20011}
    assert sampled["id"].n_unique() == 500


def test_a_rule_that_chance_never_keeps_is_named() -> None:
    with pytest.raises(CannotSampleError, match="hardly any random row keeps `adds_up`"):
        sample_contract(Sums, 10, seed=1)


@pytest.mark.parametrize(
    "dtype",
    [
        pl.Int8(),
        pl.UInt64(),
        pl.Float32(),
        pl.Decimal(8, 2),
        pl.String(),
        pl.Boolean(),
        pl.Date(),
        pl.Datetime("us", "UTC"),
        pl.Datetime("ms"),
        pl.Time(),
        pl.Duration("us"),
        pl.Binary(),
        pl.Enum(["a", "b"]),
        pl.List(pl.Int64()),
        pl.Array(pl.Float64(), 3),
        pl.Struct({"a": pl.Int64(), "b": pl.List(pl.String())}),
    ],
    ids=str,
)
def test_every_type_has_plausible_values(dtype: pl.DataType) -> None:
    sampled = sample_types(pl.Schema({"value": dtype}), 5, seed=1)["value"]

    assert sampled.dtype == dtype
    assert sampled.null_count() == 0
