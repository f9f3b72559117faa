# ruff: noqa: DTZ001 - datetimes without a zone are part of what is tested
"""Columns of random types and values, and what it means that a value is still the same."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
from hypothesis import strategies as st

SCALARS: list[Any] = [
    pl.Int8(), pl.Int32(), pl.Int64(), pl.UInt64(), pl.Float32(), pl.Float64(), pl.Decimal(6, 2),
    pl.Decimal(12, 4), pl.String(), pl.Boolean(), pl.Date(), pl.Datetime("us"),
    pl.Datetime("ms", "Europe/Berlin"), pl.Null(), pl.Binary(),
]  # fmt: skip
DTYPES = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        inner.map(pl.List),
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=2).map(pl.Struct),
    ),
    max_leaves=3,
)


def values_of(dtype: Any) -> st.SearchStrategy[Any]:
    match dtype:
        case pl.List():
            found: st.SearchStrategy[Any] = st.lists(values_of(dtype.inner), max_size=2)
        case pl.Struct():
            found = st.fixed_dictionaries({f.name: values_of(f.dtype) for f in dtype.fields})
        case pl.Null():
            return st.none()
        case pl.Float32() | pl.Float64():
            width = 32 if dtype == pl.Float32 else 64
            whole = st.sampled_from([0.0, 1.0, 4.0, -7.0])
            found = st.one_of(whole, st.floats(width=64) if width == 64 else st.floats(width=32))
        case pl.Decimal():
            top = 10**dtype.precision - 1
            found = st.integers(-top, top).map(lambda n: Decimal(n).scaleb(-dtype.scale))
        case pl.String():
            found = st.sampled_from(["", "7", "x"])
        case pl.Boolean():
            found = st.booleans()
        case pl.Date():
            found = st.dates(date(1990, 1, 1), date(2100, 1, 1))
        case pl.Datetime():
            found = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
                lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
            )
        case pl.Binary():
            found = st.binary(max_size=2)
        case _:
            low, high = dtype.min(), dtype.max()
            low, high = (int(pl.select(end).item()) for end in (low, high))
            found = st.one_of(st.integers(0, 3), st.integers(low, high))
    return st.one_of(st.none(), found)


@st.composite
def columns(draw: st.DrawFn) -> pl.DataFrame:
    """Draw one column ``v`` of one to three rows."""
    dtype = draw(DTYPES)
    values = draw(st.lists(values_of(dtype), min_size=1, max_size=3))
    return pl.DataFrame({"v": pl.Series(values, dtype=dtype)})


def is_same(kept: Any, returned: Any) -> bool:
    """Compare a value with what was read back, in another type perhaps."""
    match kept, returned:
        case dict(), dict():
            return all(is_same(kept.get(name), returned.get(name)) for name in {*kept, *returned})
        case list(), list():
            return len(kept) == len(returned) and all(map(is_same, kept, returned))
        case float(), float() if returned != returned:
            return kept != kept
        case datetime(), date() if not isinstance(returned, datetime):
            return kept == datetime(returned.year, returned.month, returned.day)
        case str(), _ if not isinstance(returned, str | None):
            return bool(kept)
    return bool(kept == returned)
