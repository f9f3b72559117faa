"""Rules about what the code of an asset does: reading, writing, the clock, secrets."""

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
    status = dy.String()
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
    status = dy.String()
    amount = dy.Float64()
'''
_DEF = """

@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
"""
_KEEP = """\
    return bronze_orders.select("id", "status", "amount")
"""
_GOOD = _BRONZE + _SILVER + _DEF + _KEEP
_TIMED = """    loaded_at = dy.Datetime(time_unit="us", time_zone="UTC")
"""
_REFUNDS = '''\
# src/core/bronze_refunds.py
"""Refunds, as booked."""

import dataframely as dy
import polars as pl
from polster import bronze


class RefundsExport(dy.Schema):
    """One row per refunded order, all text."""

    id = dy.String()


@bronze(contract=RefundsExport)
def refunds() -> pl.LazyFrame:
    return pl.scan_csv("landing/refunds.csv", infer_schema=False)
# src/core/silver_refunds.py
"""Refunds, one an order."""

import dataframely as dy
import polars as pl
from polster import silver


class Refunds(dy.Schema):
    """One row per refunded order."""

    id = dy.Int64(primary_key=True)


@silver(contract=Refunds)
def refunds(bronze_refunds: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_refunds.select("id")
'''
_TOTAL = '''\
# src/core/gold_total.py
"""What was earned, refunds left out."""

import dataframely as dy
import polars as pl
from polster import gold
{imports}

class Total(dy.Schema):
    """A single row."""

    earned = dy.Float64()


@gold(contract=Total, owner="finance")
def total({parameters}) -> pl.LazyFrame:
    kept = orders.join({refunds}, on="id", how="anti")
    return kept.select(pl.col("amount").sum().alias("earned"))
'''


def _silver(body: str, *, extra: str = "", parameters: str = "", imports: str = "") -> str:
    text = _SILVER + extra + _DEF + body
    text = text.replace("bronze_orders: pl.LazyFrame)", f"bronze_orders: pl.LazyFrame{parameters})")
    if parameters:
        text = text.replace("import polars as pl\n", "import polars as pl\nimport polster\n")
    return _BRONZE + text.replace("import dataframely", f"{imports}import dataframely", 1)


_CLOCK = """\
    return bronze_orders.select("id", "status", "amount", loaded_at=pl.lit({time}))
"""
_SAMPLE = """\
    return bronze_orders.select("id", pl.col("status").shuffle({seed}), "amount")
"""

RULES: tuple[Rule, ...] = (
    Rule(
        "POL601",
        "hard-coded-path",
        Severity.WARNING,
        "the code names a folder of one machine, or a store beside the lakehouse",
        "It works where it was written and nowhere else. Bronze may name the address of its "
        "source; silver and gold have no address at all.",
        _GOOD.replace("landing/orders.csv", "/home/ann/orders.csv"),
        _GOOD,
    ),
    Rule(
        "POL602",
        "hard-coded-credential",
        Severity.ERROR,
        "a password, a key or a token is written into the code",
        "Code is copied, reviewed and kept in git for ever, so everybody who ever sees it holds "
        "the credential.",
        _GOOD.replace(
            "\n\nclass OrdersExport", '\nTOKEN = "q7Rz41-vbPx09"\n\n\nclass OrdersExport', 1
        ),
        _GOOD.replace(
            "\n\nclass OrdersExport",
            '\nTOKEN = os.environ.get("SHOP_TOKEN", "")\n\n\nclass OrdersExport',
            1,
        ).replace("import dataframely", "import os\n\nimport dataframely", 1),
        is_sensitive=True,
    ),
    Rule(
        "POL603",
        "read-outside-bronze",
        Severity.ERROR,
        "silver or gold reaches outside what its parameters hand in, itself or through a helper",
        "What is read past the parameters has no lineage, no contract and no pinned version, so "
        "nobody knows what the table stands on, and a second run may differ.",
        _silver(
            '    known = pl.read_csv("landing/refunds.csv", infer_schema=False)\n'
            '    return bronze_orders.join(known.lazy(), on="id", how="anti").select(\n'
            '        "id", "status", "amount"\n    )\n'
        ),
        _GOOD,
    ),
    Rule(
        "POL604",
        "write-by-hand",
        Severity.ERROR,
        "an asset writes something itself",
        "What a function returns is judged before anyone sees it and published in one commit; "
        "what it writes by itself is neither. A table has exactly one writer, and that is Polster.",
        _silver('    bronze_orders.sink_csv("orders.csv")\n' + _KEEP),
        _GOOD,
    ),
    Rule(
        "POL605",
        "collect",
        Severity.WARNING,
        "silver or gold collects a lazy frame",
        "A frame that is collected halfway is held in memory as a whole, and neither the "
        "optimizer nor the lineage sees past it. Polster collects once, when it publishes.",
        _silver(_KEEP.rstrip() + ".collect()\n"),
        _GOOD,
        fixable=True,
    ),
    Rule(
        "POL606",
        "asset-import",
        Severity.ERROR,
        "an asset imports the function of another",
        "Called by hand, the function gets no published rows and no arrow appears in the graph, "
        "so nothing is rebuilt when the other changes. A parameter does all of that.",
        _GOOD
        + _REFUNDS
        + _TOTAL.format(
            imports="\nfrom core.silver_refunds import refunds\n",
            parameters="orders: pl.LazyFrame",
            refunds='refunds(orders.select("id"))',
        ),
        _GOOD
        + _REFUNDS
        + _TOTAL.format(
            imports="",
            parameters="orders: pl.LazyFrame, refunds: pl.LazyFrame",
            refunds="refunds",
        ),
    ),
    Rule(
        "POL607",
        "clock",
        Severity.ERROR,
        "silver or gold asks the clock",
        "The same rows then give another table every second, and yesterday's cannot be built "
        "again. The time of the run is handed in on request, and recorded.",
        _silver(
            _CLOCK.format(time="datetime.now(tz=UTC)"),
            extra=_TIMED,
            imports="from datetime import UTC, datetime\n\n",
        ),
        _silver(
            _CLOCK.format(time="run.time"), extra=_TIMED, parameters=", run: polster.RunContext"
        ),
    ),
    Rule(
        "POL608",
        "randomness",
        Severity.ERROR,
        "silver or gold leaves something to chance",
        "Two runs over the same rows give different tables, so no number can be explained "
        "afterwards. A fixed seed makes the draw a part of the code.",
        _silver(_SAMPLE.format(seed="")),
        _silver(_SAMPLE.format(seed="seed=7")),
    ),
    Rule(
        "POL621",
        "bronze-cleans",
        Severity.WARNING,
        "bronze filters, joins, casts or otherwise cleans",
        "Bronze is the proof of what the source sent. What is thrown away on landing can never be "
        "counted, quarantined or asked about again.",
        _GOOD.replace(
            "infer_schema=False)",
            'infer_schema=False).filter(\n        pl.col("status") != "test"\n    )',
        ),
        _GOOD,
    ),
)
