"""Rules that only a rehearsal finds: the pipeline has to be played through for them."""

from __future__ import annotations

from polster.model.finding import Severity
from polster.model.rule import Rule

_BRONZE = '''\
# src/core/bronze_orders.py
"""Orders as the shop exports them."""

import dataframely as dy
import polars as pl
from polster import bronze


class OrdersExport(dy.Schema):
    """One row per order line."""

    id = dy.Int64(primary_key=True)
    customer = dy.String(nullable=True)
    ordered_on = dy.String(nullable=False)
    amount = dy.Float64(nullable=False)


@bronze(contract=OrdersExport)
def orders() -> pl.LazyFrame:
    return pl.scan_parquet("landing/orders.parquet")
'''
_SILVER = '''\
# src/core/silver_orders.py
"""Orders that can be trusted, one row per order."""

import dataframely as dy
import polars as pl
from polster import silver


class Orders(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    customer = dy.String(nullable=False)
    amount = dy.Float64(min=0)
'''
_FUNCTION = """

@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "customer", "amount")
"""
_DROPS = """

@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.drop_nulls("customer").select("id", "customer", "amount")
"""
_NEVER = '''
    @dy.rule()
    def customer_is_known(cls) -> pl.Expr:
        """An order has a customer, or none."""
        return cls.customer.col.is_not_null() | cls.customer.col.is_null()
'''
_SOMETIMES = '''
    @dy.rule()
    def customer_is_named(cls) -> pl.Expr:
        """The shop's test orders are nobody's."""
        return cls.customer.col != "test"
'''
_TOGETHER = '''
    @dy.rule()
    def amounts_are_plausible(cls) -> pl.Expr:
        """No order is larger than any that the shop ever had."""
        return cls.amount.col.max() <= 10_000
'''
_EACH = '''
    @dy.rule()
    def amounts_are_plausible(cls) -> pl.Expr:
        """No order is larger than any that the shop ever had."""
        return cls.amount.col <= 10_000
'''
_DATED = '''\
# src/core/silver_orders.py
"""Orders that can be trusted, one row per order."""

import dataframely as dy
import polars as pl
from polster import silver


class Orders(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    ordered_on = dy.Date(nullable=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", pl.col("ordered_on").str.to_date({strict}))
'''
_BOOKINGS = '''\
# src/core/bronze_bookings.py
"""Bookings as the ledger exports them."""

import dataframely as dy
import polars as pl
from polster import bronze


class BookingsExport(dy.Schema):
    """One row per booking."""

    id = dy.Int64(primary_key=True)
    net = dy.Int64(min=0)
    tax = dy.Int64(min=0)
    booked_as = dy.String()


@bronze(contract=BookingsExport)
def bookings() -> pl.LazyFrame:
    return pl.scan_parquet("landing/bookings.parquet")
# src/core/silver_bookings.py
"""Bookings that are booked as they are written."""

import dataframely as dy
import polars as pl
from polster import silver


class Bookings(dy.Schema):
    """One row per booking."""

    id = dy.Int64(primary_key=True)
    net = dy.Int64(min=0)
    tax = dy.Int64(min=0)
    booked_as = dy.String()

    @dy.rule()
    def booked_as_written(cls) -> pl.Expr:
        """What is booked repeats net and tax."""
        return cls.booked_as.col == pl.concat_str(cls.net.col, cls.tax.col, separator="+")
'''
_HELPED = '''
    @classmethod
    def _sampling_overrides(cls) -> dict[str, pl.Expr]:
        """What is booked follows from net and tax, which chance never hits."""
        return {"booked_as": pl.concat_str(cls.net.col, cls.tax.col, separator="+")}
'''
_BOOKED = """

@silver(contract=Bookings)
def bookings(bronze_bookings: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_bookings.select("id", "net", "tax", "booked_as")
"""

RULES: tuple[Rule, ...] = (
    Rule(
        code="POL801",
        name="rule-never-fires",
        severity=Severity.WARNING,
        summary="a rule of a contract is kept by every row, whatever its values",
        reason=(
            "It looks like protection and is none. Often an `or` is too many, or a comparison "
            "is null where it should be false, and null counts as good."
        ),
        bad=_BRONZE + _SILVER + _NEVER + _FUNCTION,
        good=_BRONZE + _SILVER + _SOMETIMES + _FUNCTION,
    ),
    Rule(
        code="POL802",
        name="wrong-quarantine",
        severity=Severity.ERROR,
        summary="rows that break a rule on purpose, and only these, do not land in quarantine",
        reason=(
            "A rule that takes the whole table for bad because of one row, or answers "
            "differently each time, keeps good rows out or lets bad ones in."
        ),
        bad=_BRONZE + _SILVER + _TOGETHER + _FUNCTION,
        good=_BRONZE + _SILVER + _EACH + _FUNCTION,
    ),
    Rule(
        code="POL803",
        name="rows-dropped",
        severity=Severity.WARNING,
        summary="a silver function returns fewer rows than it reads, and nobody counts them",
        reason=(
            "What a filter takes away is in no table and no count. The contract keeps a bad row "
            "in quarantine, with the rule that it broke, where somebody can look at it."
        ),
        bad=_BRONZE + _SILVER + _DROPS,
        good=_BRONZE + _SILVER + _FUNCTION,
    ),
    Rule(
        code="POL804",
        name="fails-on-legal-input",
        severity=Severity.ERROR,
        summary="an asset fails on rows, or refuses rows, that the contracts of its inputs allow",
        reason=(
            "One such row stops the whole table some night. Either the input promises too "
            "little, or the function and its contract expect too much."
        ),
        bad=_BRONZE + _DATED.replace("{strict}", ""),
        good=_BRONZE + _DATED.replace("{strict}", "strict=False"),
    ),
    Rule(
        code="POL805",
        name="cannot-sample",
        severity=Severity.WARNING,
        summary="an asset or a rule cannot be rehearsed with sampled rows",
        reason=(
            "Chance hits no row that keeps a narrow rule, and knows no columns that no contract "
            "names. Say how columns follow from others in `_sampling_overrides`, or keep some "
            "rows in `tests/fixtures`; until then nothing is known of what goes unrehearsed."
        ),
        bad=_BOOKINGS + _BOOKED,
        good=_BOOKINGS + _HELPED + _BOOKED,
    ),
)
