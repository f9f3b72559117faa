"""Which rows of a result a change can reach: proved by the optimizer, and never wrongly."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date

import polars as pl
import pytest

from polster.plans.locality import Locality, Reach, needed_columns, read_locality, slice_values

pytestmark = pytest.mark.private_part_of("polars")

Frames = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]
A = pl.Schema({"k": pl.Int64(), "d": pl.Date(), "v": pl.Int64(), "c": pl.String()})
B = pl.Schema({"k": pl.Int64(), "name": pl.String(), "g": pl.Int64()})
VALUES = {
    pl.Int64(): [None, 1, 2, 3, 4, 5],
    pl.Date(): [None, *(date(2024, month, 1 + 7 * week) for month in (1, 2) for week in (0, 1))],
    pl.String(): [None, "x", "y", "z"],
}
ORDER = ("d", "v", "c")
SHAPES: dict[str, Frames] = {}


def shape(function: Frames) -> Frames:
    SHAPES[function.__name__] = function
    return function
