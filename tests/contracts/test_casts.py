# ruff: noqa: DTZ001 - datetimes without a zone are part of what is tested
from __future__ import annotations

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.contracts.casts import Cast, CastKind, cast_hint, cast_kind


def _cast(values: list[Any], source: pl.DataType, target: pl.DataType) -> pl.DataFrame:
    """Return the columns ``value``, ``failed`` and ``before``."""
    cast = Cast("x", source, target, cast_kind(source, target))
    frame = pl.DataFrame({"x": pl.Series(values, dtype=source)})
    work = frame.with_columns(pl.col("x").alias(cast.original)).with_columns(cast.value())
    return work.select(
        value="x", failed=cast.failed(), before=cast.original if values else pl.col("x")
    )


def _failed(values: list[Any], source: pl.DataType, target: pl.DataType) -> list[bool]:
    return _cast(values, source, target)["failed"].to_list()


LOSSY: list[tuple[Any, pl.DataType, pl.DataType]] = [
    (2.7, pl.Float64(), pl.Int64()),
    (float("nan"), pl.Float64(), pl.Int64()),
    (float("inf"), pl.Float64(), pl.Int64()),
    (1e300, pl.Float64(), pl.Int64()),
    (1e300, pl.Float64(), pl.Float32()),
    (1e9, pl.Float64(), pl.Decimal(10, 2)),  # at which Polars raises, strict or not
    (99_999_999.995, pl.Float64(), pl.Decimal(10, 2)),
    (-1e9, pl.Float32(), pl.Decimal(10, 2)),
    ([1e9], pl.List(pl.Float64()), pl.List(pl.Decimal(10, 2))),
    ([1e9], pl.Array(pl.Float64(), 1), pl.Array(pl.Decimal(10, 2), 1)),
    ({"a": 1e9}, pl.Struct({"a": pl.Float64()}), pl.Struct({"a": pl.Decimal(10, 2)})),
    (2**127, pl.UInt128(), pl.Decimal(38, 0)),
    (0.125, pl.Float64(), pl.Decimal(10, 2)),
    (300, pl.Int64(), pl.Int8()),
    (-1, pl.Int64(), pl.UInt8()),
    (2, pl.Int64(), pl.Boolean()),
    (2**53 + 1, pl.Int64(), pl.Float64()),
    (2**63 - 1, pl.Int64(), pl.Float64()),
    (2**64 - 1, pl.UInt64(), pl.Int64()),
    (Decimal("1.25"), pl.Decimal(10, 2), pl.Decimal(10, 1)),
    (Decimal("1.25"), pl.Decimal(10, 2), pl.Int64()),
    ("1.255", pl.String(), pl.Decimal(10, 2)),
    ("1e-3", pl.String(), pl.Decimal(10, 2)),
    ("1e400", pl.String(), pl.Float64()),
    ("abc", pl.String(), pl.Int64()),
    ("", pl.String(), pl.Int64()),
    ("1.5", pl.String(), pl.Int64()),
    ("z", pl.String(), pl.Enum(["a"])),
    ("z", pl.Categorical(), pl.Enum(["a"])),
    (datetime(2020, 1, 1, 5), pl.Datetime("us"), pl.Date()),
    (datetime(9999, 1, 1), pl.Datetime("us"), pl.Datetime("ns")),
    (1, pl.Datetime("ns"), pl.Datetime("us")),
    (timedelta(microseconds=1), pl.Duration("us"), pl.Duration("ms")),
    ([1.5], pl.List(pl.Float64()), pl.List(pl.Int64())),
    (["01"], pl.List(pl.String()), pl.List(pl.Int64())),
    ([1], pl.List(pl.Int64()), pl.Array(pl.Int64(), 2)),
    ([1e9, 1.0], pl.List(pl.Float64()), pl.Array(pl.Decimal(10, 2), 2)),
    ([[1, 2], [1]], pl.List(pl.List(pl.Int64())), pl.List(pl.Array(pl.Int64(), 2))),
    ({"a": [1]}, pl.Struct({"a": pl.List(pl.Int64())}), pl.Struct({"a": pl.Array(pl.Int64(), 2)})),
    (
        [{"a": [[1.0, 2.0], []]}],
        pl.List(pl.Struct({"a": pl.List(pl.List(pl.Float64()))})),
        pl.List(pl.Struct({"a": pl.List(pl.Array(pl.Float64(), 2))})),
    ),
    ({"a": 300}, pl.Struct({"a": pl.Int64()}), pl.Struct({"a": pl.Int8()})),
    ({"a": 1, "b": 2}, pl.Struct({"a": pl.Int8(), "b": pl.Int8()}), pl.Struct({"a": pl.Int8()})),
]

