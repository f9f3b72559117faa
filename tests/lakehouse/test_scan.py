"""Rows of one file are read as ``scan_delta`` reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, Field
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction
from polars.testing import assert_frame_equal

from polster.lakehouse import scan
from polster.lakehouse.scan import scan_rows

ROWS = pl.DataFrame({"id": [1, 2, 3], "batch": ["a", "b", "a"], "who": [{"name": "Ada"}, None, {}]})


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "tables" / "orders"


def _is_file(frame: pl.LazyFrame) -> bool:
    return "Parquet SCAN" in frame.explain(optimized=False)


def _written(place: Path, frame: pl.DataFrame = ROWS, **options: Any) -> DeltaTable:
    frame.write_delta(place, **options)
    return DeltaTable(place)


def test_one_file_is_named_at_once(place: Path) -> None:
    table = _written(place)

    frame = scan_rows(table, are_plain=True)

    assert _is_file(frame)
    assert_frame_equal(frame.collect(), ROWS)


def test_a_part_is_its_one_file_with_all_columns_in_their_order(place: Path) -> None:
    table = _written(place, delta_write_options={"partition_by": ["batch"]})

    frame = scan_rows(table, ("batch", "a"), are_plain=True)

    assert _is_file(frame)
    assert frame.explain().count(".parquet") == 1
    assert_frame_equal(frame.collect(), ROWS.filter(pl.col("batch") == "a"), check_row_order=False)


def test_a_part_that_is_a_column_of_the_file_is_chosen_in_it(place: Path) -> None:
    table = _written(place)

    frame = scan_rows(table, ("batch", "b"), are_plain=True)

    assert frame.collect()["id"].to_list() == [2]


def test_a_file_that_is_older_than_the_columns_of_its_table_reads_the_same(place: Path) -> None:
    table = _written(place)
    table.alter.add_columns([Field("added", PrimitiveType("long"))])

    frame = scan_rows(table, are_plain=True)

    assert _is_file(frame)
    assert_frame_equal(frame.collect(), pl.scan_delta(table).collect())
    assert frame.collect()["added"].null_count() == ROWS.height


@pytest.mark.parametrize(
    ("before", "wider"),
    [
        (pl.Series("n", [1, 2], pl.Int32), pl.Int64()),
        (pl.Series("n", [1.5, 2.5], pl.Float32), pl.Float64()),
        (pl.Series("n", [{"a": 1}, {"a": 2}]), pl.Struct({"b": pl.String(), "a": pl.Int64()})),
    ],
    ids=["int", "float", "struct"],
)
def test_a_file_of_other_types_reads_the_same(
    place: Path, before: pl.Series, wider: pl.DataType
) -> None:
    table = _written(place, pl.DataFrame(schema={"n": wider}))
    (path,) = _data_of(_written(place.with_name("other"), before.to_frame()))
    _name_file(table, path)
    table.update_incremental()

    frame = scan_rows(table, are_plain=True)

    assert _is_file(frame)
    assert_frame_equal(frame.collect(), pl.scan_delta(table).collect())
    assert frame.collect().schema == {"n": wider}


def test_an_empty_table_and_several_files_are_left_to_the_log(place: Path) -> None:
    empty = scan_rows(_written(place, ROWS.clear()), are_plain=True)
    _written(place, mode="append")
    several = scan_rows(_written(place, mode="append"), are_plain=True)

    assert not _is_file(empty)
    assert not _is_file(several)
    assert (empty.collect().height, several.collect().height) == (0, 2 * ROWS.height)


def test_files_that_are_not_plain_are_left_to_polars(place: Path) -> None:
    frame = scan_rows(_written(place), are_plain=False)

    assert not _is_file(frame)


def test_a_file_may_differ_from_its_table_as_much_as_polars_lets_it() -> None:
    allowed = pl.ScanCastOptions._default_iceberg()

    assert vars(scan.CASTS) == vars(allowed), "Polars reads Delta tables otherwise than before"


def _data_of(table: DeltaTable) -> list[Path]:
    return [Path(uri) for uri in table.file_uris()]


def _name_file(table: DeltaTable, path: Path) -> None:
    """Commit a file of another schema, as programs do that widen a table in place."""
    target = Path(table.table_uri.removeprefix("file://"), path.name)
    path.rename(target)
    add = AddAction(path.name, target.stat().st_size, {}, 0, True, "{}")
    table.create_write_transaction([add], "append", table.schema())
