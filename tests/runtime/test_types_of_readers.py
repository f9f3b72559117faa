"""Whoever reads a table gets the types of its contract, whatever Delta stores them as."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.conftest import Pipeline

from polster.errors import LakehouseError
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.model.record import AssetStatus

TYPES = pl.Schema(
    {
        "id": pl.Int64(),
        "at": pl.Datetime("us", "America/New_York"),
        "second": pl.Datetime("ms"),
        "fine": pl.Datetime("ns", "Asia/Kolkata"),
        "size": pl.Enum(["small", "large", "huge"]),
        "opens": pl.Time(),
        "took": pl.Duration("ms"),
        "finely": pl.Duration("ns"),
        "tiny": pl.UInt8(),
        "big": pl.UInt64(),
        "price": pl.Decimal(12, 4),
        "place": pl.Array(pl.Float32(), 2),
        "word": pl.Categorical(),
        "seen": pl.List(pl.Datetime("us", "Europe/Berlin")),
        "more": pl.Struct({"size": pl.Enum(["a", "b"]), "at": pl.Time()}),
        "extra": pl.UInt16(),
    }
)
ROWS = [
    {
        "id": 1,
        "at": datetime(2024, 7, 1, 3, 30, tzinfo=UTC),
        "second": datetime(2024, 7, 1),  # noqa: DTZ001 - a column without a zone
        "fine": datetime(2024, 7, 1, 19, tzinfo=UTC),
        "size": "large",
        "opens": time(8, 30, 0, 1),
        "took": timedelta(milliseconds=1500),
        "finely": timedelta(microseconds=7),
        "tiny": 255,
        "big": 2**64 - 1,
        "price": Decimal("1.2345"),
        "place": [0.5, 1.5],
        "word": "b",
        "seen": [datetime(2024, 7, 1, 23, tzinfo=UTC)],
        "more": {"size": "b", "at": time(1)},
        "extra": 65535,
    },
    {"id": 2, "size": "small"},
]
PARTS = """
    class Parts(dy.Schema):
        id = dy.Int64(primary_key=True)
        at = dy.Datetime(time_zone="America/New_York", nullable=True)
        second = dy.Datetime(time_unit="ms", nullable=True)
        fine = dy.Datetime(time_unit="ns", time_zone="Asia/Kolkata", nullable=True)
        size = dy.Enum(["small", "large", "huge"], nullable=True)
        opens = dy.Time(nullable=True)
        took = dy.Duration(time_unit="ms", nullable=True)
        finely = dy.Duration(time_unit="ns", nullable=True)
        tiny = dy.UInt8(nullable=True)
        big = dy.UInt64(nullable=True)
        price = dy.Decimal(12, 4, nullable=True)
        place = dy.Array(dy.Float32(nullable=True), 2, nullable=True)
        word = dy.Categorical(nullable=True)
        seen = dy.List(
            dy.Datetime(time_zone="Europe/Berlin", nullable=True), nullable=True
        )
        more = dy.Struct(
            {"size": dy.Enum(["a", "b"], nullable=True), "at": dy.Time(nullable=True)},
            nullable=True,
        )


    @silver(contract=Parts)
    def parts(bronze_parts: pl.LazyFrame) -> pl.LazyFrame:
        return bronze_parts.select(pl.exclude("_ingested_at", "_batch_id", "_source"))
"""
GOLD = """
    class Seen(dy.Schema):
        column = dy.String(primary_key=True)
        dtype = dy.String()


    @gold(contract=Seen)
    def seen(parts: {annotation}) -> pl.LazyFrame:
        types = parts.collect_schema()
        return pl.LazyFrame({{"column": list(types), "dtype": [str(t) for t in types.values()]}})
"""


WORDS = {name: str(dtype) for name, dtype in TYPES.items()}
REFUSES = f"""

    TYPES = {WORDS!r}
    original = seen.function


    def checked(parts: pl.LazyFrame) -> pl.LazyFrame:
        assert {{n: str(t) for n, t in parts.collect_schema().items()}} == TYPES
        return original(parts)


    seen.function = checked
"""
TRY = """
import json
import polars as pl
from core.gold_seen import seen
from core.silver_parts import parts
from polster.testing import run_asset

rows = pl.read_parquet("parts.parquet")
published = run_asset(parts, bronze_parts=rows).published
written_down = rows.with_columns(
    pl.col("size", "word").cast(pl.String),
    pl.col("at").dt.convert_time_zone("UTC"),
    pl.col("tiny", "price").cast(pl.Float64),
    pl.col("place").arr.to_list(),
)
for frame in published, written_down:
    print(json.dumps(dict(run_asset(seen, parts=frame).published.iter_rows())))
try:
    run_asset(seen, parts=rows.with_columns(at=pl.lit("2024-01-01")))
except Exception as error:
    print(json.dumps(f"{error} {error.hint}"))
