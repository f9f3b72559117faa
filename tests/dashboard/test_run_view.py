"""What the page of one run draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from polster.dashboard.run_view import bars, of_live, of_recorded, span, ticks
from polster.dashboard.runner import RequestState, RunRequest
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.live import LOST_SECONDS, LiveRun
from polster.model.record import AssetRecord, AssetStatus, RunRecord, RunStatus

START = datetime(2026, 1, 2, tzinfo=UTC)
BRONZE, SILVER, GOLD = (AssetKey(layer, "orders") for layer in Layer)


def _at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def _record(key: AssetKey, status: AssetStatus, start: float, seconds: float) -> AssetRecord:
    return AssetRecord(key, status, _at(start), seconds=seconds)


LIVE = LiveRun(
    "run1",
    "dev",
    "a-machine",
    42,
    (),
    False,
    START,
    _at(5),
    (GOLD,),
    {SILVER: _at(2)},
    (_record(BRONZE, AssetStatus.PUBLISHED, 0.5, 1.5),),
)


def test_a_run_in_progress_has_bars_that_grow() -> None:
    early, late = (of_live(LIVE, None, _at(seconds)) for seconds in (4, 6))

    found = [
        [(bar["asset"], bar["start"], bar["seconds"]) for bar in bars(x)] for x in (early, late)
    ]

    assert found[0] == [("bronze.orders", 0.5, 1.5), ("silver.orders", 2, 2)]
    assert found[1] == [("bronze.orders", 0.5, 1.5), ("silver.orders", 2, 4)]
    assert (early.status, early.is_over) == ("running", False)


def test_a_run_without_a_sign_of_life_ends_its_bars_there() -> None:
    shown = of_live(LIVE, None, _at(6 + LOST_SECONDS))

    assert shown.status == "lost"
    assert shown.seconds == 5


def test_a_run_whose_process_is_gone_was_killed() -> None:
    request = RunRequest(1, (), False, START)
    request.end(RequestState.ENDED)

    assert of_live(LIVE, request, _at(6)).status == "killed"
    assert of_live(replace(LIVE, is_killed=True), None, _at(6)).status == "killed"


def test_what_was_unchanged_has_no_bar_and_what_failed_comes_first() -> None:
    run = RunRecord(
        "run1",
        RunStatus.FAILED,
        "dev",
        START,
        9.5,
        (
            _record(BRONZE, AssetStatus.UNCHANGED, 0, 0.01),
            _record(SILVER, AssetStatus.FAILED, 1, 2),
            _record(GOLD, AssetStatus.SKIPPED, 3, 0),
        ),
    )

    shown = of_recorded(run)

    assert [bar["asset"] for bar in bars(shown)] == ["silver.orders"]
    assert [record.asset for record in shown.worst_first()] == [SILVER, GOLD, BRONZE]
    assert shown.to_retry == ("silver.orders", "gold.orders")


def test_the_time_line_covers_every_bar_and_has_round_ticks() -> None:
    shown = of_live(LIVE, None, START)

    seconds = span(shown, bars(shown))

    assert seconds == 2
    assert [tick["text"] for tick in ticks(seconds)] == [
        "0",
        "0.50 s",
        "1.00 s",
        "1.50 s",
        "2.00 s",
    ]
    assert all(2 <= len(ticks(each)) <= 6 for each in (0.001, 0.1, 1, 59, 3_600, 1e6))
