from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.ledger import LEDGER_SCHEMA, Entry
from polster.lakehouse.own_rows import append_rows
from polster.lakehouse.store import Store
from polster.lakehouse.written_records import from_row, to_metadata, to_row
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef
from polster.model.record import (
    INTERRUPTED,
    AssetRecord,
    AssetStatus,
    Counted,
    Failure,
    Fingerprint,
    Matched,
    RunRecord,
    RunStatus,
    Trace,
)
from polster.model.scope import Scope, ScopeKind
from polster.model.standing import StandingWarning

if TYPE_CHECKING:
    from tests.conftest import Pipeline

ORDERS = AssetKey(Layer.SILVER, "orders")
START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def _record(
    key: AssetKey = ORDERS,
    *,
    minutes: int = 0,
    status: AssetStatus = AssetStatus.PUBLISHED,
    version: int | None = 0,
) -> AssetRecord:
    return AssetRecord(key, status, START + timedelta(minutes=minutes), version=version)


def _entry(record: AssetRecord, run: str = "run1") -> Entry:
    return Entry(run, "dev", record)


FULL = AssetRecord(
    asset=ORDERS,
    status=AssetStatus.FAILED,
    started_at=START,
    reasons=("its code changed", "bronze.orders has new data"),
    rows_in={"bronze.orders": 12},
    rows_returned=12,
    rows_published=9,
    rows_quarantined=3,
    rules_broken={"id|min": 2, "primary_key": 1},
    version=4,
    seconds=1.25,
    notes=("the function returned no rows",),
    error=Failure(
        "POL306", "rows break the contract", "look", "f.py:1", Trace("Traceback: a value", "frames")
    ),
    fingerprint=Fingerprint("c", "d", {"core.tax": "e"}, {"bronze.orders": 3}),
)


def test_an_empty_ledger_has_no_rows(lakehouse: Lakehouse) -> None:
    assert lakehouse.ledger.scan().collect().height == 0
    assert lakehouse.ledger.records(ORDERS) == []
    assert lakehouse.ledger.latest() == {}
    assert lakehouse.ledger.published({ORDERS: 0}) == {}


def test_a_record_comes_back_as_it_was_but_for_the_messages_of_exceptions(
    lakehouse: Lakehouse,
) -> None:
    lakehouse.ledger.append([_entry(FULL)])

    ((run, found),) = lakehouse.ledger.records(ORDERS)

    assert run == "run1"
    assert FULL.error is not None
    assert found.error == Failure(
        "POL306", "rows break the contract", "look", "f.py:1", Trace("frames", "frames")
    )
    assert found.fingerprint == FULL.fingerprint
    assert to_row(found) == to_row(FULL)


def test_a_value_of_the_data_never_reaches_the_ledger(lakehouse: Lakehouse) -> None:
    lakehouse.ledger.append([_entry(FULL)])

    assert "Traceback: a value" not in str(lakehouse.ledger.scan().collect().rows())


def test_a_record_survives_the_metadata_of_a_commit() -> None:
    found = from_row(to_metadata(FULL))

    assert to_row(found) == to_row(FULL)