"""
READS = """
    @bronze(load="{load}")
    def x() -> pl.LazyFrame:
        return pl.scan_parquet("x.parquet")
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    """A pipeline whose bronze and silver are published, with a value of each type."""
    pipeline = Pipeline(tmp_path_factory.mktemp("parts"))
    pl.DataFrame(ROWS, schema=TYPES).write_parquet(pipeline.root / "parts.parquet")
    pipeline.asset(
        "bronze.parts",
        """
        @bronze
        def parts() -> pl.LazyFrame:
            return pl.scan_parquet("parts.parquet")
        """,
    )
    pipeline.asset("silver.parts", PARTS)
    record = pipeline.run()
    assert [each.status for each in record.assets] == [AssetStatus.PUBLISHED] * 2
    assert [each.notes for each in record.assets] == [(), ()]
    return pipeline


@pytest.mark.parametrize("key", ["bronze.parts", "silver.parts"])
def test_a_table_is_read_in_the_types_that_were_published(parts: Pipeline, key: str) -> None:
    rows = parts.table(key)

    assert rows.schema == TYPES
    assert rows.equals(pl.DataFrame(ROWS, schema=TYPES))


@pytest.mark.parametrize("annotation", ["pl.LazyFrame", "pl.DataFrame", "object"])
def test_a_function_gets_the_types_of_the_contract_whatever_its_annotation(
    parts: Pipeline, annotation: str
) -> None:
    parts.asset("gold.seen", GOLD.format(annotation=annotation))

    record = parts.run("gold.seen")

    assert record.assets[0].error is None
    assert dict(parts.table("gold.seen").iter_rows()) == WORDS


def test_validate_calls_functions_with_the_types_that_a_run_hands_over(parts: Pipeline) -> None:
    parts.asset("gold.seen", GOLD.format(annotation="pl.LazyFrame") + REFUSES)

    found = parts.json("validate", "--no-cache")

    assert [each["message"] for each in found["findings"] if each["severity"] == "error"] == []


def test_a_test_of_an_asset_hands_over_and_gets_the_types_of_a_run(parts: Pipeline) -> None:
    parts.write("try.py", TRY)

    done = parts.process("try.py", env={"PYTHONPATH": "src"})
    assert done.stderr == ""

    of_silver, by_hand, refused = map(json.loads, done.stdout.splitlines())
    assert of_silver == by_hand == WORDS
    assert "`silver.parts` publishes `at` as" in refused
    assert "str.to_datetime()" in refused


def test_rows_are_shown_in_the_types_of_the_contract(parts: Pipeline) -> None:
    shown = parts.json("preview", "silver.parts")

    assert shown["columns"] == WORDS
    assert shown["rows"][0]["at"].startswith("2024-06-30 23:30")


def test_the_lineage_of_a_column_is_known_though_its_type_is_restored(parts: Pipeline) -> None:
    record = parts.run("silver.parts", full_refresh=True)

    lineage = record.assets[0].lineage
    assert lineage is not None
    for name, origin in lineage.columns.items():
        assert origin.unknown is None
        assert {ref.column for ref in origin.values} == {name}


