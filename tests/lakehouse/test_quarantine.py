from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import polars as pl
import pytest

from polster.lakehouse.quarantine import Quarantine, QuarantineWriter
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
OWN = ("_rules", "_run_id", "_rejected_at")


@pytest.fixture
def quarantine(store: Store) -> Quarantine:
    return Quarantine.of(store, AssetKey(Layer.SILVER, "orders"))


def _writer(quarantine: Quarantine, frame: pl.DataFrame, run: str) -> QuarantineWriter:
    writer = quarantine.writer(frame.schema, run_id=run, at=AT, place="f.py:1")
    writer.write(frame.with_columns(pl.concat_list(pl.lit("id|min")).alias("_rules")))
    return writer


def _put(quarantine: Quarantine, *frames: pl.DataFrame) -> pl.DataFrame:
    for number, frame in enumerate(frames):
        _writer(quarantine, frame, f"run{number}").commit({})
    return _rows(quarantine)


def _rows(quarantine: Quarantine) -> pl.DataFrame:
    rows = quarantine.scan()
    assert rows is not None
    return rows.sort("_run_id").drop(OWN).collect()


def _column(values: list[Any], dtype: pl.DataType) -> pl.DataFrame:
    return pl.DataFrame({"x": pl.Series(values, dtype=dtype)})


def test_there_is_no_quarantine_before_a_row_was_rejected(quarantine: Quarantine) -> None:
    assert quarantine.scan() is None


def test_a_row_comes_with_its_rules_its_run_and_its_time(quarantine: Quarantine) -> None:
    _put(quarantine, pl.DataFrame({"id": [0]}))

    rows = quarantine.scan("run0")

    assert rows is not None
    assert rows.collect().rows(named=True) == [
        {"id": 0, "_rules": ["id|min"], "_run_id": "run0", "_rejected_at": AT}
    ]


def test_runs_are_told_apart(quarantine: Quarantine) -> None:
    _put(quarantine, pl.DataFrame({"id": [1, 2]}), pl.DataFrame({"id": [3]}))

    rows = quarantine.scan("run1")

    assert rows is not None
    assert rows.collect()["id"].to_list() == [3]


def test_rows_are_invisible_until_they_are_committed(quarantine: Quarantine) -> None:
    writer = _writer(quarantine, pl.DataFrame({"id": [1]}), "run0")

    assert quarantine.scan() is None
    writer.discard()
    assert not list(Path(quarantine.table.uri).rglob("*.parquet"))


def test_a_writer_without_rows_makes_no_table(quarantine: Quarantine) -> None:
    writer = quarantine.writer(pl.Schema({"id": pl.Int64()}), run_id="r", at=AT, place="f.py:1")

    writer.commit({})

    assert quarantine.scan() is None


def test_columns_may_come_and_go(quarantine: Quarantine) -> None:
    rows = _put(
        quarantine,
        pl.DataFrame({"a": [1]}),
        pl.DataFrame({"b": ["x"]}),
        pl.DataFrame({"b": ["y"], "a": [2], "c": [None]}),
    )

    assert rows.rows() == [(1, None, None), (None, "x", None), (2, "y", None)]


SAMPLES: dict[str, tuple[pl.DataFrame, str | None]] = {
    "integer": (_column([1], pl.Int64()), "1"),
    "float": (_column([1.5], pl.Float64()), "1.5"),
    "text": (_column(["ä"], pl.String()), "ä"),
    "boolean": (_column([True], pl.Boolean()), "true"),
    "date": (_column([date(2020, 1, 1)], pl.Date()), "2020-01-01"),
    "bytes": (_column([b"\xffa"], pl.Binary()), "ff61"),
    "large": (_column([2**64 - 1], pl.UInt64()), "18446744073709551615"),
    "null": (_column([None], pl.Null()), None),
    "list": (_column([[1, None]], pl.List(pl.Int64())), '{"value":[1,null]}'),
    "list of floats": (_column([[float("nan")]], pl.List(pl.Float64())), '{"value":["NaN"]}'),
    "list of bytes": (_column([[b"\xff"]], pl.List(pl.Binary())), '{"value":["ff"]}'),
    "struct": (_column([{"a": 1}], pl.Struct({"a": pl.Int64()})), '{"value":{"a":1}}'),
    "enum": (_column(["v"], pl.Enum(["v"])), "v"),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), list(itertools.permutations(SAMPLES, 2)))