def test_a_row_is_written_as_earlier_versions_wrote_it() -> None:
    warning = StandingWarning(ORDERS, "POL321", "tax", "is empty", "mend it", "run0", START)
    record = replace(
        FULL,
        nulls={},
        newest={"day": START},
        warnings=(warning,),
        matched={"bronze.orders": Matched(12, 9, "x")},
        batches=("b1",),
        scope=Scope(ScopeKind.LOCAL, ("id",), 9, 200, 4, {"id|min": 3}),
        files_in={"bronze.orders": "f"},
        source_counts={"rows": Counted(12, 11), "sum(tax)": Counted("0.10", 0.1)},
    )

    row = to_row(record)

    assert from_row(row) == replace(record, error=from_row(row).error)
    assert row == {
        "asset": "silver.orders",
        "status": "failed",
        "started_at": START,
        "seconds": 1.25,
        "reasons": ["its code changed", "bronze.orders has new data"],
        "rows_in": '{"bronze.orders": 12}',
        "rows_returned": 12,
        "rows_published": 9,
        "rows_quarantined": 3,
        "rules_broken": '{"id|min": 2, "primary_key": 1}',
        "version": 4,
        "notes": ["the function returned no rows"],
        "error": '{"code": "POL306", "message": "rows break the contract", "hint": "look", '
        '"place": "f.py:1", "frames": "frames"}',
        "fingerprint": '{"code": "c", "contract": "d", "modules": {"core.tax": "e"}, '
        '"inputs": {"bronze.orders": 3}, "references": {}}',
        "lineage": None,
        "nulls": "{}",
        "newest": '{"day": "2026-01-02T03:04:05.000678+00:00"}',
        "warnings": '[{"code": "POL321", "subject": "tax", "message": "is empty", '
        '"hint": "mend it", "run_id": "run0", "since": "2026-01-02T03:04:05.000678+00:00"}]',
        "matched": '{"bronze.orders": {"rows": 12, "kept": 9, "note": "x"}}',
        "batches": ["b1"],
        "scope": '{"kind": "local", "by": ["id"], "rows": 9, "of": 200, "quarantined": 4, '
        '"rules": {"id|min": 3}, "why": "", "is_distrusted": false, "frozen": 0, '
        '"is_verified": false, "is_declared": false, "is_trusted": false}',
        "files_in": '{"bronze.orders": "f"}',
        "source_counts": '{"rows": {"said": 12, "came": 11}, '
        '"sum(tax)": {"said": "0.10", "came": 0.1}}',
    }


def test_what_a_newer_version_calls_in_its_own_way_is_read_and_shown_as_it_is(
    shop: Pipeline,
) -> None:
    shop.run()
    ledger = shop.open().lakehouse.ledger
    rows = ledger.table.open()
    assert rows is not None
    newer = rows.scan().with_columns(
        run_id=pl.lit("20990101T000000-aaaaaa"),
        run_status=pl.lit("paused"),
        status=pl.when(asset="gold.spending").then(pl.lit("postponed")).otherwise("status"),
        scope=pl.col("scope").str.replace("whole", "mirrored"),
    )
    newer.collect().write_delta(ledger.table.uri, mode="append")

    told = shop.cli("runs").stdout
    shown = shop.cli("runs", "20990101T000000-aaaaaa").stdout
    run = ledger.run("20990101T000000-aaaaaa")
    counted = shop.json("runs")["runs"][0]["assets"]
    again = shop.run()

    assert "paused" in told
    assert "1 postponed" in told
    assert "postponed" in shown
    assert counted["postponed"] == 1
    assert run is not None
    assert [record.status.value for record in run.assets][-1:] == ["postponed"]
    assert {record.scope.text for record in run.assets if record.scope} == {"mirrored"}
    assert [to_row(record)["status"] for record in run.assets][-1:] == ["postponed"]
    assert {record.status for record in again.assets} == {AssetStatus.UNCHANGED}


def test_a_record_with_fields_that_a_newer_version_added_is_read() -> None:
    row = to_row(replace(FULL, error=None, scope=Scope(ScopeKind.WHOLE)))
    newer = {
        name: json.dumps(json.loads(row[name]) | {"x": 1}) for name in ("fingerprint", "scope")
    }

    assert from_row({**row, **newer, "x": "1"}) == from_row(row)


def test_records_come_newest_first_and_only_as_many_as_wanted(lakehouse: Lakehouse) -> None:
    for number in range(4):
        record = _record(minutes=number, version=number)
        lakehouse.ledger.append([_entry(record, f"run{number}")])

    assert [run for run, _ in lakehouse.ledger.records(ORDERS)] == ["run3", "run2", "run1", "run0"]
    assert [run for run, _ in lakehouse.ledger.records(ORDERS, limit=2)] == ["run3", "run2"]


