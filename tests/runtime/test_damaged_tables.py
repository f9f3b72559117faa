"""Damaged tables: told by `run` and `status`, built anew where that is possible."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from polster.lakehouse.quick_check import quick_check

if TYPE_CHECKING:
    from tests.conftest import Pipeline

MISSING = "a file of its table is missing: "
Damage = Callable[[Path], None]


def _log(table: Path, version: int = 0) -> Path:
    return table / "_delta_log" / f"{version:020d}.json"


def _data(table: Path) -> Path:
    return next(table.rglob("*.parquet"))


def _truncate_commit(table: Path) -> None:
    text = _log(table).read_text(encoding="utf-8")
    _log(table).write_text(text[: len(text) // 2], encoding="utf-8")


def _lose_first_commit(table: Path) -> None:
    shutil.copy(_log(table), _log(table, 1))
    _log(table).unlink()


def _break_checkpoint(table: Path) -> None:
    DeltaTable(table).create_checkpoint()
    checkpoint = table / "_delta_log" / f"{0:020d}.checkpoint.parquet"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])


DAMAGES: dict[str, Damage] = {
    "a file of its table is missing: ": lambda table: _data(table).unlink(),
    "a file of its table has 3 bytes, not ": lambda table: _keep(_data(table).write_bytes(b"abc")),
    "its newest commit is damaged: 0": _truncate_commit,
    "its newest commit is empty: 0": lambda table: _keep(_log(table).write_text("")),
    "a commit of its log is missing: 0": _lose_first_commit,
    "a checkpoint of its log is damaged: 0": _break_checkpoint,
}


def _keep(_: int) -> None:
    """Say nothing of how much was written."""


@pytest.mark.parametrize("why", DAMAGES)
def test_a_damaged_table_of_silver_is_told_and_built_anew(shop: Pipeline, why: str) -> None:
    shop.run()
    before = shop.table("silver.orders")
    DAMAGES[why](shop.data / "silver/orders")

    status = {each["asset"]: each for each in shop.json("status")["assets"]}
    record = shop.run()

    assert status["silver.orders"]["state"] == "unusable"
    assert status["silver.orders"]["reasons"][0].startswith(why)
    assert {str(a.asset): a.status.value for a in record.assets} == {
        "bronze.orders": "unchanged",
        "silver.orders": "published",
        "gold.spending": "published",
    }
    assert record.assets[1].reasons[0].startswith(why)
    assert shop.table("silver.orders").sort("id").equals(before.sort("id"))
    assert set(shop.outcome().values()) == {"unchanged"}
    assert shop.json("status")["assets"][1]["state"] == "published"


@pytest.mark.parametrize("why", DAMAGES)
def test_a_damaged_table_of_bronze_stops_what_reads_it(shop: Pipeline, why: str) -> None:
    shop.run()
    spending = shop.table("gold.spending")
    DAMAGES[why](shop.data / "bronze/orders")

    status = shop.json("status")["assets"][0]
    record = shop.run()

    assert (status["state"], status["reasons"][0][: len(why)]) == ("unusable", why)
    assert [a.status.value for a in record.assets] == ["failed", "skipped", "skipped"]
    error = record.assets[0].error
    assert error is not None
    assert error.code == "POL413"
    assert error.message.startswith(why)
    assert "polster doctor" in (error.hint or "")
    assert shop.table("gold.spending").equals(spending)
    assert shop.reasons("bronze.orders")["bronze.orders"][0].endswith(": this will fail")


@pytest.mark.parametrize("text", ["", "garbage"])
def test_a_damaged_commit_before_the_newest_is_seen(shop: Pipeline, text: str) -> None:
    for _ in range(3):
        shop.run("bronze.orders", "silver.orders", full_refresh=True)
    _log(shop.data / "silver/orders", 0).write_text(text)

    reasons = shop.reasons("silver.orders")["silver.orders"]

    assert reasons[0].startswith("a commit of its log is ")
    assert shop.run().status == "succeeded"
    assert shop.table("silver.orders").height == 2
    assert set(shop.outcome().values()) == {"unchanged"}


def test_a_table_that_was_begun_anew_is_new_data_though_its_version_is_the_old_one(
    shop: Pipeline,
) -> None:
    shop.run()
    _truncate_commit(shop.data / "silver/orders")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")

    shop.run("bronze.orders", "silver.orders")

    assert shop.version("silver.orders") == 0
    assert shop.reasons("gold.spending") == {"gold.spending": ("silver.orders has new data",)}
    shop.run()
    assert shop.table("gold.spending").filter(customer="ann")["spent"].to_list() == [11.5]
    assert set(shop.outcome().values()) == {"unchanged"}


def test_the_log_of_a_table_that_is_built_anew_is_kept(shop: Pipeline) -> None:
    shop.run()
    _truncate_commit(shop.data / "silver/orders")

    record = shop.run()

    kept = shop.data / "silver/orders" / f"_delta_log_damaged_{record.run_id}"
    assert [path.name for path in kept.glob("*.json")] == [f"{0:020d}.json"]


def test_an_asset_that_fails_leaves_its_damaged_table_as_it_is(shop: Pipeline) -> None:
    shop.run()
    _truncate_commit(shop.data / "silver/orders")
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "raise ValueError")

    record = shop.run()

    assert record.assets[1].status.value == "failed"
    assert [path.name for path in (shop.data / "silver/orders").glob("_*")] == ["_delta_log"]


def test_what_reads_a_damaged_table_is_told_which_one(shop: Pipeline) -> None:
    shop.run()
    _log(shop.data / "silver/orders").write_text("")

    record = shop.run("gold.spending", full_refresh=True)

    error = record.assets[0].error
    assert error is not None
    assert error.message.startswith("`silver.orders`, which it reads, cannot be read: its newest")
    assert error.hint == "build it anew with: polster run silver.orders"
    assert record.release is None


def test_the_version_before_an_empty_commit_is_not_taken_for_the_newest(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")
    shop.run()
    _log(shop.data / "silver/orders", 1).write_text("")

    preview = shop.cli("preview", "silver.orders")

    assert preview.exit_code == 1
    assert preview.stderr.startswith(
        "error[POL401]: the table cannot be read: the commit of version 1 is empty\n"
    )
    assert shop.cli("preview", "silver.orders", "--version", "0").exit_code == 0


def test_bronze_whose_log_is_gone_is_not_begun_anew(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data / "bronze/orders/_delta_log")

    record = shop.run()
    shutil.rmtree(shop.data / "bronze/orders")

    assert record.assets[0].error is not None
    assert record.assets[0].error.message.startswith("its log is gone; bronze cannot be built anew")
    assert shop.outcome()["bronze.orders"] == "published"


@pytest.fixture
def events(pipeline: Pipeline) -> Pipeline:
    """Bronze that appended three batches."""
    pipeline.asset(
        "bronze.events",
        """
        from pathlib import Path

        @bronze(load="append")
        def events() -> pl.LazyFrame:
            return pl.LazyFrame({"n": [int(Path("number").read_text())]})
        """,
    )
    for number in range(3):
        pipeline.write("number", str(number))
        pipeline.run()
    return pipeline


def test_a_lost_file_of_an_earlier_batch_is_found_where_readers_get_all(events: Pipeline) -> None:
    table = DeltaTable(events.data / "bronze/events")
    files = pl.DataFrame(table.get_add_actions(flatten=True)).sort("modification_time")
    (events.data / "bronze/events" / files["path"][0]).unlink()

    status = events.json("status")["assets"][0]
    record = events.run()

    assert status["state"] == "unusable"
    assert status["reasons"] == [f"{MISSING}{files['path'][0]}"]
    assert record.assets[0].error is not None
    assert record.assets[0].error.code == "POL413"
    assert len(events.json("history", "bronze.events")["runs"]) == 4


def test_a_damaged_commit_of_an_earlier_batch_is_found_where_readers_get_all(
    events: Pipeline,
) -> None:
    log = _log(events.data / "bronze/events", 1)
    at = log.stat().st_mtime_ns
    log.write_text(log.read_text(encoding="utf-8")[:99])
    os.utime(log, ns=(at, at))  # as a disk damages it

    status = events.json("status")["assets"][0]
    record = events.run()

    assert status["state"] == "unusable"
    assert "the table cannot be read: " in status["reasons"][0]
    assert record.status == "failed"
    assert len(list((events.data / "bronze/events").glob("*.parquet"))) == 3


def test_a_file_that_no_reader_gets_any_more_stops_nothing(shop: Pipeline) -> None:
    shop.run()
    first = _data(shop.data / "bronze/orders")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")
    shop.run()
    first.unlink()

    assert set(shop.outcome().values()) == {"unchanged"}


def test_a_checkpoint_stands_for_the_commits_before_it(tmp_path: Path) -> None:
    for number in range(4):
        write_deltalake(tmp_path / "t", pl.DataFrame({"n": [number]}), mode="append")
        if number == 2:
            DeltaTable(tmp_path / "t").create_checkpoint()
    for version in (0, 1, 2):
        _log(tmp_path / "t", version).unlink()

    found = quick_check(str(tmp_path / "t"))

    assert found is not None
    assert (found.version, found.damage) == (3, None)
    assert DeltaTable(tmp_path / "t").count() == 4


def test_a_table_that_is_gone_is_told_as_such(shop: Pipeline) -> None:
    shop.run()
    shop.run("gold.spending", full_refresh=True)
    shutil.rmtree(shop.data / "gold/spending")
    shutil.rmtree(shop.data / "bronze/orders")

    told = {each["asset"]: each for each in shop.json("status")["assets"]}
    planned = shop.reasons()
    record = shop.run()

    gold, bronze = "its table is gone, and had version 1", "its table is gone, and had version 0"
    assert told["gold.spending"]["state"] == told["bronze.orders"]["state"] == "unusable"
    assert told["gold.spending"]["reasons"] == [gold]
    assert (planned["gold.spending"], planned["bronze.orders"]) == ((gold,), (bronze,))
    assert [each.reasons[0] for each in record.assets if each.asset.layer != "silver"] == [
        bronze,
        gold,
    ]


def test_plan_and_status_miss_the_same_old_file_of_bronze_that_appends(pipeline: Pipeline) -> None:
    for number in (1, 2):
        pipeline.asset(
            "bronze.events",
            f"""
            @bronze(load="append")
            def events() -> pl.DataFrame:
                return pl.DataFrame({{"id": [{number}]}})
            """,
        )
        pipeline.run()
    oldest = min((pipeline.data / "bronze/events").glob("*.parquet"), key=lambda f: f.name)
    oldest.unlink()

    (told,) = pipeline.json("status")["assets"]
    planned = pipeline.reasons()

    assert told["state"] == "unusable"
    assert f"a file of its table is missing: {oldest.name}" in told["reasons"][0]
    assert f"a file of its table is missing: {oldest.name}" in planned["bronze.events"][0]
    assert planned["bronze.events"][0].endswith(": this will fail")


def test_a_ledger_that_misses_a_file_says_what_to_do(shop: Pipeline) -> None:
    shop.run()
    next((shop.data / "_polster/runs").glob("*.parquet")).unlink()

    result = shop.cli("status")
    told = shop.cli("doctor").output
    shutil.rmtree(shop.data / "_polster/runs")

    assert result.exit_code == 1
    assert "[POL401]" in result.output
    assert "what is lost, and what to do then, says: polster doctor" in result.output
    assert "move the folder away: the commits of the tables say what was published" in told
    assert set(shop.outcome().values()) == {"unchanged"}
