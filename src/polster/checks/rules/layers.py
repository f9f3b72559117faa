"""Rules about the shape of the pipeline: who reads whom, who answers for it, what is where."""

from __future__ import annotations

from polster.model.finding import Severity
from polster.model.rule import Rule

_BRONZE = '''\
# src/core/bronze_orders.py
"""Orders of the shop, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class OrdersExport(dy.Schema):
    """One row per order, all text."""

    id = dy.String()
    customer = dy.String()
    amount = dy.String()


@bronze(contract=OrdersExport)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
'''
_SILVER = '''\
# src/core/silver_orders.py
"""Orders, typed and unique."""

import dataframely as dy
import polars as pl
from polster import silver


class Orders(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    customer = dy.String()
    amount = dy.Float64()


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "customer", "amount")
'''
_GOLD = '''\
# src/core/gold_customers.py
"""What each customer spent."""

import dataframely as dy
import polars as pl
from polster import gold


class Customers(dy.Schema):
    """One row per customer."""

    customer = dy.String(primary_key=True)
    spent = dy.Float64()


@gold(contract=Customers, owner="sales")
def customers(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by("customer").agg(spent=pl.col("amount").sum())
'''
_BASE = _BRONZE + _SILVER
_ALL = _BASE + _GOLD
_RATES = '''\
# src/core/bronze_rates.py
"""Exchange rates, as published."""

import dataframely as dy
import polars as pl
from polster import bronze


class RatesFile(dy.Schema):
    """One row per currency."""

    currency = dy.String()
    per_euro = dy.String()


@bronze(contract=RatesFile)
def rates() -> pl.LazyFrame:
    return pl.scan_csv("landing/rates.csv", infer_schema=False)
'''
_SILVER_RATES = '''\
# src/core/silver_rates.py
"""Exchange rates, one a currency."""

import dataframely as dy
import polars as pl
from polster import silver


class Rates(dy.Schema):
    """One row per currency."""

    currency = dy.String(primary_key=True)
    per_euro = dy.Float64()


@silver(contract=Rates)
def rates(bronze_rates: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_rates.select("currency", "per_euro")
'''
_JOINED = _SILVER.replace(
    "bronze_orders: pl.LazyFrame", "bronze_orders: pl.LazyFrame, rates: pl.LazyFrame"
).replace(
    'bronze_orders.select("id", "customer", "amount")',
    'bronze_orders.join(rates, left_on="customer", right_on="currency").select(\n'
    '        "id", "customer", "amount"\n    )',
)
_LIMIT = "# pyproject.toml\n[tool.polster.rules]\nmax_readers = 1\n"
_SALES = '''\
# src/core/gold_sales.py
"""What was sold, in all."""

import dataframely as dy
import polars as pl
from polster import gold


class Sales(dy.Schema):
    """A single row."""

    spent = dy.Float64()


@gold(contract=Sales, owner="sales")
def sales(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select(pl.col("amount").sum().alias("spent"))
'''
_TYPES = '''\
# src/core/types.py
"""Types of the columns that hold money."""

import polars as pl

MONEY = pl.Decimal(12, 2)
'''


def _rule(code: str, name: str, summary: str, reason: str, bad: str, good: str) -> Rule:
    return Rule(code, name, Severity.WARNING, summary, reason, bad, good)


RULES: tuple[Rule, ...] = (
    _rule(
        "POL220",
        "bronze-unread",
        "nobody reads a bronze asset",
        "Its rows are landed, paid for and trusted by no one. Either a silver asset is missing, "
        "or the load can stop.",
        _BASE + _RATES,
        _BASE + _RATES + _SILVER_RATES,
    ),
    _rule(
        "POL221",
        "bronze-without-silver",
        "a bronze asset has no silver asset of the same grain",
        "Its rows reach silver only joined or aggregated, so nobody has judged them one by one: "
        "a bad row is dropped by the join, or hides in a sum.",
        _BRONZE + _RATES + _JOINED,
        _BASE + _RATES + _SILVER_RATES,
    ),
    _rule(
        "POL222",
        "twin-tables",
        "an asset looks like a second version of another",
        "Of `orders` and `orders_v2` only one is right, and every reader has to guess which. Old "
        "code lies in git, old rows in the versions of the table.",
        _BASE
        + _SILVER.replace("silver_orders.py", "silver_orders_v2.py").replace(
            "def orders", "def orders_v2"
        ),
        _BASE,
    ),
    _rule(
        "POL223",
        "fan-out",
        "more assets read one directly than the project allows",
        "Every change of its columns has to be thought through for all of them. Often many need "
        "the same part of it, which then deserves a name.",
        _ALL + _SALES + _LIMIT,
        _ALL + _LIMIT,
    ),
    _rule(
        "POL224",
        "gold-without-owner",
        "a gold asset has no owner",
        "Decisions rest on gold. When a number looks wrong, somebody has to be asked.",
        _BASE + _GOLD.replace(', owner="sales"', ""),
        _ALL,
    ),
    _rule(
        "POL225",
        "gold-without-description",
        "a gold asset says nowhere what it holds",
        "Who finds the table has to learn what one row is and what it is for without reading the "
        "code.",
        _BASE + _GOLD.replace('"""What each customer spent."""\n\n', ""),
        _ALL,
    ),
    _rule(
        "POL226",
        "no-primary-key",
        "the contract of a silver asset has no primary key",
        "Without a key nothing says what one row is, so duplicates pass unseen and double every "
        "sum behind them.",
        _BRONZE + _SILVER.replace("primary_key=True", "nullable=False"),
        _BASE,
    ),
    _rule(
        "POL227",
        "shadowed-library",
        "a module of the project has the name of a library",
        "Python finds the project's own module first: everywhere if it lies in `src`, and when an "
        "asset's file is run by itself if it lies in `src/core`. Polster sees to it that the "
        "library is found all the same then; other ways of starting the file do not.",
        _BASE + _TYPES,
        _BASE + _TYPES.replace("types.py", "money_types.py"),
    ),
)