def test_a_run_stamped_in_the_past_stands_where_it_was_recorded(lakehouse: Lakehouse) -> None:
    lakehouse.ledger.append([_entry(_record(version=0), "run5")])
    lakehouse.ledger.append([_entry(_record(version=1, minutes=-60), "run1")])

    assert [run for run, _ in lakehouse.ledger.records(ORDERS)] == ["run1", "run5"]
    assert [each.run_id for each in lakehouse.ledger.runs()] == ["run1", "run5"]
    assert [each.run_id for each in lakehouse.ledger.runs(before="run1")] == ["run5"]
    assert lakehouse.ledger.latest()[ORDERS].run_id == "run1"


def test_a_version_that_was_made_twice_is_the_one_recorded_last(lakehouse: Lakehouse) -> None:
    lakehouse.ledger.append([_entry(FULL, "run0")])
    lakehouse.ledger.append([_entry(replace(_record(version=1), rows_published=5), "run5")])
    again = replace(_record(version=1, minutes=-60), rows_published=7, lineage=LINEAGE)
    lakehouse.ledger.append([_entry(again, "run1")])

    assert lakehouse.ledger.published({ORDERS: 1})[ORDERS].record.rows_published == 7
    assert lakehouse.ledger.lineages({ORDERS: 1}) == {ORDERS: LINEAGE}


def test_rows_of_an_older_version_come_before_all_others_by_time(lakehouse: Lakehouse) -> None:
    older = pl.Schema({name: t for name, t in LEDGER_SCHEMA.items() if name != "commit"})
    rows = [
        {**to_row(_record(minutes=minutes)), "run_id": f"old{minutes}", "environment": "dev"}
        for minutes in (9, 8)
    ]
    pl.DataFrame(rows, schema=older).write_delta(lakehouse.ledger.table.uri)
    lakehouse.ledger.append([_entry(_record(), "new")])

    assert [run for run, _ in lakehouse.ledger.records(ORDERS)] == ["new", "old9", "old8"]
    assert [each.run_id for each in lakehouse.ledger.runs()] == ["new", "old9", "old8"]
    assert lakehouse.ledger.latest()[ORDERS].run_id == "new"


def test_the_latest_record_of_each_asset_is_known(lakehouse: Lakehouse) -> None:
    other = AssetKey(Layer.GOLD, "revenue")
    failed = _record(minutes=1, status=AssetStatus.FAILED, version=None)
    lakehouse.ledger.append([_entry(_record()), _entry(_record(other))])
    lakehouse.ledger.append([_entry(failed, "run2")])

    latest = lakehouse.ledger.latest()

    assert {key: found.run_id for key, found in latest.items()} == {ORDERS: "run2", other: "run1"}
    assert latest[ORDERS].record.status is AssetStatus.FAILED
    assert latest[ORDERS].commit == lakehouse.ledger.newest_commit() == 1


def test_the_record_that_published_a_version_is_found(lakehouse: Lakehouse) -> None:
    lakehouse.ledger.append([_entry(_record(version=0))])
    lakehouse.ledger.append([_entry(_record(version=1, minutes=1), "run2")])
    lakehouse.ledger.append(
        [_entry(_record(version=1, minutes=2, status=AssetStatus.UNCHANGED), "run3")]
    )

    assert lakehouse.ledger.published({ORDERS: 1})[ORDERS].record.started_at == START + timedelta(
        minutes=1
    )
    assert lakehouse.ledger.published({ORDERS: 0})[ORDERS].record.version == 0
    assert lakehouse.ledger.published({ORDERS: 9}) == {}


def test_a_run_is_recorded_once_though_it_is_written_twice(lakehouse: Lakehouse) -> None:
    other = AssetKey(Layer.GOLD, "revenue")
    lakehouse.ledger.append([_entry(_record())])

    lakehouse.ledger.append([_entry(_record()), _entry(_record(other))])

    assert lakehouse.ledger.scan().collect()["asset"].sort().to_list() == [str(other), str(ORDERS)]


