# ruff: noqa: DTZ001 - datetimes without a zone are part of what is tested
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polster.contracts.casts import kept
from polster.errors import AssetError
from polster.lakehouse.change import Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.lakehouse.types import (
    from_storage,
    is_exact,
    storage_cast,
    storage_schema,
)
from polster.lakehouse.widening import widened

NAN = float("nan")
CASES: dict[str, tuple[list[Any], pl.DataType, pl.DataType]] = {
    "Int8": ([-128, 127, None], pl.Int8(), pl.Int8()),
    "Int64": ([-(2**63), 2**63 - 1, None], pl.Int64(), pl.Int64()),
    "UInt8": ([255, None], pl.UInt8(), pl.Int16()),
    "UInt16": ([2**16 - 1], pl.UInt16(), pl.Int32()),
    "UInt32": ([2**32 - 1], pl.UInt32(), pl.Int64()),
    "UInt64": ([2**64 - 1, 0, None], pl.UInt64(), pl.Decimal(20, 0)),
    "Int128": ([10**37, -1, None], pl.Int128(), pl.Decimal(38, 0)),
    "Float32": ([0.5, NAN, None], pl.Float32(), pl.Float32()),
    "Float64": ([0.1, NAN, float("inf"), -0.0, None], pl.Float64(), pl.Float64()),
    "Boolean": ([True, None], pl.Boolean(), pl.Boolean()),
    "String": (["", "ä\n\0", None], pl.String(), pl.String()),
    "Binary": ([b"\xff\x00", None], pl.Binary(), pl.Binary()),
    "Date": ([date(1, 1, 1), date(9999, 12, 31), None], pl.Date(), pl.Date()),
    "Datetime ms": ([datetime(2020, 1, 1)], pl.Datetime("ms"), pl.Datetime("us")),
    "Datetime us": (
        [datetime(9999, 12, 31, 23, 59, 59, 999999)],
        pl.Datetime("us"),
        pl.Datetime("us"),
    ),
    "Datetime zone": (
        [1_600_000_000_000_000],
        pl.Datetime("us", "Asia/Tokyo"),
        pl.Datetime("us", "UTC"),
    ),
    "Datetime ns": ([1_600_000_000_000_001_000], pl.Datetime("ns"), pl.Datetime("us")),
    "UInt128": ([10**38 - 1, 0], pl.UInt128(), pl.Decimal(38, 0)),
    "Duration ns": ([1000, -1000], pl.Duration("ns"), pl.Int64()),
    "Array of Time": ([[time(1)]], pl.Array(pl.Time(), 1), pl.List(pl.String())),
    "Time": ([time(1, 2, 3, 4), time(0), None], pl.Time(), pl.String()),
    "Duration ms": ([timedelta(days=1), None], pl.Duration("ms"), pl.Int64()),
    "Duration us": ([timedelta(microseconds=-1)], pl.Duration("us"), pl.Int64()),
    "Decimal": ([Decimal("1.25"), None], pl.Decimal(10, 2), pl.Decimal(10, 2)),
    "Categorical": (["a", "b", None], pl.Categorical(), pl.String()),
    "Enum": (["b", None], pl.Enum(["b", "a"]), pl.String()),
    "Null": ([None, None], pl.Null(), pl.String()),
    "List": ([[1, None], [], None], pl.List(pl.Int64()), pl.List(pl.Int64())),
    "List of Time": ([[time(1, 2, 3, 4)], [None], None], pl.List(pl.Time()), pl.List(pl.String())),
    "List of Null": ([[None], None], pl.List(pl.Null()), pl.List(pl.String())),
    "List of List": ([[[1], None]], pl.List(pl.List(pl.UInt8())), pl.List(pl.List(pl.Int16()))),
    "Array": ([[1, 2], None], pl.Array(pl.Int64(), 2), pl.List(pl.Int64())),
    "Array of Array": ([[[1], [2]]], pl.Array(pl.Int64(), (2, 1)), pl.List(pl.List(pl.Int64()))),
    "Struct": (
        [{"a": 1, "b": None}, None],
        pl.Struct({"a": pl.Int64(), "b": pl.Date()}),
        pl.Struct({"a": pl.Int64(), "b": pl.Date()}),
    ),
    "Struct of special": (
        [{"t": time(1, 2, 3, 4), "d": [timedelta(1)]}, None],
        pl.Struct({"t": pl.Time(), "d": pl.List(pl.Duration("ms"))}),
        pl.Struct({"t": pl.String(), "d": pl.List(pl.Int64())}),
    ),
    "List of Struct": (
        [[{"c": "x", "u": 2**64 - 1}], []],
        pl.List(pl.Struct({"c": pl.Categorical(), "u": pl.UInt64()})),
        pl.List(pl.Struct({"c": pl.String(), "u": pl.Decimal(20, 0)})),
    ),
}


def _publish(store: Store, frame: pl.DataFrame, name: str = "t") -> pl.LazyFrame:
    schema = storage_schema(frame.schema, place="here")
    staging = Staging(store, store.uri(name), "run")
    files = staging.sink(storage_cast(frame, schema).lazy())
    table = Table(store, store.uri(name))
    return table.commit(Change(files, schema), onto=None).scan()


@pytest.mark.parametrize("name", CASES)
def test_a_value_of_any_type_survives_the_table(store: Store, name: str) -> None:
    values, dtype, stored = CASES[name]
    frame = pl.DataFrame({"x": pl.Series(values, dtype=dtype)})

    published = _publish(store, frame)

    assert published.collect_schema() == {"x": stored}
    assert from_storage(published, frame.schema).collect().equals(frame)