def test_a_column_that_changes_its_type_loses_no_value(
    store: Store, before: str, after: str
) -> None:
    quarantine = Quarantine.of(store, AssetKey(Layer.SILVER, "t"))
    (first, first_text), (second, second_text) = SAMPLES[before], SAMPLES[after]

    rows = _put(quarantine, first, second)

    values = rows["x"].to_list()
    if rows.schema["x"] == pl.String:
        assert values == [first_text, second_text]
    else:
        both = [*first["x"].to_list(), *second["x"].to_list()]
        assert [str(value) for value in values] == [str(value) for value in both]


def test_a_type_that_changed_once_may_change_again(quarantine: Quarantine) -> None:
    frames = [SAMPLES[name][0] for name in ("integer", "float", "list", "integer")]

    rows = _put(quarantine, *frames)

    assert rows["x"].to_list() == ["1", "1.5", '{"value":[1,null]}', "1"]
    folder = Path(quarantine.table.uri)
    newest = quarantine.table.open()
    assert newest is not None
    listed = set(newest.files["path"])
    assert listed <= {path.name for path in folder.glob("*.parquet")}


def test_a_column_in_other_upper_and_lower_case_is_the_same_column(quarantine: Quarantine) -> None:
    rows = _put(
        quarantine,
        pl.DataFrame({"id": [1]}),
        pl.DataFrame({"ID": [2]}),
        pl.DataFrame({"Id": ["x"]}),
    )

    assert rows.columns == ["id"]
    assert rows["id"].to_list() == ["1", "2", "x"]


def test_a_column_of_nulls_keeps_the_type_that_is_known(quarantine: Quarantine) -> None:
    rows = _put(quarantine, _column([[1]], pl.List(pl.Int64())), _column([None], pl.Null()))

    assert rows.schema == {"x": pl.List(pl.Int64)}
    assert rows["x"].to_list() == [[1], None]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([timedelta(milliseconds=1)], pl.Duration("ms")),
        ([1_700_000_000_000_000_999, None], pl.Datetime("ns", "Europe/Berlin")),
        ([1_700_000_000_000_000_999], pl.Datetime("ns")),
        ([-1], pl.Duration("ns")),
        ([[1, None]], pl.List(pl.Datetime("ns"))),
        ([{"at": 1, "size": 2**128 - 1}], pl.Struct({"at": pl.Duration("ns"), "size": pl.UInt128})),
        (["b", "a"], pl.Enum(["b", "a"])),
        ([2**128 - 1], pl.UInt128()),
        ([-(2**127)], pl.Int128()),
    ],
    ids=str,
)
def test_a_rejected_value_is_kept_to_the_last_digit_and_read_in_its_type(
    quarantine: Quarantine, values: list[Any], dtype: pl.DataType
) -> None:
    rejected = _column(values, dtype)

    assert _put(quarantine, rejected).equals(rejected)


def test_writers_at_once_lose_nothing_though_their_types_differ(quarantine: Quarantine) -> None:
    frames = [SAMPLES[name][0] for name in ("integer", "text", "list", "float", "integer", "date")]
    barrier = Barrier(len(frames))

    def reject(number: int) -> None:
        writer = _writer(quarantine, frames[number], f"run{number}")
        barrier.wait()
        writer.commit({})

    with ThreadPoolExecutor(len(frames)) as pool:
        list(pool.map(reject, range(len(frames))))

    rows = _rows(quarantine)
    assert rows["x"].to_list() == ["1", "ä", '{"value":[1,null]}', "1.5", "1", "2020-01-01"]


def test_files_that_a_lost_race_made_useless_are_deleted(quarantine: Quarantine) -> None:
    early = _writer(quarantine, SAMPLES["integer"][0], "run1")
    _writer(quarantine, SAMPLES["text"][0], "run0").commit({})

    early.commit({})

    newest = quarantine.table.open()
    assert newest is not None
    lying = {path.name for path in Path(quarantine.table.uri).glob("run1*.parquet")}
    assert lying == {name for name in newest.files["path"] if name.startswith("run1")}
