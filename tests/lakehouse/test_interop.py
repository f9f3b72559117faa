"""Other programs read what Polster writes: no table is locked in."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.dataset as ds  # type: ignore[import-untyped]
import pytest
from deltalake import DeltaTable

from polster.lakehouse.change import Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import BATCH_COLUMN

FRAME = pl.DataFrame(
    {
        "n": [1, 2, None],
        "s": ["a", "ä", None],
        "l": [["x"], [], None],
        "p": [{"a": 1}, {"a": None}, None],
    }
)


@pytest.fixture
def published(store: Store) -> TableVersion:
    table = Table(store, store.uri("bronze", "t"))
    version: TableVersion | None = None
    for run in ("run1", "run2"):
        files = Staging(store, table.uri, run, {BATCH_COLUMN: run}).sink(FRAME.lazy())
        change = Change(
            files,
            pl.Schema({**FRAME.schema, BATCH_COLUMN: pl.String()}),
            partition_by=(BATCH_COLUMN,),
            append_only=True,
        )
        version = table.commit(change, onto=version)
    assert version is not None
    return version


def test_polars_reads_any_version(published: TableVersion) -> None:
    newest = pl.read_delta(published.uri)
    first = pl.read_delta(published.uri, version=0)

    assert newest.height == 6
    assert newest.filter(pl.col(BATCH_COLUMN) == "run2").drop(BATCH_COLUMN).equals(FRAME)
    assert first[BATCH_COLUMN].unique().to_list() == ["run1"]


def test_the_log_knows_the_number_of_rows(published: TableVersion) -> None:
    assert DeltaTable(published.uri).count() == 6


def test_pyarrow_reads_the_files_of_the_table(published: TableVersion) -> None:
    files = DeltaTable(published.uri).file_uris()

    table = ds.dataset(files, format="parquet").to_table()

    assert table.num_rows == 6
    assert sorted(table.column_names) == sorted(FRAME.columns)


def test_duckdb_reads_the_files_of_the_table(published: TableVersion) -> None:
    files = [str(Path(file)) for file in DeltaTable(published.uri).file_uris()]

    found = duckdb.sql(
        f"select {BATCH_COLUMN}, count(*), sum(n), max(s), sum(len(l)), sum(p.a) "
        f"from read_parquet({files}, hive_partitioning = true) group by 1 order by 1"
    )

    assert found is not None
    assert found.fetchall() == [("run1", 3, 3, "ä", 1, 1), ("run2", 3, 3, "ä", 1, 1)]


def test_the_table_can_be_compacted_by_others(store: Store) -> None:
    table = Table(store, store.uri("silver", "t"))
    frames = (pl.DataFrame({"n": [1]}), pl.DataFrame({"n": [2]}))
    version: TableVersion | None = None
    for number, frame in enumerate(frames):
        files = Staging(store, table.uri, f"run{number}").sink(frame.lazy())
        version = table.commit(Change(files, frame.schema), onto=version)

    DeltaTable(table.uri).optimize.compact()

    newest = table.open()
    assert newest is not None
    assert sorted(newest.scan().collect()["n"]) == [1, 2]
    assert newest.rows == 2
