"""A landing folder over some days: the tables are what all of its files say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.runtime.days import live

if TYPE_CHECKING:
    from tests.conftest import Pipeline


@pytest.mark.parametrize("seed", [1, 2])
def test_after_each_day_the_tables_are_those_of_a_full_refresh_and_of_duckdb(
    pipeline: Pipeline, seed: int
) -> None:
    kinds = live(pipeline, days=7, seed=seed)

    assert kinds["local"] > 3


def test_runs_that_are_killed_lose_and_double_nothing(pipeline: Pipeline) -> None:
    live(pipeline, days=5, kills=4, seed=3)