KEPT: list[tuple[Any, pl.DataType, pl.DataType, Any]] = [
    (2.0, pl.Float64(), pl.Int64(), 2),
    (0.1, pl.Float64(), pl.Decimal(10, 2), Decimal("0.10")),
    (float("inf"), pl.Float64(), pl.Float32(), float("inf")),
    (100, pl.Int64(), pl.Int8(), 100),
    (1, pl.Int64(), pl.Boolean(), True),
    (Decimal("1.20"), pl.Decimal(10, 2), pl.Decimal(10, 1), Decimal("1.2")),
    ("1.250", pl.String(), pl.Decimal(10, 2), Decimal("1.25")),
    ("12e1", pl.String(), pl.Decimal(10, 2), Decimal("120.00")),
    ("inf", pl.String(), pl.Float64(), float("inf")),
    ("01", pl.String(), pl.Int64(), 1),
    (datetime(2020, 1, 1), pl.Datetime("us"), pl.Date(), date(2020, 1, 1)),
    (date(2020, 1, 1), pl.Date(), pl.Datetime("us"), datetime(2020, 1, 1)),
    (time(1, 2, 3, 4), pl.Time(), pl.String(), "01:02:03.000004"),
    ("a", pl.Enum(["a", "b"]), pl.String(), "a"),
    ([1.0, None], pl.List(pl.Float64()), pl.List(pl.Int64()), [1, None]),
    ([1, 2], pl.List(pl.Int64()), pl.Array(pl.Int8(), 2), [1, 2]),
    (
        [[1.0, None], None],
        pl.List(pl.List(pl.Float64())),
        pl.List(pl.Array(pl.Decimal(10, 2), 2)),
        [[Decimal("1.00"), None], None],
    ),
    (
        {"a": [1, 2]},
        pl.Struct({"a": pl.List(pl.Int64())}),
        pl.Struct({"a": pl.Array(pl.Int64(), 2)}),
        {"a": [1, 2]},
    ),
    ({"a": 1}, pl.Struct({"a": pl.Int64()}), pl.Struct({"a": pl.Int8()}), {"a": 1}),
]


@pytest.mark.parametrize(("value", "source", "target"), LOSSY)
def test_a_cast_that_would_change_a_value_fails(
    value: Any, source: pl.DataType, target: pl.DataType
) -> None:
    assert _failed([value, None], source, target) == [True, False]


@pytest.mark.parametrize(("value", "source", "target"), LOSSY)
def test_a_value_fails_inside_another_as_it_does_alone(
    value: Any, source: pl.DataType, target: pl.DataType
) -> None:
    shapes: list[tuple[Any, pl.DataType, pl.DataType]] = [
        ([value], pl.List(source), pl.List(target)),
        ([value], pl.List(source), pl.Array(target, 1)),
        ([value], pl.Array(source, 1), pl.Array(target, 1)),
        ({"a": value}, pl.Struct({"a": source}), pl.Struct({"a": target})),
        (
            [[{"a": value}]],
            pl.List(pl.List(pl.Struct({"a": source}))),
            pl.List(pl.List(pl.Struct({"a": target}))),
        ),
    ]
    for nested, before, after in shapes:
        if cast_kind(before, after) is not CastKind.IMPOSSIBLE:
            assert _failed([nested, None], before, after) == [True, False], (before, after)


@pytest.mark.parametrize(("value", "source", "target", "expected"), KEPT)
def test_a_cast_that_keeps_the_value_passes(
    value: Any, source: pl.DataType, target: pl.DataType, expected: Any
) -> None:
    result = _cast([value, None], source, target)

    found = result["value"].to_list()
    assert found[0] == expected or list(found[0]) == expected
    assert found[1] is None
    assert result["failed"].to_list() == [False, False]


@pytest.mark.parametrize(
    ("source", "target"),
    [
        (pl.String(), pl.Date()),
        (pl.String(), pl.Datetime("us")),
        (pl.String(), pl.Boolean()),
        (pl.Int64(), pl.Datetime("us")),
        (pl.Datetime("us"), pl.Datetime("us", "UTC")),
        (pl.Datetime("us", "Europe/Berlin"), pl.Date()),
        (pl.Binary(), pl.String()),
        (pl.Duration("us"), pl.String()),
        (pl.List(pl.Float64()), pl.List(pl.Float32())),
        (pl.List(pl.Boolean()), pl.List(pl.String())),
        (pl.Array(pl.Int64(), 2), pl.Array(pl.Int64(), 3)),
        (pl.List(pl.Int64()), pl.Int64()),
        (pl.Object(), pl.Int64()),
    ],
)
def test_what_only_the_user_can_decide_is_not_cast(
    source: pl.DataType, target: pl.DataType
) -> None:
    assert cast_kind(source, target) is CastKind.IMPOSSIBLE


