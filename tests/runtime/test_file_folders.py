"""What the names of folders and files say becomes columns, and is part of what a file is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from tests.runtime.test_files import land_from, put, rows, set_aside, warnings

from polster.sources import file_memory

if TYPE_CHECKING:
    from tests.conftest import Pipeline

DAYS = "landing/{region}/{day}/orders_*.csv"
HIVE = "landing/year={year}/month={month}/*.parquet"


def test_placeholders_become_columns_of_text(pipeline: Pipeline) -> None:
    land_from(pipeline, DAYS)
    put(pipeline, "eu/2024-01-05/orders_1.csv", "id,v\n1,x\n2,y\n")
    put(pipeline, "us/007/orders_2.csv", "id\n3\n")
    put(pipeline, "us/orders_3.csv", "id\n4\n")
    put(pipeline, "us/007/deep/orders_3.csv", "id\n5\n")

    pipeline.landed()

    assert rows(pipeline, "id", "v", "region", "day", "_row") == [
        ("1", "x", "eu", "2024-01-05", 1),
        ("2", "y", "eu", "2024-01-05", 2),
        ("3", None, "us", "007", 1),
    ]


def test_hive_folders_stay_text_and_their_null_is_null(pipeline: Pipeline) -> None:
    land_from(pipeline, HIVE)
    for folder in ("year=2024/month=05", "year=2024/month=__HIVE_DEFAULT_PARTITION__"):
        (pipeline.root / "landing" / folder).mkdir(parents=True)
        path = pipeline.root / "landing" / folder / "part-0.parquet"
        pl.DataFrame({"id": [1]}).write_parquet(path)

    pipeline.landed()

    assert sorted(rows(pipeline, "id", "year", "month"), key=str) == [
        (1, "2024", "05"),
        (1, "2024", None),
    ]


def test_the_same_content_with_other_values_is_another_file(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/*.csv")
    put(pipeline, "1/a.csv", "id\n7\n")
    put(pipeline, "2/a.csv", "id\n7\n")
    pipeline.landed()
    put(pipeline, "2/again.csv", "id\n7\n")
    put(pipeline, "3 & 4=5%/a.csv", "id\n7\n")

    record, after = pipeline.landed(), pipeline.landed()

    assert rows(pipeline, "id", "day") == [("7", "1"), ("7", "2"), ("7", "3 & 4=5%")]
    assert (record.rows_published, after.status.value) == (1, "unchanged")


@pytest.mark.parametrize("most", [1, 500])
def test_files_that_landed_before_a_placeholder_was_added_are_known(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(file_memory, "MOST_IN_COMMIT", most)
    land_from(pipeline, "landing/**/*.csv")
    put(pipeline, "day=1/eu.csv", "id\n1\n")
    put(pipeline, "day=2/eu.csv", "id\n2\n")
    pipeline.landed()
    land_from(pipeline, "landing/day={day}/*.csv")
    put(pipeline, "day=3/eu.csv", "id\n3\n")
    added = pipeline.landed()
    land_from(pipeline, "landing/day={day}/{region}.csv")
    put(pipeline, "day=4/eu.csv", "id\n3\n")
    more, after = pipeline.landed(), pipeline.landed()
    land_from(pipeline, "landing/day={date}/*.csv")
    renamed = pipeline.landed()

    assert rows(pipeline, "id", "day", "region") == [
        ("1", None, None),
        ("2", None, None),
        ("3", "3", None),
        ("3", "4", "eu"),
    ]
    assert (added.notes, more.notes) == (
        ("new in the source: day",),
        ("new in the source: region",),
    )
    assert (after.status.value, renamed.status.value) == ("unchanged", "unchanged")


def test_a_file_that_has_such_a_column_itself_is_set_aside_until_the_pattern_is_mended(
    pipeline: Pipeline,
) -> None:
    land_from(pipeline, "landing/{day}/*.csv")
    put(pipeline, "1/a.csv", "id,day\n1,x\n")
    put(pipeline, "1/b.csv", "id\n2\n")

    first, second = pipeline.run(), pipeline.run()
    before = rows(pipeline, "id", "day")
    land_from(pipeline, "landing/{folder}/*.csv")
    mended = pipeline.run()

    assert [message for _, _, message in warnings(first)] == [
        "1 file set aside: landing/1/a.csv: it has a column `day` itself, which the pattern makes "
        "of its name: give the placeholder another name"
    ]
    assert warnings(second) == warnings(first)
    assert before == [("2", "1")]
    assert rows(pipeline, "id", "day", "folder") == [("2", "1", None), ("1", "x", "1")]
    assert [code for _, code, _ in warnings(mended)] == []


def test_a_column_in_another_spelling_is_such_a_column(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/*.csv")
    put(pipeline, "1/a.csv", "id,Day\n1,x\n")

    pipeline.run()

    assert set_aside(pipeline)[0].reason.startswith("it has a column `Day` itself")


def test_a_name_that_can_be_read_in_several_ways_is_set_aside(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{region}_{day}.csv")
    odd = put(pipeline, "eu_west_1.csv", "id\n1\n")
    put(pipeline, "eu_1.csv", "id\n1\n")

    pipeline.landed()
    (kept,) = set_aside(pipeline)
    odd.rename(odd.with_name("west_1.csv"))
    pipeline.landed()

    assert (kept.name, kept.reason) == (
        "landing/eu_west_1.csv",
        "its name can be read in several ways: `region` is eu or eu_west",
    )
    assert rows(pipeline, "region", "day") == [("eu", "1"), ("west", "1")]


def test_malformed_content_is_set_aside_once_wherever_it_lies(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/*.csv")
    put(pipeline, "1/a.csv", "id,v\n1\n")
    put(pipeline, "2/a.csv", "id,v\n1\n")

    first, second = pipeline.run(), pipeline.run()

    assert len(set_aside(pipeline)) == 1
    assert warnings(first) == warnings(second)
    assert "1 file set aside: landing/1/a.csv" in warnings(first)[0][2]


def test_a_snapshot_knows_files_by_their_values_too(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/*.csv", load="snapshot")
    path = put(pipeline, "1/a.csv", "id\n1\n")
    pipeline.landed()
    path.parent.rename(path.parent.with_name("2"))

    moved, after = pipeline.landed(), pipeline.landed()

    assert rows(pipeline, "id", "day") == [("1", "2")]
    assert (moved.status.value, after.status.value) == ("published", "unchanged")


def test_a_pattern_that_makes_no_sense_is_told_with_its_line(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/{day}.csv")

    error = pipeline.run().assets[0].error

    assert error is not None
    assert (error.code, error.trace) == ("POL368", None)
    assert error.place is not None and error.place.startswith("src/core/bronze_orders.py:")
    assert "{day}` stands there more than once" in error.message


def test_validate_and_lineage_know_the_columns_as_text(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/{day}/*.csv")
    put(pipeline, "1/a.csv", "id\n1\n")
    pipeline.landed()
    pipeline.asset(
        "silver.days",
        """
        class Days(dy.Schema):
            number = dy.Int64()


        @silver(contract=Days)
        def days(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders.select(pl.col("day").str.to_integer().alias("number"))
        """,
    )

    validated = pipeline.cli("validate")
    lineage = pipeline.cli("lineage", "silver.days.number")

    assert '"day": "String"' in (pipeline.root / "schemas/bronze.json").read_text()
    assert "POL7" not in validated.output and "error" not in validated.output
    assert "bronze.orders.day" in lineage.output
