"""Rules about columns, nulls and plans: found by calling functions over zero rows."""

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
    customer = dy.String(nullable=True)
    amount = dy.String()
    ordered_on = dy.String()


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
    customer = dy.String(nullable=True)
    amount = dy.Float64(min=0)
    ordered_on = dy.Date(nullable=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.with_columns(pl.col("ordered_on").str.to_date(strict=False))
'''
_GOLD = '''\
# src/core/gold_days.py
"""Sales per day."""

import dataframely as dy
import polars as pl
from polster import gold


class Days(dy.Schema):
    """One row per day."""

    ordered_on = dy.Date(primary_key=True)
    amount = dy.Float64()


@gold(contract=Days, owner="sales")
def days(silver_orders: pl.LazyFrame) -> pl.LazyFrame:
    dated = silver_orders.drop_nulls("ordered_on")
    return dated.group_by("ordered_on").agg(pl.col("amount").sum())
'''
_CALL = 'bronze_orders.with_columns(pl.col("ordered_on").str.to_date(strict=False))'
_NUMBERED = '.with_columns(\n        pl.col("customer").fill_null(f"guest {next(GUESTS)}")\n    )'
_NAMED = '.with_columns(\n        pl.col("customer").fill_null("guest")\n    )'
_GOOD = _BRONZE + _SILVER
_ALL = _GOOD + _GOLD


def _silver(old: str, new: str, *, good: str = _GOOD) -> tuple[str, str]:
    """Return both examples: the second differs from the good one in the silver asset."""
    return _BRONZE + _SILVER.replace(old, new), good


def _gold(old: str, new: str) -> tuple[str, str]:
    return _GOOD + _GOLD.replace(old, new), _ALL


def _rule(
    code: str,
    name: str,
    summary: str,
    reason: str,
    examples: tuple[str, str],
    severity: Severity = Severity.ERROR,
) -> Rule:
    return Rule(code, name, severity, summary, reason, *examples)


_CUSTOMERS = (
    _GOOD.replace("bronze_orders", "bronze_customers")
    .replace("silver_orders", "silver_customers")
    .replace("def orders", "def customers")
    .replace("landing/orders.csv", "landing/customers.csv")
    .replace("OrdersExport", "CustomersExport")
    .replace("class Orders(", "class Customers(")
    .replace("contract=Orders)", "contract=Customers)")
    .replace("Orders of the shop", "Customers of the shop")
    .replace("Orders, typed", "Customers, typed")
    .replace("One row per order", "One row per customer")
    .replace(
        "    id = dy.String()\n    customer = dy.String(nullable=True)\n"
        "    amount = dy.String()\n    ordered_on = dy.String()\n",
        "    customer = dy.String()\n    region = dy.String()\n",
    )
    .replace(
        "    id = dy.Int64(primary_key=True)\n    customer = dy.String(nullable=True)\n"
        "    amount = dy.Float64(min=0)\n    ordered_on = dy.Date(nullable=True)\n",
        "    customer = dy.String(primary_key=True)\n    region = dy.String()\n",
    )
    .replace(_CALL.replace("bronze_orders", "bronze_customers"), "bronze_customers")
)
_KEPT = """\
# schemas/bronze.json
{
  "bronze.orders": {
    "id": "String",
    "customer": "String",
    "amount": "String",
    "ordered_on": "String"
  }
}
"""
_LOOKUP = """
    orders = silver_orders.select("id", "customer")
    return orders.join(silver_customers, on="customer", how="left")"""
_JOINED = (
    _GOLD.replace("gold_days", "gold_order_regions")
    .replace("Sales per day", "Where each order came from")
    .replace("class Days", "class OrderRegions")
    .replace("One row per day", "One row per order")
    .replace("contract=Days", "contract=OrderRegions")
    .replace(
        "def days(silver_orders: pl.LazyFrame)",
        "def order_regions(silver_orders: pl.LazyFrame, silver_customers: pl.LazyFrame)",
    )
    .replace(
        "    ordered_on = dy.Date(primary_key=True)\n    amount = dy.Float64()",
        "    id = dy.Int64(primary_key=True)\n    customer = dy.String(nullable=True)\n"
        "    region = dy.String()",
    )
)
_BODY = """
    dated = silver_orders.drop_nulls("ordered_on")
    return dated.group_by("ordered_on").agg(pl.col("amount").sum())"""

RULES = (
    _rule(
        "POL301",
        "missing-column",
        "a function does not return a column that its contract wants",
        "Readers rely on the contract. A column that is not there stops the asset at its next run.",
        _silver(_CALL, _CALL + '.rename({"amount": "total"})'),
    ),
    _rule(
        "POL302",
        "impossible-cast",
        "a column has a type that is not turned into the contract's",
        "Text into a date, or a time with a zone into one without, would have to be guessed.",
        _silver(_CALL, "bronze_orders"),
    ),
    _rule(
        "POL303",
        "no-frame",
        "a function returns something that is no frame of Polars",
        "Only a frame can be judged and published.",
        _silver(_CALL, "[1, 2, 3]"),
    ),
    _rule(
        "POL304",
        "nothing-returned",
        "a function returns nothing",
        "Usually the `return` was forgotten, and the asset would never have rows.",
        _silver("return " + _CALL, _CALL),
    ),
    _rule(
        "POL305",
        "plan-fails",
        "what a function describes cannot be computed",
        "A column that is not there, a join of text with numbers, arithmetic on text: Polars would "
        "refuse it with rows as it does without.",
        _gold('group_by("ordered_on")', 'group_by("order_date")'),
    ),
    _rule(
        "POL309",
        "unstorable-type",
        "a column has a type that no Delta table can hold",
        "Nothing of the asset could be published.",
        _silver(_CALL, _CALL + ".with_columns(thing=pl.lit(None, dtype=pl.Object))"),
    ),
    _rule(
        "POL311",
        "extra-columns",
        "a function returns columns that its contract does not name, and the asset forbids",
        'The asset says `extra_columns="fail"`, so it would fail at its next run.',
        (
            _BRONZE
            + _SILVER.replace("contract=Orders)", 'contract=Orders, extra_columns="fail")').replace(
                _CALL, _CALL + '.with_columns(note=pl.lit("x"))'
            ),
            _BRONZE + _SILVER.replace("contract=Orders)", 'contract=Orders, extra_columns="fail")'),
        ),
    ),
    _rule(
        "POL312",
        "reserved-column",
        "a function returns a column under a name that Polster uses itself",
        "Polster writes columns of that name beside the rows; the two would be mixed up.",
        _silver(_CALL, _CALL + '.with_columns(_rules=pl.lit("x"))'),
    ),
    _rule(
        "POL313",
        "unknown-policy-rule",
        "`on_violation` names a rule that the contract does not have",
        "The policy would never apply, and nobody would notice.",
        _silver("contract=Orders)", 'contract=Orders, on_violation={"amount|max": "fail"})'),
    ),
    _rule(
        "POL314",
        "unsatisfied-consumer",
        "a parameter states a contract that its upstream does not keep",
        "The consumer said what it needs; a change upstream took it away.",
        (
            _GOOD
            + _GOLD.replace(
                "silver_orders: pl.LazyFrame", "silver_orders: dy.LazyFrame[Needed]"
            ).replace(
                "class Days",
                'class Needed(dy.Schema):\n    """What the sales are made of."""\n\n'
                "    ordered_on = dy.Date(nullable=True)\n    net_amount = dy.Float64()\n\n\n"
                "class Days",
            ),
            _GOOD
            + _GOLD.replace(
                "silver_orders: pl.LazyFrame", "silver_orders: dy.LazyFrame[Needed]"
            ).replace(
                "class Days",
                'class Needed(dy.Schema):\n    """What the sales are made of."""\n\n'
                "    ordered_on = dy.Date(nullable=True)\n    amount = dy.Float64()\n\n\n"
                "class Days",
            ),
        ),
    ),
    _rule(
        "POL316",
        "impossible-rule",
        "a rule of a contract cannot be evaluated, or gives no truth value",
        "A rule that cannot be asked keeps no row out.",
        _silver(
            "    ordered_on = dy.Date(nullable=True)\n",
            "    ordered_on = dy.Date(nullable=True)\n\n    @dy.rule()\n"
            "    def not_too_dear(cls) -> pl.Expr:\n"
            '        return pl.col("price") < 1_000_000\n',
        ),
    ),
    _rule(
        "POL319",
        "twin-columns",
        "names of columns differ in upper and lower case only",
        "A Delta table cannot tell them apart.",
        _silver(_CALL, _CALL + '.with_columns(AMOUNT=pl.col("amount"))'),
    ),
    _rule(
        "POL333",
        "unknown-expectation-column",
        "`expect` names a column that the result does not have or that holds no dates or times, or "
        "counts keys where there are none",
        "The expectation could never be judged, and nobody would notice.",
        (
            _BRONZE
            + _SILVER.replace("import silver", "import Expect, silver").replace(
                "contract=Orders)", 'contract=Orders, expect=Expect(null_share={"client": 0.1}))'
            ),
            _BRONZE
            + _SILVER.replace("import silver", "import Expect, silver").replace(
                "contract=Orders)", 'contract=Orders, expect=Expect(null_share={"customer": 0.1}))'
            ),
        ),
    ),
    _rule(
        "POL340",
        "foreign-parameter",
        "a parameter is annotated with a type that is not handed over",
        "A function gets frames of Polars, lazy or collected. What it says that it takes must be "
        "what it gets.",
        _silver("bronze_orders: pl.LazyFrame", "bronze_orders: list[dict[str, str]]"),
    ),
    _rule(
        "POL341",
        "unknown-annotation",
        "the annotation of a parameter names what is not there",
        "Whether a frame is collected, and which contract it must satisfy, is read from the "
        "annotation. One that means nothing would be passed over without a word.",
        _silver("bronze_orders: pl.LazyFrame", 'bronze_orders: "pl.Dataframe"'),
    ),
    _rule(
        "POL701",
        "needs-data",
        "a function needs rows before it can say what it returns",
        "What depends on rows cannot be checked without them, and breaks on the first empty table.",
        _gold(
            'return dated.group_by("ordered_on")',
            'first = dated.select("ordered_on").collect().row(0)[0]\n'
            '    dated = dated.filter(pl.col("ordered_on") >= first)\n'
            '    return dated.group_by("ordered_on")',
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL702",
        "time-limit",
        "a function takes too long over zero rows",
        "An asset describes what is to be done. One that works or waits while it does so holds up "
        "every check and every run.",
        _silver("return " + _CALL, "while True:\n        pass\n    return " + _CALL),
    ),
    _rule(
        "POL703",
        "foreign-leaf",
        "a plan reads something that was not handed to the function",
        "What an asset reads beside its parameters is in no lineage and no fingerprint: it changes "
        "and nothing runs.",
        (
            _BRONZE
            + _SILVER.replace(
                _CALL, _CALL + '.join(RATES, left_on="id", right_on="column_1", how="left")'
            ).replace(
                "from polster import silver\n",
                'from polster import silver\n\nRATES = pl.scan_csv("rates.csv", schema='
                '{"column_1": pl.String})\n',
            ),
            _GOOD,
        ),
    ),
    _rule(
        "POL704",
        "not-deterministic",
        "a plan depends on when it is built, or on chance",
        "The same code over the same data must give the same table, or no run can be repeated and "
        "no difference explained.",
        (
            _BRONZE
            + _SILVER.replace("import dataframely", "import itertools\n\nimport dataframely")
            .replace("\n\nclass Orders", "\nGUESTS = itertools.count(1)\n\n\nclass Orders")
            .replace(_CALL, _CALL + _NUMBERED),
            _BRONZE + _SILVER.replace(_CALL, _CALL + _NAMED),
        ),
    ),
    _rule(
        "POL705",
        "reaches-outside",
        "a function reads, writes or connects while it is called",
        "A check must not touch anything, and a silver or gold asset gets all it needs as "
        "parameters.",
        (
            _BRONZE
            + _SILVER.replace(
                "import dataframely",
                "from configparser import ConfigParser\n\nimport dataframely",
            ).replace(
                "return " + _CALL,
                'settings = ConfigParser()\n    settings.read("shop.ini")\n    return ' + _CALL,
            ),
            _GOOD,
        ),
    ),
    _rule(
        "POL711",
        "null-by-join",
        "a join can put a null into a column that must not have one",
        "A row without a partner gets null. It would go to quarantine, or fail the asset, as soon "
        "as such a row comes.",
        (
            _GOOD + _CUSTOMERS + _JOINED.replace(_BODY, _LOOKUP),
            _GOOD
            + _CUSTOMERS
            + _JOINED.replace(_BODY, _LOOKUP + '.with_columns(pl.col("region").fill_null("?"))'),
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL712",
        "null-by-when",
        "a `when` without `otherwise` can put a null into a column that must not have one",
        "Where no condition holds, the value is null.",
        (
            _BRONZE
            + _SILVER.replace(
                "    ordered_on = dy.Date(nullable=True)\n",
                "    ordered_on = dy.Date(nullable=True)\n    size = dy.String()\n",
            ).replace(
                _CALL,
                _CALL + '.with_columns(\n        size=pl.when(pl.col("id") == "1")\n'
                '        .then(pl.lit("first"))\n    )',
            ),
            _BRONZE
            + _SILVER.replace(
                "    ordered_on = dy.Date(nullable=True)\n",
                "    ordered_on = dy.Date(nullable=True)\n    size = dy.String()\n",
            ).replace(
                _CALL,
                _CALL + '.with_columns(\n        size=pl.when(pl.col("id") == "1")\n'
                '        .then(pl.lit("first"))\n        .otherwise(pl.lit("other"))\n    )',
            ),
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL713",
        "null-by-shift",
        "a shift puts a null into a column that must not have one",
        "The first row has no row before it.",
        (
            _GOOD
            + _GOLD.replace(
                'agg(pl.col("amount").sum())',
                'agg(pl.col("amount").sum()).with_columns(pl.col("amount").shift(1))',
            ),
            _GOOD
            + _GOLD.replace(
                'agg(pl.col("amount").sum())',
                'agg(pl.col("amount").sum())'
                '.with_columns(pl.col("amount").shift(1, fill_value=0.0))',
            ),
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL714",
        "null-by-cast",
        "a lenient cast can put a null into a column that must not have one",
        "With `strict=False` a value that cannot be read becomes null, and its text is lost. "
        "Leave the cast to the contract, which keeps the original value in quarantine.",
        (
            _BRONZE
            + _SILVER.replace(
                _CALL, _CALL + '.with_columns(pl.col("amount").cast(pl.Float64, strict=False))'
            ),
            _GOOD,
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL715",
        "fails-without-rows",
        "a plan fails if an input has no rows",
        "Over no rows there is no first value, no smallest day and nothing to divide by. What is "
        "well with rows fails on the first empty table.",
        _gold(
            'dated.group_by("ordered_on").agg(pl.col("amount").sum())',
            'dated.select(pl.col("ordered_on").get(0), pl.col("amount").sum())',
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL733",
        "bronze-departs",
        "the contract or the table of a bronze asset departs from what is kept of its source",
        "`schemas/bronze.json` says what the source sends, and what reads bronze is checked by it "
        "on every machine. If the table or the contract says otherwise, one is out of date.",
        (
            _GOOD + _KEPT.replace('"amount": "String"', '"total": "String"'),
            _GOOD + _KEPT,
        ),
        Severity.WARNING,
    ),
    _rule(
        "POL722",
        "silver-only-aggregates",
        "a silver asset does nothing but aggregate",
        "Silver keeps the validated rows at the grain in which they arrived; sums and counts are "
        "answers, and belong in gold.",
        (
            _GOOD
            + _GOLD.replace("gold", "silver")
            .replace(', owner="sales"', "")
            .replace("silver_orders", "bronze_orders")
            .replace(
                'drop_nulls("ordered_on")', 'drop_nulls("ordered_on").cast({"amount": pl.Float64})'
            )
            .replace(
                "ordered_on = dy.Date(primary_key=True)", "ordered_on = dy.String(primary_key=True)"
            ),
            _ALL,
        ),
        Severity.WARNING,
    ),
)
