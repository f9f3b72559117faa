"""The digest by which an identical snapshot of a source is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.lakehouse.types import storage_schema
from polster.sources.rows_digest import RowsDigest


def _digest(batches: Iterable[pl.DataFrame]) -> str:
    digest = RowsDigest()
    for batch in batches:
        digest.see(batch)
    return digest.text(storage_schema(digest.columns, place="here"))


ROW = st.fixed_dictionaries(
    {
        "n": st.one_of(st.none(), st.integers(-5, 5)),
        "f": st.one_of(st.none(), st.floats(allow_nan=False)),
        "s": st.one_of(st.none(), st.text(max_size=3)),
        "l": st.one_of(st.none(), st.lists(st.one_of(st.none(), st.integers(0, 2)), max_size=3)),
        "p": st.one_of(
            st.none(), st.fixed_dictionaries({"a": st.integers(0, 1), "b": st.booleans()})
        ),
    }
)
SCHEMA = pl.Schema(
    {
        "n": pl.Int64(),
        "f": pl.Float64(),
        "s": pl.String(),
        "l": pl.List(pl.Int64()),
        "p": pl.Struct({"a": pl.Int64(), "b": pl.Boolean()}),
    }
)
ROWS = st.lists(ROW, min_size=1, max_size=8)


def _frame(rows: list[dict[str, Any]]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA)


@given(rows=ROWS, data=st.data())
def test_neither_order_nor_batches_matter(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    size = data.draw(st.integers(1, len(rows)))

    whole = _digest([_frame(rows)])
    parts = _digest(_frame(shuffled).iter_slices(size))

    assert whole == parts


@given(one=ROWS, other=ROWS)
def test_other_rows_have_another_digest(
    one: list[dict[str, Any]], other: list[dict[str, Any]]
) -> None:
    def sort(rows: list[dict[str, Any]]) -> list[str]:
        return sorted(repr(_frame([{**row, "f": (row["f"] or 0.0) + 0.0}]).rows()) for row in rows)

    same = _digest([_frame(one)]) == _digest([_frame(other)])

    assert not same or sort(one) == sort(other)


def test_a_row_twice_is_not_a_row_once() -> None:
    frame = pl.DataFrame({"n": [1]})

    assert _digest([frame]) != _digest([frame, frame])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (pl.DataFrame({"a": [1], "b": [2]}), pl.DataFrame({"a": [2], "b": [1]})),
        (pl.DataFrame({"a": ["ab"], "b": ["c"]}), pl.DataFrame({"a": ["a"], "b": ["bc"]})),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"b": [1]})),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1.0]})),
        (pl.DataFrame({"a": [[1], [2]]}), pl.DataFrame({"a": [[1, 2], []]})),
        (pl.DataFrame({"a": [{"x": 1, "y": 2}]}), pl.DataFrame({"a": [{"x": 2, "y": 1}]})),
        (
            pl.DataFrame({"a": ["x"]}, schema={"a": pl.Enum(["x", "y"])}),
            pl.DataFrame({"a": ["y"]}, schema={"a": pl.Enum(["y", "x"])}),
        ),
        (
            pl.DataFrame({"a": [1]}, schema={"a": pl.Duration("ms")}),
            pl.DataFrame({"a": [1]}, schema={"a": pl.Duration("us")}),
        ),
    ],
)
def test_a_change_of_values_names_or_types_is_seen(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert _digest([one]) != _digest([other])


def test_the_version_of_polars_belongs_to_the_digest() -> None:
    assert _digest([pl.DataFrame({"n": [1]})]).startswith(pl.__version__)