LINEAGE = AssetLineage(
    ORDERS,
    {
        "id": ColumnOrigin(frozenset({ColumnRef(AssetKey(Layer.BRONZE, "orders"), "id")})),
        "score": ColumnOrigin(unknown="a Python function"),
    },
)


def test_the_lineage_of_a_version_comes_back_from_the_run_that_published_it(
    lakehouse: Lakehouse,
) -> None:
    record = _record(version=0)
    lakehouse.ledger.append([_entry(replace(record, lineage=LINEAGE))])
    lakehouse.ledger.append([_entry(_record(version=1, minutes=1), "run2")])

    assert lakehouse.ledger.lineages({ORDERS: 0}) == {ORDERS: LINEAGE}
    assert lakehouse.ledger.lineages({ORDERS: 1}) == {}
    assert lakehouse.ledger.lineages({}) == {}


def test_the_lineage_survives_the_metadata_of_a_commit() -> None:
    record = replace(FULL, lineage=LINEAGE)

    assert from_row(to_metadata(record)).lineage == LINEAGE


def test_a_lineage_that_is_written_in_another_way_is_not_known() -> None:
    metadata = to_metadata(replace(FULL, lineage=LINEAGE))

    for text in ("[]", "{", '{"refs": 1, "columns": {}}', '{"refs": [["x", "y"]], "columns": {}}'):
        assert from_row({**metadata, "lineage": text}).lineage is None


def test_a_ledger_of_an_older_version_is_read_and_written_on(lakehouse: Lakehouse) -> None:
    older = pl.Schema({name: kind for name, kind in LEDGER_SCHEMA.items() if name != "lineage"})
    row = {**to_row(_record()), "run_id": "run1", "environment": "dev"}
    frame = pl.DataFrame([row], schema=LEDGER_SCHEMA).select(older.names())
    append_rows(lakehouse.ledger.table, frame, run_id="run1")

    before = lakehouse.ledger.records(ORDERS)
    newer = replace(_record(version=1, minutes=1), lineage=LINEAGE)
    lakehouse.ledger.append([_entry(_record(), "run1"), _entry(newer, "run2")])

    assert [run for run, _ in before] == ["run1"]
    assert [run for run, _ in lakehouse.ledger.records(ORDERS)] == ["run2", "run1"]
    assert lakehouse.ledger.lineages({ORDERS: 0}) == {}
    assert lakehouse.ledger.lineages({ORDERS: 1}) == {ORDERS: LINEAGE}
    assert lakehouse.ledger.scan().collect_schema() == LEDGER_SCHEMA


RUN_COLUMNS = ("run_status", "run_started_at", "run_seconds", "selection", "full_refresh")


@pytest.mark.parametrize(
    ("records", "status"),
    [
        ([{}, {"status": AssetStatus.FAILED}], RunStatus.FAILED),
        ([{"status": AssetStatus.SKIPPED, "reasons": (INTERRUPTED,)}, {}], RunStatus.INTERRUPTED),
        ([{"status": AssetStatus.UNCHANGED}, {}], RunStatus.UNKNOWN),
    ],
)
def test_a_run_of_an_older_version_is_told_by_its_assets(
    lakehouse: Lakehouse, records: list[dict[str, Any]], status: RunStatus
) -> None:
    older = pl.Schema({name: t for name, t in LEDGER_SCHEMA.items() if name not in RUN_COLUMNS})
    rows = [
        {
            **to_row(
                replace(_record(AssetKey(Layer.SILVER, f"x{number}"), minutes=number), **each)
            ),
            "run_id": "run1",
            "environment": "dev",
        }
        for number, each in enumerate(records)
    ]
    frame = pl.DataFrame(rows, schema=LEDGER_SCHEMA).select(older.names())
    append_rows(lakehouse.ledger.table, frame, run_id="run1")

    (summary,) = lakehouse.ledger.runs()
    run = lakehouse.ledger.run("run1")

    assert (summary.status, summary.environment) == (status, "dev")
    assert summary.started_at == START
    assert summary.seconds == 60 + _record().seconds
    assert (summary.selection, summary.full_refresh) == (None, False)
    assert sum(summary.assets.values()) == len(records)
    assert run is not None
    assert (run.status, run.selection, run.started_at) == (status, None, START)
    assert [str(record.asset) for record in run.assets] == ["silver.x0", "silver.x1"]


