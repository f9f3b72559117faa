"""What the plans say, judged by a second witness: projection pushdown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pytest

from polster.plans.flow import Flow, NullCause, read_flow
from polster.plans.projection import projected
from polster.plans.source import named_source
from polster.plans.visit import UnreadablePlanError, Visitor

pytestmark = pytest.mark.private_part_of("polars")

ORDERS = pl.Schema(
    {
        "id": pl.Int64(),
        "customer": pl.String(),
        "amount": pl.Float64(),
        "tags": pl.List(pl.Int64()),
        "place": pl.Struct({"x": pl.Int64(), "y": pl.Int64()}),
    }
)
RATES = pl.Schema({"id": pl.Int64(), "rate": pl.Float64()})
FILLED = {"orders": frozenset({"id", "customer", "amount"}), "rates": frozenset({"id", "rate"})}
amount, customer = pl.col("amount"), pl.col("customer")


@dataclass
class Inputs:
    """Two named sources, and what they are asked for."""

    asked: dict[str, set[str]] = field(default_factory=lambda: {"orders": set(), "rates": set()})

    @property
    def orders(self) -> pl.LazyFrame:
        return named_source("orders", ORDERS, self.asked["orders"])

    @property
    def rates(self) -> pl.LazyFrame:
        return named_source("rates", RATES, self.asked["rates"])


Build = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]
PLANS: dict[str, Build] = {
    "as it is": lambda a, b: a,
    "select": lambda a, b: a.select("id", total=amount * 2),
    "rename and drop": lambda a, b: a.rename({"id": "key"}).drop("customer"),
    "filter": lambda a, b: a.filter(amount > 1, customer.is_not_null()),
    "window": lambda a, b: a.with_columns(r=amount.sum().over("customer", order_by="id")),
    "rank": lambda a, b: a.with_columns(r=amount.rank().over("customer")),
    "unique": lambda a, b: a.unique("customer"),
    "explode": lambda a, b: a.explode("tags"),
    "unnest": lambda a, b: a.unnest("place"),
    "field": lambda a, b: a.with_columns(x=pl.col("place").struct.field("x")),
    "unpivot": lambda a, b: a.unpivot(index="id", on=["amount"]),
    "row index": lambda a, b: a.with_row_index(),
    "vertical": lambda a, b: pl.concat([a.select("id"), b.select("id")]),
    "diagonal": lambda a, b: pl.concat([a, b], how="diagonal"),
    "horizontal": lambda a, b: pl.concat([a.select("customer"), b], how="horizontal"),
    "inner": lambda a, b: a.join(b, on="id"),
    "left": lambda a, b: a.join(b, on="id", how="left"),
    "right": lambda a, b: a.join(b, on="id", how="right"),
    "full": lambda a, b: a.join(b, on="id", how="full"),
    "full, coalesced": lambda a, b: a.join(b, on="id", how="full", coalesce=True),
    "semi": lambda a, b: a.join(b, on="id", how="semi"),
    "anti": lambda a, b: a.join(b, on="id", how="anti"),
    "asof": lambda a, b: a.sort("id").join_asof(b.sort("id"), on="id"),
    "where": lambda a, b: a.join_where(b, pl.col("id") < pl.col("id_right")),
    "expression as key": lambda a, b: a.join(b, left_on=pl.col("id") + 1, right_on="id"),
    "group": lambda a, b: a.group_by("customer").agg(amount.sum(), n=pl.len()),
    "group, all": lambda a, b: a.group_by("customer").agg(pl.all().first()),
    "dynamic": lambda a, b: a.sort("id").group_by_dynamic("id", every="2i").agg(amount.sum()),
    "boundaries": lambda a, b: (
        a.sort("id").group_by_dynamic("id", every="2i", include_boundaries=True).agg(amount.sum())
    ),
    "order, later its first": lambda a, b: a.sort("amount").select("id").head(2),
    "last of an order": lambda a, b: a.sort("id").unique("customer", keep="last"),
    "last in a group": lambda a, b: a.sort("id").group_by("customer").agg(amount.last()),
    "numbered": lambda a, b: a.sort("amount").with_row_index(),
    "shifted": lambda a, b: a.sort("id").with_columns(r=amount.shift()),
    "running": lambda a, b: a.sort("id").with_columns(r=amount.cum_sum()),
    "asof by": lambda a, b: a.sort("id").join_asof(
        b.with_columns(customer=pl.lit("a")).sort("id"), on="id", by="customer"
    ),
    "most by": lambda a, b: a.select(r=amount.max_by("id")),
    "top by": lambda a, b: a.select(r=amount.top_k_by("id", 2)),
    "rolling by": lambda a, b: a.select(r=amount.rolling_mean_by("id", "2i")),
    "rolling": lambda a, b: a.select(r=amount.sum().rolling("id", period="2i")),
    "said to be sorted": lambda a, b: a.set_sorted("id"),
    "merged": lambda a, b: a.select("id").sort("id").merge_sorted(b.select("id").sort("id"), "id"),
    "with fields": lambda a, b: a.select(
        pl.col("place").struct.with_fields(pl.field("x") + pl.col("id"))
    ),
    "two structs": lambda a, b: a.with_columns(other=pl.struct(z="id")).unnest("place", "other"),
    "pivot": lambda a, b: a.pivot(
        "customer", on_columns=["x"], index="id", values="amount", aggregate_function="sum"
    ),
    "when": lambda a, b: a.with_columns(w=pl.when(amount > 1).then("customer").otherwise(None)),
    "chain": lambda a, b: a.with_columns(
        w=pl.when(amount > 1).then(1).when(pl.col("id") > 1).then(2).otherwise(3)
    ),
    "coalesce": lambda a, b: a.with_columns(c=pl.coalesce("customer", pl.lit("nobody"))),
    "struct": lambda a, b: a.select(s=pl.struct("id", "customer")),
    "list": lambda a, b: a.with_columns(t=pl.col("tags").list.eval(pl.element() + 1)),
    "filtered sum": lambda a, b: a.group_by("customer").agg(
        s=amount.filter(pl.col("id") > 1).sum()
    ),
    "sorted first": lambda a, b: a.group_by("customer").agg(f=amount.sort_by("id").first()),
    "top": lambda a, b: a.top_k(3, by="amount"),
    "first of an order": lambda a, b: a.sort("amount").head(2),
    "replace": lambda a, b: a.with_columns(customer.replace_strict({"a": "b"}, default="c")),
    "horizontal any": lambda a, b: a.select(x=pl.any_horizontal(amount > 1, pl.col("id") > 2)),
    "cache": lambda a, b: a.cache(),
    "twice": lambda a, b: a.join(a.group_by("id").agg(most=amount.max()), on="id"),
    "sql": lambda a, b: pl.SQLContext(a=a).execute(
        "select customer, sum(amount) s from a group by 1"
    ),
}


ASKS_TOO_MUCH = {
    "unnest",
    "two structs",
    "last in a group",
    "numbered",
    "running",
    "shifted",
    "unpivot",
    "diagonal",
    "horizontal",
}
"""Steps for which the optimizer asks for columns that do not matter."""


@pytest.mark.parametrize("name", sorted(PLANS.keys() - ASKS_TOO_MUCH))
def test_nothing_that_matters_to_a_column_is_forgotten(name: str) -> None:
    inputs = Inputs()
    frame = PLANS[name](inputs.orders, inputs.rates)

    flow = read_flow(frame)

    needed = projected(frame, list(flow.columns), inputs.asked)
    assert list(needed) == list(flow.columns) == frame.collect_schema().names()
    for column, wanted in needed.items():
        found = flow.columns[column]
        if found.values:  # else some column is asked for, only to count the rows
            assert wanted <= found.columns


def flow_of(name: str, column: str) -> Flow:
    inputs = Inputs()
    frame = PLANS[name](inputs.orders, inputs.rates)
    return read_flow(frame, not_null=FILLED).columns[column]


def origins(*names: str) -> frozenset[tuple[str, ...]]:
    return frozenset(tuple(name.split(".")) for name in names)


@pytest.mark.parametrize(
    ("name", "column", "values", "influences"),
    [
        ("select", "total", ["orders.amount"], []),
        ("filter", "id", ["orders.id"], ["orders.amount", "orders.customer"]),
        ("window", "r", ["orders.amount"], ["orders.customer", "orders.id"]),
        ("left", "rate", ["rates.rate"], ["orders.id", "rates.id"]),
        ("full, coalesced", "id", ["orders.id", "rates.id"], ["orders.id", "rates.id"]),
        ("semi", "amount", ["orders.amount"], ["orders.id", "rates.id"]),
        ("group", "amount", ["orders.amount"], ["orders.customer"]),
        ("group", "n", [], ["orders.customer"]),
        ("when", "w", ["orders.customer"], ["orders.amount"]),
        ("chain", "w", [], ["orders.amount", "orders.id"]),
        ("unpivot", "value", ["orders.amount"], []),
        ("field", "x", ["orders.place.x"], []),
        ("first of an order", "id", ["orders.id"], ["orders.amount"]),
        ("vertical", "id", ["orders.id", "rates.id"], []),
        ("filtered sum", "s", ["orders.amount"], ["orders.customer", "orders.id"]),
        ("pivot", "x", ["orders.amount"], ["orders.customer", "orders.id"]),
        ("boundaries", "_lower_boundary", ["orders.id"], ["orders.id"]),
        ("order, later its first", "id", ["orders.id"], ["orders.amount"]),
        ("last of an order", "id", ["orders.id"], ["orders.customer", "orders.id"]),
        ("last in a group", "amount", ["orders.amount"], ["orders.customer", "orders.id"]),
        ("numbered", "index", [], ["orders.amount"]),
        ("shifted", "r", ["orders.amount"], ["orders.id"]),
        ("running", "r", ["orders.amount"], ["orders.id"]),
        ("asof by", "rate", ["rates.rate"], ["orders.customer", "orders.id", "rates.id"]),
        ("most by", "r", ["orders.amount"], ["orders.id"]),
        ("top by", "r", ["orders.amount"], ["orders.id"]),
        ("rolling by", "r", ["orders.amount"], ["orders.id"]),
        ("rolling", "r", ["orders.amount"], ["orders.id"]),
        ("said to be sorted", "amount", ["orders.amount"], []),
        ("merged", "id", ["orders.id", "rates.id"], []),
        ("with fields", "place", ["orders.id", "orders.place"], []),
        ("two structs", "z", ["orders.id"], []),
    ],
)
def test_values_are_told_from_influences(
    name: str, column: str, values: list[str], influences: list[str]
) -> None:
    flow = flow_of(name, column)

    assert (flow.values, flow.influences) == (origins(*values), origins(*influences))
    assert flow.unknown is None


@pytest.mark.parametrize(
    ("join", "matched"),
    [
        ("inner", [("orders.id", "rates.id")]),
        ("left", [("orders.id", "rates.id")]),
        ("semi", [("orders.id", "rates.id")]),
        ("anti", []),
        ("asof", []),
        ("where", []),
    ],
)
def test_the_columns_that_a_join_matches_are_told(
    join: str, matched: list[tuple[str, str]]
) -> None:
    inputs = Inputs()

    flow = read_flow(PLANS[join](inputs.orders, inputs.rates))

    expected = [(next(iter(origins(one))), next(iter(origins(other)))) for one, other in matched]
    assert [pair for match in flow.matches for pair in match] == expected


@pytest.mark.parametrize(
    "counted",
    [
        customer.n_unique(),
        customer.approx_n_unique(),
        customer.count(),
        customer.len(),
        customer.null_count(),
        customer.has_nulls(),
        customer.is_null(),
        customer.is_not_null().sum(),
        customer.is_null().mean(),
        customer.is_duplicated(),
        customer.is_unique(),
        customer.is_first_distinct(),
        customer.is_last_distinct(),
        customer.cum_count(),
        customer.unique_counts(),
    ],
    ids=str,
)
def test_a_count_holds_no_value_of_what_it_counts(counted: pl.Expr) -> None:
    flow = read_flow(Inputs().orders.select(n=counted)).columns["n"]

    assert (flow.values, flow.influences) == (origins(), origins("orders.customer"))
    assert flow.unknown is None


@pytest.mark.parametrize(
    "shown",
    [
        customer.value_counts(),
        customer.is_null() & customer.eq("Anna"),
        pl.struct("customer", n=customer.count()),
        customer.filter(customer.is_unique()),
    ],
    ids=str,
)
def test_what_shows_a_value_beside_a_count_holds_it(shown: pl.Expr) -> None:
    flow = read_flow(Inputs().orders.select(n=shown)).columns["n"]

    assert flow.values == origins("orders.customer")


def test_a_python_function_is_unknown_and_its_neighbours_are_not() -> None:
    mapped = Inputs().orders.with_columns(
        amount.map_elements(lambda value: value, return_dtype=pl.Float64)
    )

    flow = read_flow(mapped)

    assert flow.columns["amount"].unknown == "a Python function is on the way"
    assert flow.columns["id"].unknown is None


def test_a_step_of_python_makes_every_column_unknown() -> None:
    flow = read_flow(Inputs().orders.map_batches(lambda frame: frame))

    assert all(column.unknown for column in flow.columns.values())


NULLS: dict[str, tuple[Build, str, str | None]] = {
    "left join": (lambda a, b: a.join(b, on="id", how="left"), "rate", "join"),
    "left join, left side": (lambda a, b: a.join(b, on="id", how="left"), "amount", None),
    "filled": (
        lambda a, b: a.join(b, on="id", how="left").with_columns(pl.col("rate").fill_null(1.0)),
        "rate",
        None,
    ),
    "filtered": (
        lambda a, b: a.join(b, on="id", how="left").filter(pl.col("rate").is_not_null()),
        "rate",
        None,
    ),
    "compared": (
        lambda a, b: a.join(b, on="id", how="left").filter(pl.col("rate") > 0),
        "rate",
        None,
    ),
    "dropped": (lambda a, b: a.join(b, on="id", how="left").drop_nulls("rate"), "rate", None),
    "computed on": (
        lambda a, b: a.join(b, on="id", how="left").with_columns(e=amount * pl.col("rate")),
        "e",
        "join",
    ),
    "summed": (
        lambda a, b: a.join(b, on="id", how="left").group_by("id").agg(pl.col("rate").sum()),
        "rate",
        None,
    ),
    "right join": (lambda a, b: a.join(b, on="id", how="right"), "amount", "join"),
    "asof join": (lambda a, b: a.sort("id").join_asof(b.sort("id"), on="id"), "rate", "join"),
    "inner join": (lambda a, b: a.join(b, on="id"), "rate", None),
    "when": (lambda a, b: a.with_columns(w=pl.when(amount > 1).then("customer")), "w", "when"),
    "when, otherwise": (
        lambda a, b: a.with_columns(w=pl.when(amount > 1).then("id").otherwise(0)),
        "w",
        None,
    ),
    "shift": (lambda a, b: a.with_columns(s=amount.shift()), "s", "shift"),
    "shift, filled": (lambda a, b: a.with_columns(s=amount.shift(fill_value=0)), "s", None),
    "difference": (lambda a, b: a.with_columns(s=amount.diff()), "s", "shift"),
    "cast": (lambda a, b: a.with_columns(c=customer.cast(pl.Int64, strict=False)), "c", "cast"),
    "cast in place": (
        lambda a, b: a.with_columns(customer.cast(pl.Int64, strict=False)),
        "customer",
        "cast",
    ),
    "widened": (lambda a, b: a.with_columns(c=pl.col("id") * 1.5), "c", None),
    "strict cast": (lambda a, b: a.with_columns(c=customer.cast(pl.Int64)), "c", None),
    "date": (lambda a, b: a.with_columns(c=customer.str.to_date(strict=False)), "c", "cast"),
    "nullable already": (lambda a, b: a.with_columns(c=pl.col("tags").shift()), "c", None),
    "sql sum": (
        lambda a, b: pl.SQLContext(a=a).execute("select customer, sum(amount) s from a group by 1"),
        "s",
        None,
    ),
}


@pytest.mark.parametrize("name", NULLS)
def test_a_null_is_foretold_where_it_is_certain(name: str) -> None:
    build, column, kind = NULLS[name]
    inputs = Inputs()

    flow = read_flow(build(inputs.orders, inputs.rates), not_null=FILLED).columns[column]

    assert (flow.cause.kind if flow.cause else None) == kind


def test_the_cause_names_the_side_of_the_join() -> None:
    asof = Inputs().orders.sort("id").join_asof(Inputs().rates.sort("id"), on="id")

    assert flow_of("left", "rate").cause == NullCause("join", "the right side of a left join")
    cause = read_flow(asof, not_null=FILLED).columns["rate"].cause
    assert cause == NullCause("join", "the right side of an asof join")


@pytest.mark.parametrize(
    ("name", "aggregates"),
    [("group", True), ("twice", False), ("window", False), ("dynamic", True), ("sql", True)],
)
def test_a_result_of_groups_is_told_from_one_of_rows(name: str, aggregates: bool) -> None:
    inputs = Inputs()

    assert read_flow(PLANS[name](inputs.orders, inputs.rates)).only_aggregates is aggregates


ROWS: dict[str, Build] = {
    "last of all": lambda a, b: a.group_by("id").agg(pl.all().last()),
    "first in an order": lambda a, b: a.group_by("id").agg(amount.sort_by("customer").first()),
    "one beside an aggregate": lambda a, b: a.group_by("id").agg(amount.max(), customer.last()),
    "that of the largest": lambda a, b: a.group_by("id").agg(customer.max_by("amount")),
    "by position": lambda a, b: a.group_by("id").agg(amount.get(0)),
    "without aggregates": lambda a, b: a.group_by("id").agg(),
    "head": lambda a, b: a.group_by("customer").head(2),
    "taken apart again": lambda a, b: a.group_by("customer").agg("amount").explode("amount"),
    "taken apart in a select": lambda a, b: (
        a.group_by("customer").agg("amount").select(amount.explode())
    ),
    "semi join": lambda a, b: a.join(
        b.group_by("id").agg(pl.col("rate").sum()), on="id", how="semi"
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_rows_picked_out_of_groups_are_rows(name: str) -> None:
    inputs = Inputs()

    assert not read_flow(ROWS[name](inputs.orders, inputs.rates)).only_aggregates


def test_groups_that_a_semi_join_keeps_are_groups() -> None:
    inputs = Inputs()
    frame = inputs.orders.group_by("id").agg(amount.sum()).join(inputs.rates, on="id", how="semi")

    assert read_flow(frame).only_aggregates


def test_leaves_that_are_no_inputs_are_told() -> None:
    inputs = Inputs()
    frame = inputs.orders.join(pl.scan_csv(__file__, schema={"id": pl.Int64}), on="id").join(
        pl.LazyFrame({"id": [1, 2]}), on="id"
    )

    leaves = {leaf.kind: leaf for leaf in read_flow(frame).leaves}

    assert set(leaves) == {"input", "file", "memory"}
    assert leaves["file"].name.endswith("test_flow.py")
    assert leaves["memory"].rows == 2


def test_five_hundred_steps_are_read() -> None:
    frame = Inputs().orders
    for _ in range(500):
        frame = frame.with_columns(amount=amount + 1)

    assert read_flow(frame).columns["amount"].values == origins("orders.amount")


def test_sources_that_are_not_shown_are_leaves_too(tmp_path: Path) -> None:
    file = tmp_path / "orders.arrow"
    pl.DataFrame({"id": [1]}).write_ipc(file)
    frame = pl.concat([pl.scan_ipc(file), pl.scan_csv(b"id\n2")])

    assert [leaf.kind for leaf in read_flow(frame).leaves] == ["unknown", "unknown"]


def test_an_expression_nested_too_deeply_is_unreadable() -> None:
    deep = amount
    for _ in range(1000):
        deep = deep + 1

    with pytest.raises(UnreadablePlanError, match="nested too deeply"):
        read_flow(Inputs().orders.select(deep))


def test_a_plan_that_is_shown_in_another_way_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Visitor, "schema", lambda *_: {})

    with pytest.raises(UnreadablePlanError, match="unknown way"):
        read_flow(Inputs().orders.unnest("place"))


def test_a_chain_of_three_hundred_conditions_is_read() -> None:
    chain = pl.when(amount == 0).then(0).when(amount == 1).then(1)
    for number in range(2, 300):
        chain = chain.when(amount == number).then(number)

    flow = read_flow(Inputs().orders.select(size=chain), not_null=FILLED)

    assert flow.columns["size"].influences == origins("orders.amount")
