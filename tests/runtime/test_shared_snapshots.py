"""What two snapshots have in common is stored once, and each is whole to its readers."""

from __future__ import annotations

import os
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal
from tests.conftest import Pipeline

from polster.lakehouse import sharing
from polster.lakehouse.upkeep import Upkeep
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.upkeep import Retention

PRICES = AssetKey(Layer.BRONZE, "prices")


@pytest.fixture
def shop(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline whose bronze takes all of a file each time, and shares however little."""
    monkeypatch.setattr(sharing, "LEAST_BYTES", 1)
    monkeypatch.setattr(sharing, "ROWS_AT_ONCE", 3)
    pipeline.asset(
        "bronze.prices",
        """
        @bronze
        def prices() -> pl.LazyFrame:
            return pl.read_parquet("prices.parquet").lazy()
        """,
    )
    pipeline.asset(
        "silver.clean",
        """
        class Clean(dy.Schema):
            id = dy.Int64(primary_key=True)
            price = dy.Float64(nullable=True)

        @silver(contract=Clean)
        def clean(prices: pl.LazyFrame) -> pl.LazyFrame:
            return prices.select("id", "price")
        """,
    )
    return pipeline


def prices(start: int, stop: int) -> pl.DataFrame:
    return pl.DataFrame(
        {"id": range(start, stop), "price": [each / 4 for each in range(start, stop)]}
    )


def land(shop: Pipeline, rows: pl.DataFrame) -> str:
    """Return the batch that was landed."""
    rows.write_parquet(shop.root / "prices.parquet")
    shop.run()
    (batch,) = next(each for each in shop.runs[-1].assets if each.asset == PRICES).batches
    return batch


def files(shop: Pipeline, batch: str) -> list[str]:
    table = DeltaTable(str(shop.data / "bronze" / "prices"))
    return sorted(table.file_uris(file_pruning_predicate=[("_batch_id", "=", batch)]))


def inodes(shop: Pipeline, batch: str) -> list[int]:
    return [Path(path).stat().st_ino for path in files(shop, batch)]


def test_a_snapshot_that_grew_is_stored_as_what_came(shop: Pipeline) -> None:
    batches = [land(shop, prices(0, stop)) for stop in (10, 14, 15)]

    first, second, third = (inodes(shop, batch) for batch in batches)
    assert (len(first), len(second), len(third)) == (1, 2, 3)
    assert third[:2] == second
    assert second[:1] == first
    assert shop.table("bronze.prices").select("id", "price").equals(prices(0, 15))


def test_every_reader_finds_each_batch_whole(shop: Pipeline) -> None:
    batches = {land(shop, prices(0, stop)): prices(0, stop) for stop in (10, 14, 15)}
    place = str(shop.data / "bronze" / "prices")
    for batch, rows in batches.items():
        found = pl.scan_delta(place).filter(pl.col("_batch_id") == batch).collect()
        assert found.sort("id").select("id", "price").equals(rows)
        read = duckdb.read_parquet(files(shop, batch), hive_partitioning=True)
        assert read.order("id").project("_batch_id, id, price").fetchall() == [
            (batch, *row) for row in rows.iter_rows()
        ]


def test_rows_that_came_before_keep_the_time_when_they_did(shop: Pipeline) -> None:
    land(shop, prices(0, 10))
    batch = land(shop, prices(0, 14))

    rows = pl.scan_delta(str(shop.data / "bronze" / "prices")).filter(_batch_id=batch)
    times = rows.sort("id").collect()["_ingested_at"].to_list()

    assert len(set(times[:10])) == len(set(times[10:])) == 1
    assert times[0] < times[-1]


def test_what_stands_on_it_takes_the_rows_that_came(shop: Pipeline) -> None:
    land(shop, prices(0, 10))
    land(shop, prices(0, 12))

    scope = shop.runs[-1].assets[1].scope

    assert scope is not None
    assert (str(scope.kind), scope.rows, scope.of) == ("row-local", 2, 12)


def test_a_function_that_looks_at_the_batch_gets_all_rows_anew(shop: Pipeline) -> None:
    shop.asset(
        "silver.batches",
        """
        class Batches(dy.Schema):
            id = dy.Int64(primary_key=True)
            batch = dy.String()

        @silver(contract=Batches)
        def batches(prices: pl.LazyFrame) -> pl.LazyFrame:
            return prices.select("id", batch="_batch_id")
        """,
    )
    land(shop, prices(0, 10))
    batch = land(shop, prices(0, 12))

    assert shop.table("silver.batches")["batch"].to_list() == [batch] * 12


def changed(rows: pl.DataFrame, chance: random.Random) -> pl.DataFrame:
    """Return what a source may be a day later."""
    at = chance.randrange(rows.height + 1)
    kind = chance.choice(["grow", "grow", "grow", "cut", "edit", "shift", "column", "type", "none"])
    match kind:
        case "grow":
            start = max(rows["id"].to_list()) + 1
            more = prices(start, start + chance.randrange(1, 5))
            return pl.concat([rows, more], how="diagonal_relaxed")
        case "cut":
            return rows.head(max(1, at))
        case "edit":
            hit = pl.int_range(pl.len()) == at
            return rows.with_columns(price=pl.when(hit).then(None).otherwise("price"))
        case "shift":
            return rows.reverse().with_columns(pl.col("price") + 1)
        case "column":
            return rows.with_columns(pl.lit(at).alias(f"c{at}"))
        case "type":
            return rows.with_columns(pl.col("id").cast(chance.choice([pl.Int32, pl.Int64])))
        case _:
            return rows


@pytest.mark.parametrize("seed", range(2))
def test_whatever_a_source_becomes_readers_get_that(shop: Pipeline, seed: int) -> None:
    chance = random.Random(seed)
    rows = prices(0, 7)
    for _ in range(10):
        rows.write_parquet(shop.root / "prices.parquet")
        shop.run()
        landed = shop.table("bronze.prices").select(rows.columns)
        assert_frame_equal(landed, rows, check_dtypes=False)
        clean = shop.table("silver.clean").sort("id")
        assert_frame_equal(clean, rows.select("id", "price").sort("id"), check_dtypes=False)
        rows = changed(rows, chance)
    assert shop.staged_files() == []


def test_a_file_system_without_hard_links_stores_all_of_it(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("no hard links")

    land(shop, prices(0, 10))
    monkeypatch.setattr(os, "link", refuse)
    batch = land(shop, prices(0, 14))

    assert len(inodes(shop, batch)) == 1
    assert shop.table("bronze.prices").height == 14
    assert shop.staged_files() == []


def test_a_small_snapshot_is_written_again(shop: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "LEAST_BYTES", 256 * 1024)
    land(shop, prices(0, 10))

    assert len(inodes(shop, land(shop, prices(0, 14)))) == 1


def test_what_fails_after_it_leaves_no_file(shop: Pipeline) -> None:
    land(shop, prices(0, 10))
    shop.edit("src/core/bronze_prices.py", "@bronze", "@bronze(expect=polster.Expect(grow=0.1))")

    prices(0, 14).write_parquet(shop.root / "prices.parquet")
    outcome = shop.outcome("bronze.prices")

    assert outcome == {"bronze.prices": "failed"}
    assert shop.staged_files() == []
    assert shop.table("bronze.prices").height == 10


def kept_up(shop: Pipeline, at: datetime) -> Any:
    work = Upkeep(shop.open().lakehouse, "upkeep", Retention(timedelta(0), 1), now=at)
    (done,) = work.asset(PRICES)
    return done


def test_upkeep_merges_the_newest_batch_alone_and_counts_each_byte_once(shop: Pipeline) -> None:
    batches = [land(shop, prices(0, stop)) for stop in (10, 14, 15)]
    shared = inodes(shop, batches[1])

    done = kept_up(shop, datetime.now(UTC) + timedelta(hours=1))

    files = [path for path in (shop.data / "bronze" / "prices").rglob("*") if path.is_file()]
    assert done.after.size_bytes == sum(
        {path.stat().st_ino: path.stat().st_size for path in files}.values()
    )
    assert done.merged == 3
    assert inodes(shop, batches[1]) == shared
    assert len(inodes(shop, batches[2])) == 1
    assert shop.table("bronze.prices")["id"].to_list() == list(range(15))
    land(shop, prices(0, 16))
    assert len(inodes(shop, shop.runs[-1].assets[0].batches[0])) == 2


def test_upkeep_leaves_files_alone_that_a_run_shared_and_has_not_committed(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = land(shop, prices(0, 10))
    old = datetime.now(UTC).timestamp() - 10 * 86_400
    (path,) = (shop.data / "bronze" / "prices" / f"_batch_id={batch}").iterdir()
    os.utime(path, (old, old))
    real = sharing.share

    def share_and_keep_up(*arguments: Any, **options: Any) -> Any:
        made = real(*arguments, **options)
        kept_up(shop, datetime.now(UTC))
        return made

    monkeypatch.setattr("polster.runtime.writes.land_batch.share", share_and_keep_up)
    batch = land(shop, prices(0, 14))

    assert len(inodes(shop, batch)) == 2
    assert shop.table("bronze.prices")["id"].to_list() == list(range(14))


def test_doctor_finds_nothing_amiss(shop: Pipeline) -> None:
    for stop in (10, 14, 15):
        land(shop, prices(0, stop))

    assert shop.cli("doctor").exit_code == 0
    assert Path(shop.root, "prices.parquet").exists()
