"""Rules about the comments that accept a breach."""

from __future__ import annotations

from polster.model.finding import Severity
from polster.model.rule import Rule

_BRONZE = '''\
# src/core/bronze_orders.py
"""Orders of the shop, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class Orders(dy.Schema):
    """One row per order."""

    id = dy.String()
    amount = dy.String(nullable=True)


@bronze(contract=Orders)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
'''
_SILVER = '''\
# src/core/silver_orders.py
"""Orders, typed."""

import dataframely as dy
import polars as pl
from polster import silver


class SilverOrders(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    amount = dy.Float64(nullable=True)


@silver(contract=SilverOrders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "amount"){comment}
'''


def _silver(comment: str) -> str:
    return _BRONZE + _SILVER.format(comment=comment)


RULES = (
    Rule(
        "POL691",
        "ignore-without-reason",
        Severity.ERROR,
        "a comment ignores a rule and does not say why",
        "The next reader cannot tell an accepted risk from a forgotten one. Without a reason the "
        "comment has no effect.",
        _silver("  # polster: ignore[POL605]"),
        _silver(""),
    ),
    Rule(
        "POL692",
        "unused-ignore",
        Severity.WARNING,
        "a comment ignores a rule that nothing breaks any more",
        "What once was accepted is gone; the comment would hide the next breach.",
        _silver("  # polster: ignore[POL605] small table"),
        _silver(""),
        fixable=True,
    ),
    Rule(
        "POL693",
        "bad-ignore",
        Severity.ERROR,
        "a comment ignores something that is no rule, or that cannot be ignored",
        "A comment without effect looks like a decision and is none. Rules without which a "
        "pipeline does not run can only be mended.",
        _silver("  # polster: ignore[POL999] not needed"),
        _silver(""),
    ),
)
