from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.ledger import Entry
from polster.lakehouse.staging import Staging
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.written_records import to_metadata
from polster.model.asset import BATCH_COLUMN, AssetKey
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus, Fingerprint

RAW = AssetKey(Layer.BRONZE, "orders")
ORDERS = AssetKey(Layer.SILVER, "orders")
START = datetime(2026, 1, 1, tzinfo=UTC)


def _publish(
    lakehouse: Lakehouse, key: AssetKey, rows: list[int], run: str, *, batch: bool = False
) -> TableVersion:
    """Publish as a run does: a snapshot of bronze is a partition of its own."""
    table = lakehouse.table(key)
    onto = table.open()
    version = 0 if onto is None else onto.version + 1
    partition = {BATCH_COLUMN: run} if batch else {}
    frame = pl.LazyFrame({"n": rows})
    files = Staging(lakehouse.store, table.uri, run, partition).sink(frame)
    record = AssetRecord(
        key,
        AssetStatus.PUBLISHED,
        START,
        version=version,
        rows_published=len(rows),
        fingerprint=Fingerprint("code", inputs={"bronze.x": 1}),
    )
    change = Change(
        files,
        pl.Schema({"n": pl.Int64(), **dict.fromkeys(partition, pl.String())}),
        () if key.layer is Layer.BRONZE else EVERY_FILE,
        metadata={
            **to_metadata(record),
            "run_id": run,
            "environment": "dev",
            "batch": run if batch else "",
            "content": f"digest of {run}" if batch else "",
        },
        partition_by=tuple(partition),
        append_only=key.layer is Layer.BRONZE,
    )
    return table.commit(change, onto=onto)


def _read(table: TableVersion | None) -> list[int]:
    assert table is not None
    return sorted(table.scan().collect()["n"])


def test_a_table_that_does_not_exist_cannot_be_pinned(lakehouse: Lakehouse) -> None:
    assert lakehouse.pin(ORDERS) is None
    assert lakehouse.versions([ORDERS, RAW]) == {}


def test_the_newest_versions_of_the_tables_that_exist_are_listed(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, ORDERS, [1], "run1")
    _publish(lakehouse, ORDERS, [2], "run2")

    assert lakehouse.versions([RAW, ORDERS]) == {ORDERS: 1}


def test_readers_of_a_snapshot_get_the_latest_batch(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, RAW, [1, 2, 3], "run1", batch=True)
    _publish(lakehouse, RAW, [4], "run2", batch=True)

    pinned = lakehouse.pin(RAW)

    assert _read(pinned) == [4]
    assert pinned is not None
    assert pinned.rows == 1


def test_an_earlier_version_of_a_snapshot_has_its_own_batch(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, RAW, [1, 2, 3], "run1", batch=True)
    _publish(lakehouse, RAW, [4], "run2", batch=True)

    pinned = lakehouse.pin(RAW, 0)

    assert _read(pinned) == [1, 2, 3]
    assert pinned is not None
    assert pinned.rows == 3


def test_readers_of_an_appended_table_get_every_batch(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, RAW, [1], "run1")
    _publish(lakehouse, RAW, [2], "run2")

    assert _read(lakehouse.pin(RAW)) == [1, 2]


def test_a_commit_says_what_published_it(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, RAW, [1], "run1", batch=True)
    table = _publish(lakehouse, RAW, [2, 3], "run2", batch=True)

    published = lakehouse.published(table)

    assert published is not None
    assert (published.run_id, published.version, published.batch) == ("run2", 1, "run2")
    assert published.content == "digest of run2"
    assert published.environment == "dev"
    assert published.record.rows_published == 2
    assert published.record.fingerprint == Fingerprint("code", inputs={"bronze.x": 1})


