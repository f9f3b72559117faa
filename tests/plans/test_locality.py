"""Which rows of a result a change can reach is proved by the optimizer, and never wrongly."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from datetime import date

import polars as pl
import pytest
from tests.plans.shapes import MONTH, SHAPES, Shape

from polster.errors import AssetError
from polster.plans.locality import (
    Locality,
    Reach,
    minds_order,
    needed_columns,
    read_locality,
    slice_values,
)

pytestmark = [
    pytest.mark.private_part_of("polars"),
    pytest.mark.filterwarnings("ignore"),  # shapes are written as users may write them
]
A = pl.Schema({"k": pl.Int64(), "d": pl.Date(), "v": pl.Int64(), "c": pl.String()})
B = pl.Schema({"k": pl.Int64(), "name": pl.String(), "g": pl.Int64()})
VALUES: dict[pl.DataType, list[object]] = {
    pl.Int64(): [None, 1, 2, 3, 4, 5],
    pl.Date(): [None, *(date(2024, month, day) for month in (1, 2, 3) for day in (1, 8))],
    pl.String(): [None, "x", "y", "z"],
}
TRIALS = 4


def localities(shape: Shape) -> dict[str, Locality]:
    def call(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        try:
            return shape(frames["a"], frames["b"])
        except Exception as error:  # as a run says it
            raise AssetError("the function raised", code="POL305") from error

    return read_locality(call, {"a": A, "b": B})


def rows(chance: random.Random, schema: pl.Schema, most: int) -> pl.DataFrame:
    count = chance.randint(0, most)
    return pl.DataFrame(
        {n: [chance.choice(VALUES[dtype]) for _ in range(count)] for n, dtype in schema.items()},
        schema=schema,
    )


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    names = sorted(one.columns)
    return sorted(map(repr, one.select(names).rows())) == sorted(
        map(repr, other.select(names).rows())
    )


def wrong(shape: Shape, chance: random.Random, trials: int) -> list[str]:
    """Return what is proved of a shape and does not hold for random rows."""
    found: list[str] = []
    for name, local in localities(shape).items():
        for _ in range(trials if local.by or local.reach is Reach.ROW_LOCAL else 0):
            tables = {"a": rows(chance, A, 12), "b": rows(chance, B, 5)}
            base, more = tables[name], rows(chance, tables[name].schema, 3)
            stays = pl.Series([chance.random() > 0.2 for _ in range(base.height)], dtype=pl.Boolean)
            gone = base.filter(~stays)
            after = {**tables, name: pl.concat([base.filter(stays), more])}
            try:
                old, new = computed(shape, tables), computed(shape, after)
                grown = computed(shape, {**tables, name: pl.concat([base, more])})
            except pl.exceptions.PolarsError:
                continue  # some shapes fail on some rows, whole builds with them
            changed = pl.concat([gone, more])
            for column, held in local.by.items():
                values = slice_values(
                    lambda frames: shape(frames["a"], frames["b"]),
                    {"a": A, "b": B},
                    name,
                    changed.lazy(),
                    column,
                    held,
                )
                among = pl.col(column).is_in(values.collect()[column].implode(), nulls_equal=True)
                if not same(pl.concat([old.filter(~among), new.filter(among)]), new):
                    found.append(f"{name} by {column}")
            if local.reach is Reach.ROW_LOCAL:
                added = computed(shape, {**tables, name: more})
                if not same(pl.concat([old, added]), grown):
                    found.append(f"{name} row-local")
    return found


def computed(shape: Shape, tables: dict[str, pl.DataFrame]) -> pl.DataFrame:
    return shape(tables["a"].lazy(), tables["b"].lazy()).collect()


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_proved_holds_for_random_rows(name: str) -> None:
    assert wrong(SHAPES[name], random.Random(name), TRIALS) == []


def test_what_is_computed_row_by_row_can_be_chosen_by() -> None:
    by_month = localities(lambda a, b: a.group_by(month=MONTH).agg(pl.col("v").sum()))["a"]

    assert (by_month.reach, list(by_month.by)) == (Reach.LOCAL, ["month"])


def test_each_row_for_itself() -> None:
    local = localities(lambda a, b: a.filter(pl.col("v") > 0).select("k", w=pl.col("v") * 2))

    assert local["a"].reach is Reach.ROW_LOCAL
    assert set(local["a"].by) == {"k", "w"}


@pytest.mark.parametrize(
    ("name", "reach"),
    [
        ("head", Reach.WHOLE),
        ("head unsorted", Reach.WHOLE),
        ("agg over total", Reach.WHOLE),
        ("unique any on c", Reach.LOCAL),  # by what decides, `c`
        ("left join J key", Reach.ROW_LOCAL),
        ("by all columns", Reach.LOCAL),
        ("one row", Reach.WHOLE),
    ],
)
def test_how_far_a_change_of_the_first_table_reaches(name: str, reach: Reach) -> None:
    assert localities(SHAPES[name])["a"].reach is reach


def test_a_step_that_keeps_any_row_proves_nothing() -> None:
    local = localities(SHAPES["keeps any after a group"])["a"]

    assert local.reach is Reach.WHOLE
    assert 'keep="first"' in local.why


def test_a_function_that_collects_is_asked_nothing() -> None:
    local = localities(lambda a, b: a.filter(pl.col("v") > a.collect()["v"].len()))["a"]

    assert local.why == "it collects rows while it is called"


def test_a_function_that_wants_rows_is_asked_nothing() -> None:
    local = localities(lambda a, b: a.filter(pl.col("v") > a.collect()["v"].to_list()[0]))["a"]

    assert local.why == "it cannot be called without rows: IndexError"


def test_a_function_sees_the_columns_of_its_input_and_no_other() -> None:
    def strict(a: pl.LazyFrame, b: pl.LazyFrame) -> pl.LazyFrame:
        assert a.collect_schema() == A
        return a.select("k", m=MONTH)

    assert localities(strict)["a"].reach is Reach.ROW_LOCAL


def test_columns_that_nothing_depends_on_are_not_needed() -> None:
    needed = needed_columns(
        lambda frames: frames["a"].filter(pl.col("v") > 1).select("k", "d"), {"a": A}, ["k"]
    )

    assert needed == {"a": {"k", "v"}}


FIRSTS: dict[str, Shape] = {
    "first of each": lambda a, b: a.unique("k", keep="first", maintain_order=True),
    "after a sort that keeps ties": lambda a, b: (
        a.sort("d", maintain_order=True).group_by("k").agg(pl.col("v").first())
    ),
    "after a join": lambda a, b: (
        b.join(a, on="k", maintain_order="left_right").group_by("g").agg(pl.col("v").last())
    ),
    "one before the other": lambda a, b: a.with_columns(p=pl.col("v").shift().over("k")),
    "running sum of each": lambda a, b: a.with_columns(s=pl.col("v").cum_sum().over("k")),
    "all of each": lambda a, b: a.group_by("k").agg("v"),
    "any head": lambda a, b: a.head(2),
}


@pytest.mark.parametrize("name", FIRSTS)
def test_what_looks_at_the_order_of_rows_is_known(name: str) -> None:
    shape = FIRSTS[name]

    assert minds_order(lambda frames: shape(frames["a"], frames["b"]), {"a": A, "b": B}, "a")


@pytest.mark.parametrize(
    "name", ["group", "unique last", "rowwise", "derived month", "double join"]
)
def test_an_order_that_nothing_sees_is_minded_by_nothing(name: str) -> None:
    shape = SHAPES[name]

    assert not minds_order(lambda frames: shape(frames["a"], frames["b"]), {"a": A, "b": B}, "a")


def main(trials: int) -> None:
    """Try every shape many times; print what is proved and wrong."""
    proved = bad = 0
    for name, shape in SHAPES.items():
        found = wrong(shape, random.Random(name), trials)
        proved += sum(bool(each.by) for each in localities(shape).values())
        bad += bool(found)
        if found:
            print(f"{name}: {', '.join(sorted(set(found)))}")
    shapes = f"{len(SHAPES)} shapes, {trials} trials each, Polars {pl.__version__}"
    print(f"{shapes}: {proved} proved of an input, {bad} wrong")
    sys.exit(bad > 0)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
