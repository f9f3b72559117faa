from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest

from polster.lakehouse.live import LiveRuns
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.event import AssetBegan, AssetEnded, SliceStaged
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, Fingerprint
from polster.runtime import live as module
from polster.runtime.live import Beginning, LiveReport

BRONZE, SILVER, GOLD = (AssetKey(layer, "orders") for layer in Layer)
START = datetime.now(UTC)
RUN = "20260102T030405-abcdef"
BEGINNING = Beginning(RUN, "dev", START, ("+gold.orders",), True, (BRONZE, SILVER, GOLD))
T = TypeVar("T")


@pytest.fixture
def runs(tmp_path: Path) -> LiveRuns:
    return LiveRuns(Store(str(tmp_path)))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.05)


def until(look: Callable[[], T | None]) -> T:
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if found := look():
            return found
    raise AssertionError("it never came")


def the_run(runs: LiveRuns, holds: Callable[[LiveRun], bool] = lambda _: True) -> LiveRun | None:
    return next((run for run in runs.all() if run.run_id == RUN and holds(run)), None)


@pytest.mark.usefixtures("quick")
def test_others_see_what_waits_what_runs_and_what_is_done(runs: LiveRuns) -> None:
    record = AssetRecord(BRONZE, AssetStatus.PUBLISHED, START, fingerprint=Fingerprint("c"))

    with LiveReport(runs, BEGINNING) as report:
        first = until(lambda: the_run(runs))
        report.hear(AssetBegan(BRONZE, START))
        report.hear(AssetEnded(record))
        report.hear(AssetBegan(SILVER, START))
        report.hear(SliceStaged(SILVER, 3, 16, 5, START))
        second = until(lambda: the_run(runs, lambda run: SILVER in run.staged))

    assert (first.selection, first.full_refresh) == (("+gold.orders",), True)
    assert (first.process_id, first.started_at) == (os.getpid(), START)
    assert (first.waiting, dict(first.running), first.finished) == ((BRONZE, SILVER, GOLD), {}, ())
    assert (second.waiting, list(second.running)) == ((GOLD,), [SILVER])
    assert second.state(SILVER) == "running, 3 of 16 slices staged"
    assert second.finished == (replace(record, fingerprint=None),)
    assert runs.all() == []


@pytest.mark.usefixtures("quick")
def test_a_run_gives_signs_of_life_though_nothing_happens(runs: LiveRuns) -> None:
    with LiveReport(runs, BEGINNING):
        first = until(lambda: the_run(runs))
        later = until(lambda: the_run(runs, lambda run: run.updated_at > first.updated_at))

    assert replace(later, updated_at=first.updated_at) == first


def test_runs_that_vanished_are_told_until_somebody_knows(runs: LiveRuns) -> None:
    there = LiveRun("there", "dev", "a", 1, (), False, START, START, (), {}, ())
    ours = (socket.gethostname(), os.getpid())
    runs.write(replace(there, run_id="old", updated_at=START - timedelta(days=1, hours=1)))
    runs.write(replace(there, run_id="young", updated_at=START - timedelta(hours=23)))
    runs.write(replace(there, run_id="our number", host=ours[0], process_id=ours[1]))

    with LiveReport(runs, BEGINNING) as report:
        vanished = {run.run_id for run in report.vanished()}
        left = {run.run_id for run in runs.all()} - {RUN}
        report.forget(report.vanished())

    assert vanished == {"old", "our number"}
    assert left == {"old", "our number", "young"}
    assert [run.run_id for run in runs.all()] == ["young"]


def test_a_crash_leaves_what_was_being_built(runs: LiveRuns, tmp_path: Path) -> None:
    with LiveReport(runs, BEGINNING) as report, report.building(BRONZE):
        with report.building(SILVER):
            pass
        files = {path.name: path.read_bytes() for path in (tmp_path / "_polster/live").iterdir()}
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    for name, content in files.items():
        (tmp_path / "_polster/live" / name).write_bytes(content)
    left = the_run(runs)
    assert left is not None
    runs.write(replace(left, process_id=gone.pid))

    (found,) = runs.all()

    assert found.is_killed
    assert (list(found.running), found.waiting) == ([BRONZE], (SILVER, GOLD))
    runs.remove(RUN)
    assert list((tmp_path / "_polster/live").iterdir()) == []


def test_a_sign_of_life_that_hangs_holds_no_run(
    runs: LiveRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ENDING_SECONDS", 0.1)
    folder = tmp_path / "_polster" / "live"
    folder.mkdir(parents=True)
    pipe = folder / f".{RUN}.json.unfinished"
    os.mkfifo(pipe)  # who opens it for writing waits until somebody reads

    with LiveReport(runs, BEGINNING) as report:
        report.hear(AssetBegan(BRONZE, START))

    assert runs.all() == []
    pipe.rename(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    until(lambda: not report._thread.is_alive())
    os.close(reader)


def test_a_lakehouse_that_is_a_file_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("")
    runs = LiveRuns(Store(str(tmp_path / "lake")))

    with LiveReport(runs, BEGINNING) as report:
        report.hear(AssetBegan(BRONZE, START))

    assert not report._thread.is_alive()
    assert (tmp_path / "lake").read_text() == ""