def test_what_no_table_can_hold_is_quarantined_for_its_type_and_kept(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.asset(
        "bronze.ticks",
        """
        @bronze
        def ticks() -> pl.DataFrame:
            at = pl.Series([1, 1, 1000, 1999, 2000]).cast(pl.Datetime("ns"))
            return pl.DataFrame({"id": [1, 1, 2, 3, 3], "at": at})
        """,
    )
    pipeline.asset(
        "silver.ticks",
        """
        class Ticks(dy.Schema):
            at = dy.Datetime(time_unit="ns", primary_key=True)
            id = dy.Int64()


        @silver(contract=Ticks)
        def ticks(bronze_ticks: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_ticks.select("at", "id")
        """,
    )

    first = pipeline.run()

    assert [each.rules_broken for each in first.assets] == [{"at|dtype": 3}, {}]
    assert sorted(pipeline.rejected("bronze.ticks")["at"]) == [
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000000001",
        "1970-01-01T00:00:00.000001999",
    ]
    shown = pipeline.json("quarantine", "bronze.ticks")["rows"]
    assert {row["at"] for row in shown} == {
        "1970-01-01 00:00:00.000000001",
        "1970-01-01 00:00:00.000001999",
    }
    assert sorted(pipeline.table("silver.ticks")["at"].cast(pl.Int64)) == [1000, 2000]
    assert pipeline.table("silver.ticks").schema["at"] == pl.Datetime("ns")


def test_a_snapshot_is_read_in_the_types_that_came_last(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    for words in ("a", "b"), ("b", "a", "c"), None:
        dtype = pl.String() if words is None else pl.Enum(words)
        pl.DataFrame({"x": ["b", "a"]}, schema={"x": dtype}).write_parquet(tmp_path / "x.parquet")
        pipeline.asset("bronze.x", READS.format(load="snapshot"))

        record = pipeline.run()

        assert record.assets[0].error is None
        assert pipeline.table("bronze.x").schema == {"x": dtype}
    assert pipeline.json("preview", "bronze.x", "--version", "0")["columns"]["x"] == str(
        pl.Enum(["a", "b"])
    )


def test_batches_that_do_not_agree_on_a_type_are_read_as_they_are_stored(tmp_path: Path) -> None:
    pipeline = Pipeline(tmp_path)
    read: list[pl.DataType] = []
    for zone in "Europe/Berlin", "Europe/Berlin", "America/New_York", "Europe/Berlin":
        moment = pl.Series("x", [len(read)]).cast(pl.Datetime("us", zone))
        moment.to_frame().write_parquet(tmp_path / "x.parquet")
        pipeline.asset("bronze.x", READS.format(load="append"))

        record = pipeline.run()

        assert record.assets[0].error is None
        read.append(pipeline.table("bronze.x").schema["x"])
    assert [getattr(each, "time_zone", "") for each in read] == [
        *["Europe/Berlin"] * 2,
        *["UTC"] * 2,
    ]
    assert sorted(pipeline.table("bronze.x")["x"].cast(pl.Int64)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([1], [datetime(2024, 1, 1)]),  # noqa: DTZ001 - a moment without a zone
        ([1], [[datetime(2024, 1, 1)]]),  # noqa: DTZ001
        ([1], [{"at": datetime(2024, 1, 1)}]),  # noqa: DTZ001
    ],
    ids=["plain", "listed", "nested"],
)
def test_a_table_whose_first_moment_without_a_zone_comes_later_can_be_read(
    tmp_path: Path, before: list[Any], after: list[Any]
) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.asset("bronze.x", READS.format(load="snapshot"))
    for number, values in enumerate((before, after)):
        rows = {"kind": [0, 1], f"v_{number}": values * 2}
        pl.DataFrame(rows).write_parquet(tmp_path / "x.parquet")
        pipeline.asset(
            "silver.x",
            f"""
            class X(dy.Schema):
                kind = dy.Int64(max=0)


            @silver(contract=X, max_quarantined=1.0)
            def x(bronze_x: pl.LazyFrame) -> pl.LazyFrame:
                return bronze_x.select("kind", "v_{number}")
            """,
        )

        record = pipeline.run()

        assert [each.error for each in record.assets] == [None, None]
    assert pipeline.table("silver.x")["v_1"].to_list() == after
    kept = pipeline.json("quarantine", "silver.x")
    assert kept["total"] == 1


@pytest.mark.parametrize(
    "after",
    [
        [datetime(2024, 1, 1)],  # noqa: DTZ001 - a moment without a zone
        [{"day": date(2024, 1, 1), "at": datetime(2024, 1, 1)}],  # noqa: DTZ001
    ],
    ids=["widened", "grown"],
)
def test_a_column_of_bronze_may_become_a_moment_without_a_zone(
    tmp_path: Path, after: list[Any]
) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.asset("bronze.x", READS.format(load="append"))
    before = {"day": date(2023, 1, 1)} if isinstance(after[0], dict) else date(2023, 1, 1)
    for values in ([before], after):
        pl.DataFrame({"x": values}).write_parquet(tmp_path / "x.parquet")

        record = pipeline.run()

        assert record.assets[0].error is None
    assert pipeline.table("bronze.x").height == 2


@pytest.mark.in_this_process
def test_a_batch_that_could_not_be_landed_changes_no_type_of_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.asset("bronze.x", READS.format(load="snapshot"))
    late = pl.Series("x", [datetime(2024, 1, 1, 4, tzinfo=UTC)])
    for zone in "America/New_York", "Europe/Berlin":
        late.dt.convert_time_zone(zone).to_frame().write_parquet(tmp_path / "x.parquet")
        if zone == "Europe/Berlin":
            monkeypatch.setattr(Table, "commit", _refuse)

        record = pipeline.run()

    assert record.assets[0].error is not None
    assert pipeline.table("bronze.x")["x"].dt.date().to_list() == [date(2023, 12, 31)]


def _refuse(*_: object, **__: object) -> TableVersion:
    raise LakehouseError("no space", code="POL403")


@pytest.mark.in_this_process
def test_another_writer_between_two_commits_of_a_landing_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(tmp_path)
    pipeline.asset("bronze.x", READS.format(load="append"))
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "x.parquet")
    pipeline.run()
    pl.DataFrame({"x": [2], "new": [1]}).write_parquet(tmp_path / "x.parquet")
    opened, commit, tried = Table.open, Table.commit, list[int]()

    def meanwhile(table: Table, version: int | None = None) -> TableVersion | None:
        """Another program appends between our first commit, of a column, and its opening."""
        if version == 1:
            monkeypatch.setattr(Table, "open", opened)
            other = pl.DataFrame({"x": [9], "_source": [""], "_batch_id": ["other"], "new": [0]})
            now = pl.lit(datetime(2024, 1, 1, tzinfo=UTC)).alias("_ingested_at")
            other.with_columns(now).write_delta(table.uri, mode="append")
        return opened(table, version)

    def counted(table: Table, *arguments: Any, **named: Any) -> TableVersion:
        if table.uri.endswith("/bronze/x"):
            tried.append(named["onto"].version)
        return commit(table, *arguments, **named)

    monkeypatch.setattr(Table, "open", meanwhile)
    monkeypatch.setattr(Table, "commit", counted)

    record = pipeline.run()

    assert record.assets[0].error is None
    assert tried == [1, 2]
    assert sorted(pipeline.table("bronze.x")["x"]) == [1, 2, 9]
