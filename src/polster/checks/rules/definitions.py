"""Rules without which there is no pipeline: names, files, options and the layers' order."""

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
    customer = dy.String(nullable=True)


@bronze(contract=Orders)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
'''
_SILVER = '''\
# src/core/silver_orders.py
"""Orders, typed and unique."""

import dataframely as dy
import polars as pl
from polster import silver


class SilverOrders(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    customer = dy.String(nullable=True)


@silver(contract=SilverOrders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "customer")
'''
_GOLD = '''\
# src/core/gold_customers.py
"""Orders per customer."""

import dataframely as dy
import polars as pl
from polster import gold


class Customers(dy.Schema):
    """One row per customer."""

    customer = dy.String(primary_key=True)
    orders = dy.Int64(min=1)


@gold(contract=Customers, owner="sales")
def customers(silver_orders: pl.LazyFrame) -> pl.LazyFrame:
    known = silver_orders.filter(pl.col("customer").is_not_null())
    return known.group_by("customer").agg(orders=pl.len().cast(pl.Int64))
'''
_GOOD = _BRONZE + _SILVER
_ALL = _GOOD + _GOLD


def _rule(code: str, name: str, summary: str, reason: str, bad: str, good: str) -> Rule:
    return Rule(code, name, Severity.ERROR, summary, reason, bad, good, is_structural=True)


RULES = (
    _rule(
        "POL201",
        "unknown-asset",
        "a parameter names something that is no asset",
        "A parameter is the wish for a table. What nobody makes, nobody can hand over.",
        _BRONZE + _SILVER.replace("bronze_orders", "bronze_order"),
        _GOOD,
    ),
    _rule(
        "POL202",
        "layer-order",
        "an asset reads a layer that it may not read",
        "Gold rests on validated rows only, and silver validates what arrived. An arrow around a "
        "layer carries unjudged rows to where decisions are made.",
        _GOOD + _GOLD.replace("silver_orders", "bronze_orders"),
        _ALL,
    ),
    _rule(
        "POL203",
        "cycle",
        "assets read each other",
        "What stands in a circle has no first step, so nothing of it can be built.",
        _GOOD
        + '''\
# src/core/silver_customers.py
"""Customers."""

import polars as pl
from polster import silver

from core.silver_orders import SilverOrders


@silver(contract=SilverOrders)
def customers(silver_customers: pl.LazyFrame) -> pl.LazyFrame:
    return silver_customers
''',
        _GOOD,
    ),
    _rule(
        "POL204",
        "ambiguous-name",
        "a name could mean several assets",
        "Which table is meant must not depend on who reads the code. Writing the layer settles it.",
        _GOOD.replace("bronze_orders: ", "orders: ").replace(
            "return bronze_orders.", "return orders."
        )
        + _SILVER.replace("silver_orders.py", "silver_totals.py")
        .replace("def orders", "def totals")
        .replace("bronze_orders", "orders")
        + '# pyproject.toml\n[tool.polster.rules]\nallow = ["silver->silver"]\n',
        _GOOD,
    ),
    _rule(
        "POL206",
        "file-and-function-disagree",
        "a file is not named after the asset that it defines",
        "The file's name is how people find an asset, and what keeps two files from writing one "
        "table. One that lies is found last.",
        _BRONZE + _SILVER.replace("silver_orders.py", "silver_clean_orders.py"),
        _GOOD,
    ),
    _rule(
        "POL207",
        "no-asset",
        "a file is named like an asset and holds none",
        "It looks as if the table were made, and nothing makes it.",
        _GOOD + '# src/core/silver_prices.py\n"""Nothing yet."""\n',
        _GOOD,
    ),
    _rule(
        "POL208",
        "several-assets",
        "a file holds several assets",
        "One asset a file keeps the change of one table out of the history of another.",
        _BRONZE
        + _SILVER
        + """\


@silver(contract=SilverOrders)
def more_orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders
""",
        _GOOD,
    ),
    _rule(
        "POL209",
        "bad-name",
        "the name of an asset does not fit",
        "Names become folders, files, parameters and tables of other engines; lowercase "
        "snake_case is what all of them take.",
        _BRONZE
        + _SILVER.replace("silver_orders.py", "silver_Orders.py").replace(
            "def orders", "def Orders"
        ),
        _GOOD,
    ),
    _rule(
        "POL210",
        "no-contract",
        "a silver or gold asset has no contract, or one that is no schema",
        "What silver and gold publish is judged first; without a contract there is nothing to "
        "judge by.",
        _BRONZE + _SILVER.replace("@silver(contract=SilverOrders)", "@silver()"),
        _GOOD,
    ),
    _rule(
        "POL211",
        "bad-option",
        "an option of a decorator is wrong",
        "Options shape the pipeline and are read from the source, so they must be written out, "
        "and mean something.",
        _BRONZE.replace("contract=Orders", 'contract=Orders, load="increment"') + _SILVER,
        _GOOD,
    ),
    _rule(
        "POL212",
        "unreadable-file",
        "a file is not valid Python",
        "Nothing can be said of an asset that cannot be read.",
        _GOOD + "# src/core/gold_customers.py\ndef customers(:\n",
        _ALL,
    ),
    _rule(
        "POL213",
        "import-fails",
        "a file cannot be imported",
        "An asset that cannot be imported cannot run. Usually a package is missing or misspelled.",
        _BRONZE + _SILVER.replace("import polars as pl\n", "import polars as pl\nimport polers\n"),
        _GOOD,
    ),
    _rule(
        "POL214",
        "bad-function",
        "a function cannot be an asset",
        "Polster calls a plain function with one named parameter for each dependency.",
        _BRONZE + _SILVER.replace("def orders", "async def orders"),
        _GOOD,
    ),
    _rule(
        "POL215",
        "repeated-input",
        "two parameters mean the same asset",
        "The second is the first by another name, so a reader looks for a difference that is not "
        "there.",
        _BRONZE
        + _SILVER.replace(
            "bronze_orders: pl.LazyFrame)", "bronze_orders: pl.LazyFrame, orders: pl.LazyFrame)"
        ),
        _GOOD,
    ),
    _rule(
        "POL217",
        "no-assets-folder",
        "the project has no folder src/core",
        "Assets lie in `src/core`; without it there is no pipeline.",
        "# README.md\nNothing here yet.\n",
        _GOOD,
    ),
)
