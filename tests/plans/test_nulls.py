"""Where a null is foretold, and where it is not certain and so not said."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from polster.plans.flow import read_flow
from polster.plans.source import named_source

pytestmark = pytest.mark.private_part_of("polars")

ORDERS = pl.Schema(
    {
        "id": pl.Int64(),
        "cust": pl.Int64(),
        "amount": pl.Float64(),
        "code": pl.String(),
        "time": pl.Datetime("us"),
        "paid": pl.Boolean(),
    }
)
CUSTOMERS = pl.Schema({"cust": pl.Int64(), "name": pl.String(), "email": pl.String()})
FILLED = {"orders": frozenset(ORDERS), "customers": frozenset(CUSTOMERS)}

amount, code, name, email = (pl.col(each) for each in ("amount", "code", "name", "email"))
quarter = pl.col("time").dt.quarter()
Build = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]


def kind_of(build: Build, column: str) -> str | None:
    orders = named_source("orders", ORDERS)
    customers = named_source("customers", CUSTOMERS)
    cause = read_flow(build(orders, customers), not_null=FILLED).columns[column].cause
    return cause.kind if cause else None


def joined(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    return orders.join(customers, on="cust", how="left")


def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by("cust").agg(name=amount.sum())


CERTAIN: dict[str, tuple[Build, str]] = {
    "left join": (joined, "join"),
    "only rows without a partner": (lambda o, c: joined(o, c).filter(name.is_null()), "join"),
    "a filter on the other side": (lambda o, c: joined(o, c).filter(amount > 1), "join"),
    "a join with another table before": (
        lambda o, c: joined(o.join(o.select("cust").rename({"cust": "id"}), on="id"), c),
        "join",
    ),
    "totals of some dates": (
        lambda o, c: o.join(c.select("cust"), how="cross").join(
            totals(o), left_on="cust_right", right_on="cust", how="left"
        ),
        "join",
    ),
    "one bound": (lambda o, c: o.with_columns(name=pl.when(amount < 1).then(1)), "when"),
    "bounds of one side": (
        lambda o, c: o.with_columns(name=pl.when(amount < 1).then(1).when(amount < 3).then(2)),
        "when",
    ),
    "equalities": (
        lambda o, c: o.with_columns(name=pl.when(code == "a").then(1).when(code == "b").then(2)),
        "when",
    ),
    "shift in a window": (lambda o, c: o.with_columns(name=amount.shift().over("cust")), "shift"),
    "first rows kept": (lambda o, c: o.with_columns(name=amount.shift()).head(3), "shift"),
    "a cast in a select": (lambda o, c: o.select(name=code.cast(pl.Int64, strict=False)), "cast"),
    "a cast under the same name": (
        lambda o, c: o.select(code.cast(pl.Int64, strict=False)).rename({"code": "name"}),
        "cast",
    ),
    "a cast to a narrower type": (
        lambda o, c: o.select(name=pl.col("id").cast(pl.UInt64, strict=False)),
        "cast",
    ),
    "one side of a full join": (lambda o, c: o.join(c, on="cust", how="full"), "join"),
}


@pytest.mark.parametrize("case", CERTAIN)
def test_a_null_that_is_certain_is_told(case: str) -> None:
    build, kind = CERTAIN[case]

    assert kind_of(build, "name") == kind


UNSURE: dict[str, Build] = {
    "joined with totals of itself": lambda o, c: o.join(totals(o), on="cust", how="left"),
    "keys of itself": lambda o, c: o.select("cust").unique().join(totals(o), on="cust", how="left"),
    "only those with a partner, before": lambda o, c: joined(o.join(c, on="cust", how="semi"), c),
    "only those with a partner, after": lambda o, c: joined(o, c).join(c, on="cust", how="semi"),
    "an inner join on it": lambda o, c: joined(o, c).join(c.select(name), on="name"),
    "an inner join on its sibling": lambda o, c: joined(o, c).join(c.select(email), on="email"),
    "a semi join on its sibling": lambda o, c: joined(o, c).join(c, on="email", how="semi"),
    "sibling not null": lambda o, c: joined(o, c).filter(email.is_not_null()),
    "sibling compared": lambda o, c: joined(o, c).filter(email == "x"),
    "sibling dropped": lambda o, c: joined(o, c).drop_nulls("email"),
    "every null dropped": lambda o, c: joined(o, c).drop_nulls(),
    "not null, said twice": lambda o, c: joined(o, c).filter(~name.is_null()),
    "its length": lambda o, c: joined(o, c).filter(name.str.len_chars() > 3),
    "a pattern": lambda o, c: joined(o, c).filter(name.str.contains("x")),
    "one of two tests": lambda o, c: joined(o, c).filter(name.is_not_null() | (email == "x")),
    "a flag made of it": lambda o, c: (
        joined(o, c).with_columns(known=name.is_not_null()).filter("known")
    ),
    "a test that is not understood": lambda o, c: joined(o, c).filter(name.hash() > 3),
    "repaired where null": lambda o, c: joined(o, c).with_columns(
        name=pl.when(name.is_null()).then(pl.lit("?")).otherwise(name)
    ),
    "repaired where not null": lambda o, c: joined(o, c).with_columns(
        name=pl.when(name.is_not_null()).then(name).otherwise(pl.lit("?"))
    ),
    "repaired by its sibling": lambda o, c: joined(o, c).with_columns(
        name=pl.when(email.is_null()).then(pl.lit("?")).otherwise(name)
    ),
    "a condition and its contrary": lambda o, c: o.with_columns(
        name=pl.when(amount < 0).then(1).when(~(amount < 0)).then(2)
    ),
    "bounds of both sides": lambda o, c: o.with_columns(
        name=pl.when(amount < 0).then(1).when(amount >= 0).then(2)
    ),
    "true and false": lambda o, c: o.with_columns(
        name=pl.when(pl.col("paid") == pl.lit(True))
        .then(1)
        .when(pl.col("paid") == pl.lit(False))
        .then(2)
    ),
    "always": lambda o, c: o.with_columns(name=pl.when(pl.lit(True)).then(1)),
    "never null": lambda o, c: o.with_columns(name=pl.when(amount.is_not_null()).then(1)),
    "itself": lambda o, c: o.with_columns(name=pl.when(amount == amount).then(1)),
    "the same filter before": lambda o, c: o.filter(amount > 0).with_columns(
        name=pl.when(amount > 0).then(1)
    ),
    "the same filter after": lambda o, c: o.with_columns(name=pl.when(amount > 0).then(1)).filter(
        amount > 0
    ),
    "not a number": lambda o, c: o.with_columns(name=amount.fill_nan(None)),
    "a cast of what a filter let through": lambda o, c: o.filter(
        code.str.contains(r"^\d+$")
    ).with_columns(name=code.cast(pl.Int64, strict=False)),
    "a cast, then a filter": lambda o, c: o.with_columns(
        name=code.str.to_date(strict=False)
    ).filter(code.str.contains("-")),
    "a cast to a wider type": lambda o, c: o.select(
        name=pl.col("id").cast(pl.Int128, strict=False)
    ),
    "a count by sql": lambda o, c: pl.SQLContext(o=o).execute(
        "select cust, count(*) as name from o group by cust"
    ),
    "text as bytes": lambda o, c: o.select(name=code.cast(pl.Binary, strict=False)),
    "the row before, where there is one": lambda o, c: o.with_columns(
        name=pl.when(pl.int_range(pl.len()) == 0).then(0).otherwise(amount.shift())
    ),
    "each quarter": lambda o, c: o.with_columns(
        name=pl.when(quarter == 1)
        .then(1)
        .when(quarter == 2)
        .then(2)
        .when(quarter.is_between(3, 3))
        .then(3)
        .when(quarter.is_in([4]))
        .then(4)
    ),
    "a struct of nulls": lambda o, c: joined(o, c).with_columns(name=pl.struct("name", "email")),
    "no shift": lambda o, c: o.with_columns(name=amount.shift(0)),
    "first row cut off": lambda o, c: o.with_columns(name=amount.shift()).slice(1),
    "as of itself": lambda o, c: o.sort("time").join_asof(
        o.sort("time").select("time", name="amount"), on="time"
    ),
}


@pytest.mark.parametrize("case", UNSURE)
def test_a_null_that_is_not_certain_is_not_told(case: str) -> None:
    assert kind_of(UNSURE[case], "name") is None


@pytest.mark.parametrize("case", ["repaired where null", "repaired where not null"])
def test_a_repaired_column_is_never_null(case: str) -> None:
    orders, customers = named_source("orders", ORDERS), named_source("customers", CUSTOMERS)

    flow = read_flow(UNSURE[case](orders, customers), not_null=FILLED)

    assert flow.columns["name"].never_null


def test_a_test_that_null_passes_fills_nothing() -> None:
    orders, customers = named_source("orders", ORDERS), named_source("customers", CUSTOMERS)
    frame = joined(orders, customers).filter(name.is_in(["a", None], nulls_equal=True))

    assert not read_flow(frame, not_null=FILLED).columns["name"].never_null


def test_a_series_in_the_plan_may_hold_nulls() -> None:
    flow = read_flow(pl.LazyFrame({"a": [1, 2]}).with_columns(b=pl.lit(pl.Series([1, None]))))

    assert not flow.columns["b"].never_null


KIND = {"orders": {"code": 2, "id": 0}}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (pl.when(code == "a").then(1), "when"),
        (pl.when(code == "a").then(1).when(code == "b").then(2), None),
        (pl.when(code.is_in(["a"])).then(1), "when"),
        (pl.when(code.is_in(["a", "b"])).then(1), None),
        (pl.when(code.str.contains("a")).then(1).when(code.str.contains("b")).then(2), None),
        (pl.when((code == "a") & (amount < 1)).then(1), "when"),
        (pl.when(pl.col("id") == 1).then(1), "when"),
        (pl.when(pl.col("id") < 1).then(1), "when"),
        (pl.when(pl.col("id") == 1).then(1).when(pl.col("id") == 2).then(2), None),
        (code.cast(pl.Int64, strict=False), None),
    ],
)
def test_of_a_column_with_few_values_it_is_counted_how_many_are_asked_for(
    value: pl.Expr, kind: str | None
) -> None:
    frame = named_source("orders", ORDERS).select(name=value)

    cause = read_flow(frame, not_null=FILLED, limits=KIND).columns["name"].cause

    assert (cause.kind if cause else None) == kind