def test_what_a_run_was_asked_for_comes_back(lakehouse: Lakehouse) -> None:
    run = RunRecord(
        "run1", RunStatus.SUCCEEDED, "dev", START, 2.5, (FULL,), ("tag:daily", "x+"), True
    )
    lakehouse.ledger.append([Entry("run1", "dev", FULL, run)])
    killed = Entry("run0", "dev", _record(minutes=-1))
    lakehouse.ledger.append([killed, _entry(_record(minutes=1), "run2")])

    found = lakehouse.ledger.run("run1")

    assert found is not None
    assert replace(found, assets=()) == replace(run, assets=())
    assert [each.run_id for each in lakehouse.ledger.runs()] == ["run2", "run0", "run1"]
    assert [each.run_id for each in lakehouse.ledger.runs(1, before="run2")] == ["run0"]
    assert lakehouse.ledger.runs()[1].status is RunStatus.UNKNOWN
    assert lakehouse.ledger.run("run9") is None


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    ledger = Lakehouse(Store(str(tmp_path / "größe x y #1"))).ledger

    ledger.append([_entry(_record())])
    ledger.append([_entry(_record(minutes=1), "run2")])

    assert [run for run, _ in ledger.records(ORDERS)] == ["run2", "run1"]


def test_writers_at_once_lose_no_record(lakehouse: Lakehouse) -> None:
    def write(thread: int) -> None:
        for number in range(4):
            lakehouse.ledger.append([_entry(_record(), f"run-{thread}-{number}")])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))

    runs = lakehouse.ledger.scan().collect()["run_id"]
    assert runs.n_unique() == len(runs) == 32


SCRIPT = """
import sys
from datetime import UTC, datetime
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.ledger import Entry
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus

ledger = Lakehouse(Store(sys.argv[1])).ledger
record = AssetRecord(AssetKey(Layer.SILVER, "orders"), AssetStatus.PUBLISHED, datetime.now(UTC))
for number in range(6):
    ledger.append([Entry(f"run-{sys.argv[2]}-{number}", "dev", record)])
"""


def test_processes_at_once_lose_no_record(lakehouse: Lakehouse) -> None:
    command = [sys.executable, "-c", SCRIPT, lakehouse.store.root]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]

    codes = [process.wait(timeout=60) for process in processes]

    assert codes == [0, 0, 0]
    runs = lakehouse.ledger.scan().collect()["run_id"]
    assert runs.n_unique() == len(runs) == 18


@pytest.mark.parametrize("recent", range(8))
def test_the_newest_commits_of_the_ledger_say_what_all_of_them_say(
    lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch, recent: int
) -> None:
    lines = AssetKey(Layer.GOLD, "lines")
    for number, version in enumerate([0, 1, 0]):  # begun anew
        record = _record(minutes=number, version=version)
        lakehouse.ledger.append([_entry(record, f"run{number}")])
    for number in range(3, 6):
        record = _record(lines, minutes=number, version=number)
        lakehouse.ledger.append([_entry(record, f"run{number}")])
    versions = {ORDERS: 0, lines: 5}
    whole = lakehouse.ledger.published(versions)

    monkeypatch.setattr("polster.lakehouse.ledger.RECENT", recent)

    assert lakehouse.ledger.published(versions) == whole
    assert whole[ORDERS].is_reused