ONE_OF_EACH: list[tuple[Any, pl.DataType]] = [
    *[(1, dtype) for dtype in (pl.Int8(), pl.Int64(), pl.Int128(), pl.UInt32(), pl.UInt64())],
    *[(1.0, pl.Float32()), (1.0, pl.Float64()), (Decimal("1.00"), pl.Decimal(10, 2))],
    *[(True, pl.Boolean()), (b"1", pl.Binary()), (None, pl.Null())],
    *[("1", dtype) for dtype in (pl.String(), pl.Categorical(), pl.Enum(["1"]))],
    *[(date(2020, 1, 1), pl.Date()), (time(1), pl.Time()), (timedelta(1), pl.Duration("us"))],
    *[(datetime(2020, 1, 1), pl.Datetime("us")), (datetime(2020, 1, 1), pl.Datetime("ns", "UTC"))],
    *[([1], pl.List(pl.Int64())), ([True], pl.List(pl.Boolean())), (["1"], pl.List(pl.String()))],
    *[([Decimal("1.00")], pl.List(pl.Decimal(10, 2))), ([1], pl.Array(pl.Int64(), 1))],
    *[({"a": 1}, pl.Struct({"a": pl.Int64()})), ({"a": True}, pl.Struct({"a": pl.Boolean()}))],
]


@pytest.mark.parametrize(("value", "source"), ONE_OF_EACH, ids=lambda given: str(given)[:40])
def test_what_counts_as_possible_is_possible(value: Any, source: pl.DataType) -> None:
    for _, target in ONE_OF_EACH:
        kind = cast_kind(source, target)
        if source == target or kind is CastKind.IMPOSSIBLE:
            continue
        cast = Cast("x", source, target, kind)
        frame = pl.DataFrame({"x": pl.Series([value], dtype=source)})
        work = frame.with_columns(pl.col("x").alias(cast.original)).with_columns(cast.value())

        assert work["x"].dtype == target
        failed = work.select(cast.failed()).to_series()
        if kind is not CastKind.ONE_WAY and not failed.any():
            assert work.select(cast.undone()).equals(frame)


def test_a_column_of_nulls_becomes_anything() -> None:
    for target in (pl.Int64(), pl.List(pl.Int64()), pl.Enum(["a"]), pl.Struct({"a": pl.Int8()})):
        result = _cast([None], pl.Null(), target)

        assert result["value"].dtype == target
        assert result["failed"].to_list() == [False]


def test_rounding_to_a_smaller_float_is_what_the_contract_asks_for() -> None:
    assert _failed([0.1, float("nan")], pl.Float64(), pl.Float32()) == [False, False]
    assert cast_kind(pl.Float64(), pl.Float32()) is CastKind.ONE_WAY


@pytest.mark.parametrize(
    ("source", "target", "word"),
    [
        (pl.String(), pl.Date(), "str.to_date()"),
        (pl.String(), pl.Datetime("us"), "str.to_datetime()"),
        (pl.String(), pl.Time(), "str.to_time()"),
        (pl.Datetime("us"), pl.Datetime("us", "UTC"), 'replace_time_zone("UTC")'),
        (pl.Datetime("us", "UTC"), pl.Datetime("us"), "replace_time_zone(None)"),
        (pl.Datetime("us", "Asia/Tokyo"), pl.Date(), "dt.date()"),
        (pl.String(), pl.Boolean(), "replace_strict"),
        (pl.Int64(), pl.Date(), "change its type in the contract"),
    ],
)
def test_the_hint_names_the_edit(source: pl.DataType, target: pl.DataType, word: str) -> None:
    assert word in cast_hint("at", source, target)


def test_the_hint_for_text_that_means_a_boolean_reads_the_usual_words() -> None:
    hint = cast_hint("paid", pl.String(), pl.Boolean())

    expression = eval(hint.partition("in the function: ")[2])
    said = pl.Series("paid", ["T", "Yes ", "1", "y", "true", None, "no", "0", "F", "n", "False"])
    read = said.to_frame().select(expression)["paid"].to_list()

    assert read == [True] * 5 + [None] + [False] * 5


NUMBERS = (
    pl.Int8(),
    pl.Int64(),
    pl.UInt16(),
    pl.UInt64(),
    pl.Float32(),
    pl.Float64(),
    pl.Boolean(),
    pl.Decimal(20, 3),
)


@given(
    values=st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=8),
    target=st.sampled_from(NUMBERS),
)
def test_an_integer_either_survives_exactly_or_fails(
    values: list[int | None], target: pl.DataType
) -> None:
    result = _cast(values, pl.Int64(), target)

    for before, (after, failed) in zip(
        values, result.select("value", "failed").rows(), strict=True
    ):
        assert failed or (before is None and after is None) or after == before


@given(
    values=st.lists(st.one_of(st.none(), st.floats(width=64)), max_size=8),
    target=st.sampled_from([kind for kind in NUMBERS if kind != pl.Float32()]),
)
def test_a_number_that_passes_can_be_cast_back(
    values: list[float | None], target: pl.DataType
) -> None:
    source = pl.Float64()
    cast = Cast("x", source, target, cast_kind(source, target))
    frame = pl.DataFrame({"x": pl.Series(values, dtype=source)})

    work = frame.with_columns(pl.col("x").alias(cast.original)).with_columns(cast.value())
    kept = work.filter(~cast.failed())

    assert kept.select(cast.undone())["x"].equals(kept[cast.original].alias("x"))
