"""Upkeep: what it merges and removes, and what it never touches."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from threading import Thread

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.conftest import Pipeline

from polster.errors import LakehouseError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.lakehouse.upkeep import Upkeep, alone
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.upkeep import Retention, TableUpkeep, in_total
from polster.operations.upkeep import upkeep

EVENTS = AssetKey(Layer.BRONZE, "events")
LATER = timedelta(hours=1)
NOTHING = Retention(timedelta(0), 1)


@pytest.fixture
def shop(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """A pipeline that appends one row a run, in days that have few of them."""
    monkeypatch.setattr("polster.lakehouse.expiring.CHECKPOINT_EVERY", 5)
    pipeline.asset(
        "bronze.events",
        """
        @bronze(load="append")
        def events(run: polster.RunContext) -> pl.LazyFrame:
            from pathlib import Path

            return pl.LazyFrame({"n": [int(Path("n").read_text())]})
        """,
    )
    pipeline.asset(
        "silver.clean",
        """
        class Clean(dy.Schema):
            n = dy.Int64(primary_key=True)


        @silver(contract=Clean)
        def clean(events: pl.LazyFrame) -> pl.LazyFrame:
            return events.select("n")
        """,
    )
    return pipeline


def feed(shop: Pipeline, *numbers: int) -> None:
    for number in numbers:
        shop.write("n", str(number))
        shop.run()


def later(shop: Pipeline, retention: Retention = NOTHING, **options: bool) -> TableUpkeep:
    """Keep up as if an hour had passed."""
    session = shop.open()
    now = datetime.now(UTC) + LATER
    work = Upkeep(session.lakehouse, "upkeep", retention, now=now, **options)
    done = [*(each for key in session.graph.assets for each in work.asset(key)), *work.own()]
    assert [each.problem for each in done if each.problem] == []
    return in_total(done)


def files(shop: Pipeline, key: str = "bronze/events") -> int:
    return len(DeltaTable(str(shop.data / key)).file_uris())


def test_small_files_become_one_with_the_same_rows_in_the_same_order(shop: Pipeline) -> None:
    feed(shop, 5, 3, 4, 1)
    before = shop.table("bronze.events")

    done = upkeep(shop.open())

    assert files(shop) == 1
    assert shop.table("bronze.events").equals(before)
    events = next(each for each in done if each.table == "bronze.events")
    assert (events.merged, events.into) == (4, 1)


def test_rows_that_land_after_a_merge_come_after_the_others(shop: Pipeline) -> None:
    feed(shop, 5, 3)
    upkeep(shop.open())
    feed(shop, 4, 2)

    upkeep(shop.open())

    feed(shop, 1)
    assert shop.table("bronze.events")["n"].to_list() == [5, 3, 4, 2, 1]


def test_merged_files_keep_what_readers_skip_them_by(shop: Pipeline) -> None:
    feed(shop, 5, 3, 4)

    upkeep(shop.open())

    described = pl.DataFrame(
        DeltaTable(str(shop.data / "bronze" / "events")).get_add_actions(flatten=True)
    )
    assert described.select("num_records", "min.n", "max.n").row(0) == (3, 3, 5)


def test_a_merge_is_no_reason_to_build_anything(shop: Pipeline) -> None:
    feed(shop, 1, 2, 3)
    upkeep(shop.open())

    reasons = shop.reasons("silver.clean")

    assert reasons == {}
    feed(shop, 4)
    assert shop.table("silver.clean")["n"].to_list() == [1, 2, 3, 4]
    assert shop.runs[-1].release is not None


def test_batches_of_a_snapshot_stay_apart(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.prices",
        """
        @bronze
        def prices() -> pl.LazyFrame:
            from pathlib import Path

            return pl.LazyFrame({"n": [int(Path("n").read_text())]})
        """,
    )
    feed(pipeline, 1, 2, 3)

    later(pipeline)

    assert files(pipeline, "bronze/prices") == 3
    assert pipeline.table("bronze.prices")["n"].to_list() == [3]


def test_a_dry_run_says_what_is_done_then(shop: Pipeline) -> None:
    feed(shop, 1, 2, 3)
    before = sorted(shop.data.rglob("*"))

    said = shop.json("upkeep", "--dry-run")

    assert sorted(shop.data.rglob("*")) == before
    done = shop.json("upkeep")
    told = [(each["table"], each["merged"], each["into"]) for each in said["tables"]]
    assert told == [(each["table"], each["merged"], each["into"]) for each in done["tables"]]
    assert said["total"]["after"]["files"] <= done["total"]["after"]["files"]
    assert shop.json("upkeep")["total"]["merged"] == 0


def test_what_no_kept_release_needs_goes_after_its_time(shop: Pipeline) -> None:
    feed(shop, *range(12))
    rows = shop.table("silver.clean")

    done = later(shop)

    assert done.removed > 12
    assert done.commits > 12
    assert done.after.size_bytes < done.before.size_bytes
    assert shop.table("silver.clean").equals(rows)
    feed(shop, 12)
    assert shop.table("silver.clean").height == 13
    assert shop.cli("doctor").exit_code == 0
    with pytest.raises(LakehouseError, match="no version 0"):
        Lakehouse(Store(str(shop.data))).table(EVENTS).open(0)


def test_kept_releases_can_be_read_and_expired_ones_say_so(shop: Pipeline) -> None:
    feed(shop, *range(12))
    first, *_, last = shop.runs
    kept = shop.runs[-5]

    later(shop, Retention(timedelta(0), 5))

    lakehouse = Lakehouse(Store(str(shop.data)))
    versions = lakehouse.releases.named([kept.run_id])[kept.run_id].versions
    for key, version in versions.items():
        pinned = lakehouse.pin(key, version)
        assert pinned is not None
        assert pinned.scan().collect().height == 8
    listed = {
        each["release"]: each["expired"]
        for each in shop.json("releases", "--limit", "99")["releases"]
    }
    assert listed[first.run_id] is True
    assert listed[kept.run_id] is False
    assert listed[last.run_id] is False


def test_nothing_goes_before_its_time(shop: Pipeline) -> None:
    feed(shop, *range(12))
    lakehouse = Lakehouse(Store(str(shop.data)))

    work = Upkeep(shop.open().lakehouse, "upkeep", Retention(timedelta(days=7), 1))
    work.now += LATER

    done = work.asset(EVENTS)

    assert [(each.merged, each.removed, each.commits) for each in done] == [(12, 0, 0)]
    table = lakehouse.pin(EVENTS, 3)
    assert table is not None
    assert table.scan().collect().height == 4


def test_a_running_run_keeps_what_was_there_when_it_began(shop: Pipeline) -> None:
    feed(shop, *range(12))
    begun = datetime.now(UTC) - timedelta(days=1)
    live = {
        "run_id": "20260101T000000-abcdef",
        "environment": "dev",
        "host": "elsewhere",
        "process_id": 1,
        "selection": [],
        "full_refresh": False,
        "started_at": begun.isoformat(),
        "updated_at": datetime.now(UTC).isoformat(),
        "waiting": [],
        "running": {},
        "finished": [],
        "ledger": 0,
    }
    shop.write("data/_polster/live/20260101T000000-abcdef.json", json.dumps(live))

    done = later(shop)

    assert (done.removed, done.commits) == (0, 0)


def test_what_a_killed_run_staged_is_removed_and_nothing_else(shop: Pipeline) -> None:
    feed(shop, 1, 2)
    run = shop.runs[-1].run_id
    ours = shop.write(f"data/bronze/events/v0000000009-{run}-x-000-00000.parquet", "")
    staged = shop.write("data/bronze/events/v1-20260101T000000-abcdef-x-0-0.parquet", "")
    theirs = shop.write("data/bronze/events/_change_data/x.parquet", "")

    done = later(shop, Retention())

    assert (done.leftovers, ours.exists()) == (1, False)
    assert staged.exists()  # nobody knows that run: it may be at work
    assert theirs.exists()


def test_a_run_looks_after_the_tables_by_itself_now_and_then(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.operations.upkeep.EVERY", 6)
    monkeypatch.setattr("polster.operations.upkeep.FEWEST", 4)

    feed(shop, *range(14))

    notes = [note for run in shop.runs for note in run.notes if note.startswith("upkeep")]

    assert notes
    assert files(shop) < 10
    assert files(shop, "_polster/runs") < 10
    assert shop.table("bronze.events")["n"].to_list() == list(range(14))


def test_a_run_is_none_the_worse_for_an_upkeep_that_fails(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.operations.upkeep.EVERY", 1)
    feed(shop, 1)
    monkeypatch.setattr("polster.lakehouse.upkeep.mergeable", lambda *_: 1 / 0)
    shop.write("n", "2")

    record = shop.run()

    assert record.status.value == "succeeded"
    assert [each.code for each in record.warnings] == ["POL381"]


def test_a_second_upkeep_leaves_it_to_the_first(shop: Pipeline) -> None:
    feed(shop, 1, 2)

    with alone(shop.open().lakehouse) as first:
        result = shop.cli("upkeep")

    assert first
    assert result.exit_code == 1
    assert "POL380" in result.stderr
    assert shop.cli("upkeep").exit_code == 0


def test_rows_that_are_deleted_beside_an_upkeep_stay_away(shop: Pipeline) -> None:
    """Merges go on while runs publish; every run and every merge is whole."""
    feed(shop, *range(5))
    ended = False

    def merge() -> None:
        while not ended:
            session = shop.open()
            work = Upkeep(session.lakehouse, "upkeep", NOTHING)
            for key in session.graph.assets:
                for each in work.asset(key):
                    assert each.problem is None

    thread = Thread(target=merge)
    thread.start()
    try:
        feed(shop, *range(5, 12))
        shop.edit(
            "src/core/silver_clean.py",
            'events.select("n")',
            'events.filter(pl.col("n") > 9).select("n")',
        )
        feed(shop, 12)
    finally:
        ended = True
        thread.join()

    assert shop.table("bronze.events")["n"].to_list() == list(range(13))
    assert shop.table("silver.clean")["n"].sort().to_list() == list(range(10, 13))


@pytest.mark.skipif(sys.platform == "win32", reason="kills as Unix does")
def test_a_kill_at_any_moment_leaves_all_right(shop: Pipeline) -> None:
    feed(shop, *range(12))
    events, clean = shop.table("bronze.events"), shop.table("silver.clean")
    code = (
        "import sys; from datetime import UTC, datetime, timedelta; from pathlib import Path\n"
        "from polster.operations.open_project import open_project\n"
        "from polster.lakehouse.upkeep import Upkeep\n"
        "from polster.model.upkeep import Retention\n"
        "session = open_project(Path(sys.argv[1])); graph = session.graph\n"
        "import polster.lakehouse.expiring as e; e.CHECKPOINT_EVERY = 5\n"
        "later = datetime.now(UTC) + timedelta(hours=1)\n"
        "work = Upkeep(session.lakehouse, 'x', Retention(timedelta(0), 1), now=later)\n"
        "print('begun', flush=True)\n"
        "[work.asset(key) for key in graph.assets]; work.own()\n"
    )
    chance = random.Random(7)

    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(shop.root)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(chance.random() * 0.08)  # the moment of the kill
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()

        assert shop.table("bronze.events").equals(events)
        assert shop.table("silver.clean").equals(clean)

    later(shop)
    feed(shop, 12)
    assert shop.table("silver.clean").height == 13
    assert shop.cli("doctor").exit_code == 0
