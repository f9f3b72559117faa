from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from polster.plans.compare import first_difference
from polster.plans.source import named_source

pytestmark = pytest.mark.private_part_of("polars")

ORDERS = named_source("orders", pl.Schema({"id": pl.Int64(), "amount": pl.Float64()}))
amount = pl.col("amount")

DIFFERENT: dict[str, tuple[Callable[[int], pl.LazyFrame], str]] = {
    "series": (
        lambda n: ORDERS.with_columns(rank=pl.lit(pl.Series([n, 2]))),
        "a series is once `[1, 2]`, once `[7, 2]`",
    ),
    "series inside": (
        lambda n: ORDERS.filter(amount.gather([0, n]).sum() > 1),
        "a series is once `[0, 1]`, once `[0, 7]`",
    ),
    "frame": (
        lambda n: ORDERS.join(pl.LazyFrame({"id": [n], "rate": [0.1]}), on="id"),
        "a frame in memory is once `[(1, 0.1)]`, once `[(7, 0.1)]`",
    ),
    "shuffle": (
        lambda n: ORDERS.select(amount.shuffle(seed=n)),
        "the seed of `shuffle` is once `1`, once `7`",
    ),
    "sample": (
        lambda n: ORDERS.group_by("id").agg(amount.sample(1, seed=n).sum()),
        "the seed of `sample` is once `1`, once `7`",
    ),
}


@pytest.mark.parametrize("name", DIFFERENT)
def test_what_the_text_of_a_plan_hides_is_compared(name: str) -> None:
    build, said = DIFFERENT[name]

    assert build(1).explain(optimized=False) == build(7).explain(optimized=False)
    assert first_difference(build(1), build(7)) == said


@pytest.mark.parametrize("name", DIFFERENT)
def test_plans_that_are_built_alike_do_not_differ(name: str) -> None:
    build, _ = DIFFERENT[name]

    assert first_difference(build(3), build(3)) is None


def test_missing_values_are_equal_to_themselves() -> None:
    def build() -> pl.LazyFrame:
        return pl.LazyFrame({"a": [None, 1.0, float("nan")]})

    assert first_difference(build(), build()) is None


def test_a_plan_that_is_not_shown_does_not_differ() -> None:
    broken = pl.LazyFrame({"a": [1]}).select("b")

    assert first_difference(broken, broken) is None