@settings(max_examples=25)
@given(data=st.data())
def test_many_columns_of_any_type_survive_a_cast_to_storage(data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(CASES)), unique=True, min_size=1))
    height = data.draw(st.integers(0, 4))
    frame = pl.DataFrame(
        {
            name: pl.Series(
                data.draw(
                    st.lists(st.sampled_from(CASES[name][0]), min_size=height, max_size=height)
                ),
                dtype=CASES[name][1],
            )
            for name in names
        }
    )

    schema = storage_schema(frame.schema, place="here")
    stored = storage_cast(frame, schema)

    assert stored.schema == schema
    assert from_storage(stored.lazy(), frame.schema).collect().equals(frame)


@pytest.mark.parametrize(
    ("values", "dtype", "left"),
    [
        ([timedelta], pl.Object(), {"id": pl.Int64(), "x": pl.String()}),
        ([{}], pl.Struct({}), {"id": pl.Int64()}),
        ([[{}]], pl.List(pl.Struct({})), {"id": pl.Int64()}),
    ],
)
@pytest.mark.filterwarnings("ignore::polars.exceptions.PolarsInefficientMapWarning")
def test_what_no_table_can_hold_is_refused_with_an_edit_that_works(
    values: list[Any], dtype: pl.DataType, left: dict[str, pl.DataType]
) -> None:
    frame = pl.DataFrame({"id": [1], "x": pl.Series(values, dtype=dtype)})

    with pytest.raises(AssetError) as caught:
        storage_schema(frame.schema, place="f.py:1")

    assert (caught.value.code, caught.value.place) == ("POL309", "f.py:1")
    edit = str(caught.value.hint).partition("in the function: ")[2]
    mended = eval(f"frame.lazy(){edit}", {"frame": frame, "pl": pl}).collect()
    assert mended.schema == left
    storage_schema(mended.schema, place="f.py:1")


@pytest.mark.parametrize(
    "schema",
    [
        {"id": pl.Int64(), "ID": pl.Int64()},
        {"s": pl.Struct({"a": pl.Int64(), "A": pl.Int64()})},
        {"s": pl.List(pl.Struct({"a": pl.Int64(), "A": pl.Int64()}))},
    ],
)
def test_names_that_differ_in_case_only_are_refused(schema: dict[str, pl.DataType]) -> None:
    with pytest.raises(AssetError) as caught:
        storage_schema(pl.Schema(schema), place="f.py:1")

    assert caught.value.code == "POL319"


NAMES = [
    "a b",
    "a.b",
    "ü🦆",
    "a'b",
    'a"b',
    "a`b",
    "a/b",
    "a=b",
    "a,;{}()",
    "a\nb",
    "%20",
    "a\\b",
    " ",
]
NAMES += ["*", "^a.*$", "x" * 300]


def test_odd_names_of_columns_survive(store: Store) -> None:
    frame = pl.DataFrame({name: [number, None] for number, name in enumerate(NAMES)})

    assert _publish(store, frame).collect().equals(frame)


def test_a_frame_without_rows_makes_a_table_without_rows(store: Store) -> None:
    frame = pl.DataFrame(schema={"a": pl.Int64, "b": pl.String})

    assert _publish(store, frame).collect().equals(frame)


ANY_TYPE = sorted({str(dtype): dtype for _, dtype, _ in CASES.values()}.items())


@pytest.mark.parametrize(("text", "dtype"), ANY_TYPE)
def test_a_type_that_no_table_holds_every_value_of_is_judged_before(
    text: str, dtype: pl.DataType
) -> None:
    """Two rooms that may not know each other agree on what a table can hold."""
    for each in (dtype, pl.List(dtype), pl.Struct({"x": dtype})):
        assert is_exact(each) == (kept(each) == each)


@pytest.mark.parametrize(
    ("table", "arriving", "expected"),
    [
        (pl.Int64(), pl.Int8(), True),
        (pl.Int64(), pl.UInt32(), True),
        (pl.Int64(), pl.UInt64(), False),
        (pl.Int32(), pl.Int64(), False),
        (pl.Int64(), pl.Float64(), False),
        (pl.Float64(), pl.Int32(), True),
        (pl.Float64(), pl.Int64(), False),
        (pl.Decimal(20, 0), pl.Int64(), True),
        (pl.Decimal(10, 2), pl.Decimal(8, 1), True),
        (pl.Decimal(10, 2), pl.Decimal(10, 3), False),
        (pl.String(), pl.Int64(), True),
        (pl.String(), pl.List(pl.Int64()), False),
        (pl.String(), pl.Binary(), False),
        (pl.Datetime("us"), pl.Date(), True),
        (pl.Datetime("us", "UTC"), pl.Datetime("ms", "Asia/Tokyo"), True),
        (pl.Datetime("us", "UTC"), pl.Datetime("us"), False),
        (pl.Date(), pl.Datetime("us"), False),
        (pl.Int64(), pl.Null(), True),
        (pl.List(pl.Int64()), pl.List(pl.Null()), True),
        (pl.List(pl.Int64()), pl.List(pl.String()), False),
        (pl.Struct({"a": pl.Int64()}), pl.Struct({"a": pl.Int8()}), True),
        (pl.Struct({"a": pl.Int64()}), pl.Struct({"b": pl.Int64()}), False),
    ],
)
def test_a_column_takes_only_what_it_can_hold(
    table: pl.DataType, arriving: pl.DataType, expected: bool
) -> None:
    assert widened(table, arriving) is expected