def test_what_is_published_is_told_of_the_version_that_was_opened(lakehouse: Lakehouse) -> None:
    first = _publish(lakehouse, ORDERS, [1], "run1")
    _publish(lakehouse, ORDERS, [2], "run2")

    published = lakehouse.published(first)

    assert published is not None
    assert (published.run_id, published.version) == ("run1", 0)
    assert published.record.version == 0


def test_new_columns_and_compaction_do_not_hide_who_published(lakehouse: Lakehouse) -> None:
    table = _publish(lakehouse, ORDERS, [1], "run1")
    lakehouse.table(ORDERS).add_columns(table, pl.Schema({"more": pl.String()}))
    DeltaTable(table.uri).optimize.compact()
    newest = lakehouse.pin(ORDERS)
    assert newest is not None

    published = lakehouse.published(newest)

    assert published is not None
    assert published.run_id == "run1"


def _pass_harmlessly(table: TableVersion, commits: int) -> DeltaTable:
    delta = DeltaTable(table.uri)
    for number in range(commits):
        delta.alter.set_table_properties({"delta.logRetentionDuration": f"interval {number} days"})
    return delta


def _clean_log(delta: DeltaTable) -> None:
    """Do what another program does when the log is older than it is to be kept."""
    delta.create_checkpoint()
    for commit in range(delta.version()):
        Path(delta.table_uri.removeprefix("file://"), f"_delta_log/{commit:020d}.json").unlink()


def test_many_harmless_commits_do_not_hide_the_latest_batch(lakehouse: Lakehouse) -> None:
    _publish(lakehouse, RAW, [1, 2, 3], "run1", batch=True)
    table = _publish(lakehouse, RAW, [4], "run2", batch=True)
    _pass_harmlessly(table, 51)

    pinned = lakehouse.pin(RAW)

    assert _read(pinned) == [4]
    assert pinned is not None
    assert (published := lakehouse.published(pinned)) is not None
    assert published.content == "digest of run2"


@pytest.mark.parametrize("recorded", [True, False])
def test_the_latest_batch_is_found_where_the_log_was_cleaned(
    lakehouse: Lakehouse, recorded: bool
) -> None:
    _publish(lakehouse, RAW, [1], "20260103T030405-aaaaaa", batch=True)
    late, early = "20260102T030405-cccccc", "20260104T030405-bbbbbb"
    newest = late if recorded else early
    table = _publish(lakehouse, RAW, [4], newest, batch=True)
    if recorded:
        record = AssetRecord(RAW, AssetStatus.PUBLISHED, START, version=1, rows_published=1)
        lakehouse.ledger.append([Entry(newest, "dev", record)])
    _clean_log(_pass_harmlessly(table, 1))

    assert _read(lakehouse.pin(RAW)) == [4]


def test_a_table_that_another_program_changed_is_not_known(lakehouse: Lakehouse) -> None:
    table = _publish(lakehouse, ORDERS, [1], "run1")
    write_deltalake(table.uri, pl.DataFrame({"n": [2]}), mode="append")
    newest = lakehouse.pin(ORDERS)
    assert newest is not None

    assert lakehouse.published(newest) is None
    assert _read(newest) == [1, 2]


def test_a_table_that_polster_never_wrote_is_read_as_it_is(lakehouse: Lakehouse) -> None:
    write_deltalake(lakehouse.table(RAW).uri, pl.DataFrame({"n": [1]}))

    assert _read(lakehouse.pin(RAW)) == [1]


def test_polsters_own_tables_have_no_publisher(lakehouse: Lakehouse) -> None:
    pinned = _publish(lakehouse, ORDERS, [1], "run1")
    own = TableVersion(None, pinned.uri, pinned.version, delta=pinned.delta)

    assert lakehouse.published(own) is None


@pytest.mark.parametrize("versions", [1, 3])
def test_the_secrets_of_a_store_are_not_shown(versions: int) -> None:
    from polster.lakehouse.store import Store

    store = Store("s3://lake", {"aws_secret_access_key": "hush"})

    assert "hush" not in repr(Lakehouse(store).table(ORDERS))
