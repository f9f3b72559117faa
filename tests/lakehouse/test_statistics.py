"""Commits say what each file holds, so that readers skip files, and never one that they need."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from polster.lakehouse.change import Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.statistics import TEXT_LENGTH, FileStatistics
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion

LAST = "\U0010ffff"
TYPES: dict[str, pl.DataType] = {
    "integer": pl.Int64(),
    "small": pl.Int8(),
    "float": pl.Float64(),
    "single": pl.Float32(),
    "text": pl.String(),
    "day": pl.Date(),
    "moment": pl.Datetime("us", "UTC"),
    "zoneless": pl.Datetime("us"),
    "money": pl.Decimal(10, 2),
    "long_money": pl.Decimal(38, 10),
    "flag": pl.Boolean(),
    "bytes": pl.Binary(),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(2**63), 2**63 - 1),
    "small": st.integers(-128, 127),
    "float": st.floats(),
    "single": st.floats(width=32),
    "text": st.text(st.sampled_from(["a", "b", "ä", "😀", LAST, "\x00", '"']), max_size=40),
    "day": st.dates(),
    "moment": st.datetimes(timezones=st.just(UTC)),
    "zoneless": st.datetimes(),
    "money": st.decimals(-(10**7), 10**7, places=2, allow_nan=False, allow_infinity=False),
    "long_money": st.decimals(-(10**20), 10**20, places=10, allow_nan=False, allow_infinity=False),
    "flag": st.booleans(),
    "bytes": st.binary(max_size=3),
}


@pytest.fixture
def table(store: Store) -> Table:
    return Table(store, store.uri("silver", "t"))


def _published(table: Table, *frames: pl.DataFrame) -> TableVersion:
    """Publish each frame as a file of its own."""
    version: TableVersion | None = None
    for number, frame in enumerate(frames):
        files = Staging(table.store, table.uri, f"run{number}").sink(frame.lazy())
        version = table.commit(Change(files, frame.schema), onto=version)
    assert version is not None
    return version


def _without_file(version: TableVersion, prefix: str) -> None:
    """Delete a file, so that only who does not look into it can read the table."""
    (path,) = Path(version.uri).glob(f"{prefix}*.parquet")
    path.unlink()


FILES = (
    pl.DataFrame({"id": [1, 2], "day": [date(2026, 1, 1), date(2026, 1, 2)], "name": ["a", None]}),
    pl.DataFrame({"id": [7, 9], "day": [date(2026, 2, 1), None], "name": ["x", "y"]}),
)


@pytest.mark.parametrize(
    "needed",
    [
        pl.col("id") > 5,
        pl.col("id").is_in([7, 8]),
        pl.col("day") >= date(2026, 1, 15),
        pl.col("name") == "x",
        pl.col("day").is_null(),
    ],
)
def test_polars_does_not_look_into_files_that_it_does_not_need(
    table: Table, needed: pl.Expr
) -> None:
    version = _published(table, *FILES)
    _without_file(version, "run0")

    found = version.scan().filter(needed).collect()

    assert found.equals(FILES[1].filter(needed))


@pytest.mark.parametrize("needed", ["id > 5", "day >= date '2026-01-15'", "name = 'x'"])
def test_duckdb_does_not_look_into_files_that_it_does_not_need(table: Table, needed: str) -> None:
    version = _published(table, *FILES)
    _without_file(version, "run0")
    dataset = DeltaTable(version.uri).to_pyarrow_dataset()

    with duckdb.connect() as connection:
        connection.register("t", dataset)
        found = connection.sql(f"select id from t where {needed}").fetchall()

    assert set(found) <= {(7,), (9,)}
    assert found


@pytest.mark.parametrize("name", TYPES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_reader_misses_a_row(
    name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    values = st.lists(st.one_of(st.none(), VALUES[name]), min_size=1, max_size=3)
    frames = [
        pl.DataFrame({"x": pl.Series(data.draw(values), dtype=TYPES[name])}) for _ in range(2)
    ]
    wanted = pl.lit(data.draw(VALUES[name])).cast(TYPES[name])
    store = Store(str(tmp_path_factory.mktemp("data")))
    version = _published(Table(store, store.uri("silver", "t")), *frames)
    rows = pl.concat(frames)

    for condition in (
        pl.col("x") == wanted,
        pl.col("x") < wanted,
        pl.col("x") >= wanted,
        pl.col("x") != wanted,
        pl.col("x").is_null(),
        pl.col("x").is_not_null(),
        pl.col("x").ne_missing(wanted),
    ):
        assert version.scan().filter(condition).collect().height == rows.filter(condition).height


def test_what_readers_order_differently_is_not_said() -> None:
    statistics = FileStatistics()

    statistics.see(
        pl.DataFrame(
            {
                "nan": [1.0, float("nan")],
                "infinite": [1.0, float("inf")],
                "flag": [True, None],
                "list": [[1], None],
                "far": pl.Series([0, 10**9], dtype=pl.Int32).cast(pl.Date),
                "digits": pl.Series([Decimal("0.1234567890123456"), Decimal(1)]),
            }
        )
    )

    said = statistics.values()
    assert said["minValues"] == {"infinite": 1.0, "far": "1970-01-01"}
    assert said["maxValues"] == {"digits": 1.0}
    assert said["nullCount"] == dict.fromkeys(("nan", "infinite", "far", "digits"), 0) | {"flag": 1}


def test_batches_count_together_whatever_comes_first() -> None:
    nan, number = pl.DataFrame({"x": [float("nan")]}), pl.DataFrame({"x": [1.0, None]})

    for batches in ((nan, number), (number, nan)):
        statistics = FileStatistics()
        for batch in batches:
            statistics.see(batch)

        assert statistics.values() == {"minValues": {}, "maxValues": {}, "nullCount": {"x": 1}}


def test_long_texts_are_cut_so_that_no_text_lies_outside() -> None:
    statistics = FileStatistics()
    texts = ["b" * 50, "b" * TEXT_LENGTH + "ä", "b" * TEXT_LENGTH]

    statistics.see(pl.DataFrame({"x": texts}))

    said = statistics.values()
    assert said["minValues"]["x"] == "b" * TEXT_LENGTH
    assert said["maxValues"]["x"].encode() > max(text.encode() for text in texts)
    assert len(said["maxValues"]["x"]) == TEXT_LENGTH + 1


def test_moments_are_said_to_the_microsecond(table: Table) -> None:
    moment = datetime(2026, 1, 1, 23, 59, 59, 999_999, UTC)

    version = _published(
        table, pl.DataFrame({"at": [moment], "zoneless": [moment.replace(tzinfo=None)]})
    )

    said = version.files.row(0, named=True)
    assert said["min.at"] == said["max.at"] == moment
    assert said["min.zoneless"] == moment.replace(tzinfo=None)


def test_of_many_columns_the_first_are_said(table: Table) -> None:
    frame = pl.DataFrame({f"c{number}": [number] for number in range(40)})

    version = _published(table, frame)

    said = [name for name in version.files.columns if name.startswith("min.")]
    assert said == [f"min.c{number}" for number in range(32)]


def test_each_of_several_files_has_its_own(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polster.lakehouse.staging.FILE_BYTES", 1_000_000)
    frame = pl.DataFrame({"id": range(1_000_000)})

    version = _published(table, frame)

    said = version.files.sort("min.id").select("min.id", "max.id", "num_records")
    assert said.height > 1
    for least, greatest, rows in said.iter_rows():
        assert greatest - least + 1 == rows
