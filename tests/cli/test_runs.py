from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Self

import pytest

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.ledger import Entry
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.model.record import RunRecord
from polster.operations import run as run_module
from polster.operations.quarantine import quarantined_rows
from polster.operations.runs import all_runs, find_run, list_runs, live_runs
from polster.runtime import build, execute

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]
SILVER = AssetKey(Layer.SILVER, "orders")


def test_runs_lists_what_was_asked_for_and_how_it_ended(shop: Pipeline, masked: Mask) -> None:
    shop.run("silver.orders+", "bronze.orders")
    shop.edit(
        "src/core/gold_spending.py", "return orders", "raise ValueError('no')\n    return orders"
    )
    shop.run(full_refresh=True)

    result = shop.cli("runs")

    assert masked(result.stdout).splitlines() == [
        "run  result  started at (UTC)  time  rows  quarantined  assets  asked for",
        "<run>  failed  <time>  <seconds>  2  3  1 published, 1 unchanged, 1 failed  "
        "everything, full refresh",
        "<run>  succeeded  <time>  <seconds>  9  3  3 published  silver.orders+ bronze.orders",
    ]
    assert len(shop.json("runs", "--limit", "1")["runs"]) == 1


class EarlierClock(datetime):
    """The clock of a machine that goes two hours slow."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(hours=2)


def test_a_run_stamped_in_the_past_is_the_last_one_all_the_same(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = shop.run()
    for module in (run_module, execute, build):
        monkeypatch.setattr(module, "datetime", EarlierClock)
    shop.edit("landing/orders.csv", "3,cid,-5", "3,cid,5")
    second = shop.run(full_refresh=True)

    listed = [each["run_id"] for each in shop.json("runs")["runs"]]
    told = [each["run_id"] for each in shop.json("history", "silver.orders")["runs"]]
    released = [each["release"] for each in shop.json("releases")["releases"]]

    assert second.started_at < first.started_at
    assert listed == told == released == [second.run_id, first.run_id]
    assert [run.run_id for run in list_runs(shop.open(), before=second.run_id)] == [first.run_id]
    changed = shop.json("releases", second.run_id)["tables"]
    assert [each["version_before"] for each in changed] == [0, 0, 0]
    assert shop.json("status")["assets"][1]["last_run_at"] < f"{first.started_at.isoformat()}"
    assert shop.json("quarantine", "silver.orders")["run_id"] == second.run_id
    kept = quarantined_rows(shop.open(), "silver.orders", limit=1)
    assert kept.rows[0][-2] == second.run_id


def test_runs_before_the_first(shop: Pipeline) -> None:
    assert shop.cli("runs").stdout == "no run yet\n"
    assert shop.json("runs") == {"live": [], "runs": []}


def test_one_run_is_shown_with_every_asset(shop: Pipeline, masked: Mask) -> None:
    shop.run("bronze.orders")
    run = shop.run()

    lines = masked(shop.cli("runs", run.run_id).stdout).splitlines()
    as_json = shop.json("runs", run.run_id)

    assert lines == [
        "asked for: everything; started at <time> UTC",
        "",
        "asset  result  after  time  rows in  published  quarantined  rules broken, or why",
        "bronze.orders  unchanged  <seconds>  <seconds>  its source holds nothing new",
        "silver.orders  published  <seconds>  <seconds>  5  2  3  "
        "amount|min 1, customer|nullability 1, primary_key 1",
        "gold.spending  published  <seconds>  <seconds>  2  2  it was never built",
        "",
        "rows that break a contract are kept apart; look at them with:",
        "  polster quarantine silver.orders",
        "",
        "run <run> succeeded in <seconds>: 2 published, 1 unchanged",
    ]
    assert as_json["selection"] == []
    assert as_json["release"] == run.release == run.run_id
    assert as_json["assets"][1]["rules_broken"]["primary_key"] == 1


def test_a_run_that_there_is_not(shop: Pipeline) -> None:
    run = shop.run()

    close, far = shop.cli("runs", run.run_id[:-1]), shop.cli("runs", "nonsense")

    assert (close.exit_code, far.exit_code) == (2, 2)
    assert f"hint: did you mean `{run.run_id}`?" in close.stderr
    assert "hint: see the runs with: polster runs" in far.stderr


def test_a_failed_run_is_shown_with_the_frames(shop: Pipeline) -> None:
    shop.edit(
        "src/core/gold_spending.py",
        "return orders",
        "raise ValueError(orders.collect()['customer'][0])\n    return orders",
    )
    run = shop.run()

    shown = shop.cli("runs", run.run_id).stdout
    as_json = shop.json("runs", run.run_id)["assets"][2]["error"]

    assert "error[POL305]: `gold.spending`: the function raised ValueError\n" in shown
    assert 'File "src/core/gold_spending.py", line ' in shown
    assert "\nValueError\n" in shown
    assert "ann" not in shown
    assert as_json["traceback"].endswith("\nValueError")


def test_a_run_in_progress_is_listed_and_a_killed_one_until_the_next_run(
    shop: Pipeline, masked: Mask
) -> None:
    shop.write("hold", "")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "import pathlib, time\n"
        "    pathlib.Path('reached').touch()\n"
        "    while pathlib.Path('hold').exists():\n"
        "        time.sleep(0.01)\n"
        "    return bronze_orders",
    )
    with shop.start("-m", "polster", "run", "+silver.orders") as process:
        while not (live := [run for run in live_runs(shop.open()) if SILVER in run.running]):
            assert process.poll() is None
        listed = shop.cli("runs")
        shown = shop.json("runs")["live"]
        alone = shop.cli("runs", live[0].run_id)
        as_json = shop.json("runs", live[0].run_id)
        near = shop.cli("runs", live[0].run_id[:-1])
        process.send_signal(signal.SIGKILL)

    assert list(live[0].running) == [SILVER]
    assert live[0].process_id == process.pid
    assert (
        masked(listed.stdout)
        .splitlines()[1]
        .startswith("<run>  running  <time>  <seconds>  1 of 2 on ")
    )
    assert shown[0]["finished"][0]["rows_published"] == 5
    lines = masked(alone.stdout).splitlines()
    assert lines[0] == "asked for: +silver.orders; started at <time> UTC"
    assert lines[3].startswith("bronze.orders  published  <seconds>  <seconds>  5")
    assert lines[4] == "silver.orders  running  <seconds>  <seconds>"
    assert lines[6] == (
        f"run <run>, process {process.pid} on {live[0].host}, is running after <seconds>: "
        "1 of 2 assets done"
    )
    assert as_json["running"] == ["silver.orders"]
    assert f"did you mean `{live[0].run_id}`?" in near.stderr

    killed = masked(shop.cli("runs").stdout).splitlines()
    alone = shop.cli("runs", live[0].run_id)
    shown = shop.json("runs")["live"]
    (shop.root / "hold").unlink()
    done = shop.process("-m", "polster", "run")

    assert len(killed) == 2
    assert killed[1].startswith("<run>  killed  <time>  <seconds>  1 of 2 on ")
    assert "silver.orders  not finished" in masked(alone.stdout)
    assert "was killed after <seconds>: 1 of 2 assets done" in masked(alone.stdout)
    assert (shown[0]["is_killed"], shown[0]["is_lost"]) == (True, True)
    assert done.returncode == 0
    assert live_runs(shop.open()) == []
    assert f"{live[0].run_id} vanished while building `silver.orders`" in done.stderr
    assert [run["status"] for run in shop.json("runs")["runs"]] == ["succeeded", "vanished"]


def test_each_run_is_listed_once_and_a_lost_one_where_it_began_whatever_its_clock(
    shop: Pipeline,
) -> None:
    first = shop.run()
    last = shop.run("bronze.orders")
    begun = first.started_at - timedelta(days=1)
    lost = LiveRun("lost", "dev", "elsewhere", 1, (), False, begun, begun, (), {}, (), ledger=0)
    now = datetime.now(UTC)
    runs = Lakehouse(Store(str(shop.data))).live
    runs.write(replace(lost, updated_at=begun - timedelta(minutes=1)))
    runs.write(replace(lost, run_id=first.run_id, started_at=first.started_at, updated_at=now))
    runs.write(replace(lost, run_id="running", started_at=first.started_at, updated_at=now))
    record = last.assets[0]
    Lakehouse(Store(str(shop.data))).ledger.append([Entry("running", "dev", record)])

    listed = all_runs(shop.open())

    assert [run.run_id for run in listed] == ["running", last.run_id, "lost", first.run_id]
    assert [isinstance(run, LiveRun) for run in listed] == [True, False, True, False]
    assert len(all_runs(shop.open(), limit=1)) == 2
    assert isinstance(find_run(shop.open(), "running"), LiveRun)
    assert isinstance(find_run(shop.open(), first.run_id), RunRecord)


def test_a_lakehouse_without_room_for_signs_of_life_stops_no_run(shop: Pipeline) -> None:
    shop.run()
    live = shop.data / "_polster" / "live"
    live.rmdir()
    live.write_text("in the way")

    assert set(shop.outcome(full_refresh=True).values()) == {"unchanged", "published"}


def test_runs_of_one_second_are_paged_in_their_order(shop: Pipeline) -> None:
    ids = [shop.run("bronze.orders").run_id for _ in range(4)][::-1]

    pages = [list_runs(shop.open(), limit=2), list_runs(shop.open(), limit=2, before=ids[1])]

    assert [run.run_id for page in pages for run in page] == ids
    assert list_runs(shop.open(), before="unknown") == []
