"""The step is named that a choice of rows does not get over, and the line where it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl
import pytest

from polster.plans.locality import Reach, read_locality
from polster.project.calls import line_of_call

SCHEMA = pl.Schema({"id": pl.Int64(), "on": pl.Date(), "paid": pl.Float64()})
Function = Callable[[Mapping[str, pl.LazyFrame]], pl.LazyFrame]


def share(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    total = pl.col("paid").sum()
    return frames["a"].filter(pl.col("paid") > 0).select("id", share=pl.col("paid") / total)


def rank(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    ranked = frames["a"].with_columns(pl.col("on").dt.year(), rank=pl.col("paid").rank())
    return ranked.filter(pl.col("rank") < 10).select("id", "rank")


def best(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    return frames["a"].sort("paid").head(10).select("id")


def share_of_months(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    months = frames["a"].group_by(month=pl.col("on").dt.truncate("1mo")).agg(pl.col("paid").sum())
    return months.with_columns(share=pl.col("paid") / pl.col("paid").sum())


def renamed_after(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
    days = frames["a"].group_by("on").agg(pl.col("paid").sum())
    return days.with_columns(pl.col("on").fill_null(pl.date(1970, 1, 1)))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (share, '`select((col("paid") / col("paid").sum()).alias("share"))` needs every row'),
        (rank, '`with_columns(col("paid").rank().alias("rank"))` needs every row of `a`'),
        (best, "`slice(offset: 0, len: 10)` needs every row of `a`"),
        (share_of_months, '`with_columns((col("paid") / col("paid").sum()).alias("share"))` needs'),
        (renamed_after, "stands between its columns and those of `a`"),
    ],
)
def test_the_step_is_named_that_needs_every_row(function: Function, said: str) -> None:
    local = read_locality(function, {"a": SCHEMA})["a"]

    assert local.reach is Reach.WHOLE
    assert said in local.why


def test_its_line_is_that_of_the_one_call_which_it_may_be() -> None:
    def once(frame: pl.LazyFrame) -> pl.LazyFrame:
        return (
            frame.filter(pl.col("paid") > 0, pl.col("on").is_not_null())
            .with_columns(pl.col("paid").sum().over("id"), pl.col("on").dt.year())
            .select("id")
        )

    def twice(frame: pl.LazyFrame) -> pl.LazyFrame:
        other = frame.with_columns(pl.col("paid"))
        return other.with_columns(pl.col("paid").sum())

    first = once.__code__.co_firstlineno

    assert line_of_call(once, ["with_columns"]) == first + 3
    assert line_of_call(twice, ["with_columns"]) is None
    assert line_of_call(once, ["head"]) is None


def test_what_has_no_source_has_no_line() -> None:
    made: dict[str, Any] = {}
    exec("def told(frame): return frame.head()", made)

    assert line_of_call(made["told"], ["head"]) is None
    assert line_of_call(print, ["head"]) is None
