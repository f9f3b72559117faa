"""What the page of one run draws, be it in progress or recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from polster.dashboard.links import asset_address
from polster.dashboard.runner import RunRequest
from polster.dashboard.words import duration
from polster.model.asset import AssetKey
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, RunRecord

WORST_FIRST = (
    AssetStatus.FAILED,
    AssetStatus.SKIPPED,
    AssetStatus.PUBLISHED,
    AssetStatus.UNCHANGED,
)
TICKS = 5
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class RunShown:
    """One run at one moment.

    Attributes:
        selection: What was asked for, empty for everything; None if that is not recorded.
        seconds: How long it took, or takes so far.
        records: Of the assets that it is done with.
        running: Assets that are being built, with when each began.
        live: None once it is recorded.
        release: Identifier of the release that it wrote, if it wrote one.
    """

    run_id: str
    environment: str
    selection: tuple[str, ...] | None
    full_refresh: bool
    started_at: datetime
    seconds: float
    status: str
    records: tuple[AssetRecord, ...]
    running: Mapping[AssetKey, datetime] = field(default_factory=dict)
    waiting: tuple[AssetKey, ...] = ()
    live: LiveRun | None = None
    release: str | None = None

    @property
    def is_over(self) -> bool:
        """Tell whether it will not move on."""
        return self.live is None

    @property
    def to_retry(self) -> tuple[str, ...]:
        """Return the selection of what failed, and of what was skipped for it."""
        again = (AssetStatus.FAILED, AssetStatus.SKIPPED)
        return tuple(str(record.asset) for record in self.records if record.status in again)

    def count(self, status: AssetStatus) -> int:
        """Count the assets that came out so."""
        return sum(record.status is status for record in self.records)

    def worst_first(self) -> list[AssetRecord]:
        """Return the records, those that failed before the others."""
        places = {status: place for place, status in enumerate(WORST_FIRST)}
        return sorted(self.records, key=lambda record: places.get(record.status, -1))


def of_recorded(run: RunRecord) -> RunShown:
    """Return a recorded run as it is shown."""
    return RunShown(
        run.run_id,
        run.environment,
        run.selection,
        run.full_refresh,
        run.started_at,
        run.seconds,
        run.status.value,
        run.assets,
        release=run.release,
    )


def of_live(run: LiveRun, request: RunRequest | None, now: datetime) -> RunShown:
    """Return a run in progress as it is shown.

    Args:
        run: As it says of itself.
        request: The request of this server whose process does it, if it is one.
        now: Timezone-aware.
    """
    status = "running"
    if request is not None and request.is_over:
        status = "killed"  # its process is gone, and it did not say so
    elif request is not None and request.is_stopping:
        status = "stopping"
    elif run.is_lost(now):
        status = "killed" if run.is_killed else "lost"
    until = run.updated_at if status in ("killed", "lost") else max(now, run.started_at)
    return RunShown(
        run.run_id,
        run.environment,
        run.selection,
        run.full_refresh,
        run.started_at,
        (until - run.started_at).total_seconds(),
        status,
        run.finished,
        run.running,
        run.waiting,
        run,
    )


def bars(shown: RunShown) -> list[dict[str, Any]]:
    """Return one bar an asset that took time, in the order in which they began.

    Assets that were unchanged or skipped took none and have no bar.
    """
    found = [
        _bar(
            record.asset,
            record.status.value,
            (record.started_at - shown.started_at).total_seconds(),
            record.seconds,
        )
        for record in shown.records
        if record.status in (AssetStatus.PUBLISHED, AssetStatus.FAILED) or record.seconds >= 0.1
    ]
    for key, begun in shown.running.items():
        start = (begun - shown.started_at).total_seconds()
        found.append(_bar(key, "running", start, max(0.0, shown.seconds - start)))
    return sorted(found, key=lambda bar: (bar["start"], bar["asset"]))


def _bar(key: AssetKey, status: str, start: float, seconds: float) -> dict[str, Any]:
    start = max(0.0, start)
    return {
        "asset": str(key),
        "layer": key.layer.value,
        "href": asset_address(key),
        "status": status,
        "start": round(start, 3),
        "seconds": round(seconds, 3),
        "took": duration(seconds),
        "says": f"{key}: {status}, began after {duration(start)}, took {duration(seconds)}",
    }


def span(shown: RunShown, drawn: Sequence[Mapping[str, Any]]) -> float:
    """Return how many seconds the time line covers."""
    ends = [bar["start"] + bar["seconds"] for bar in drawn]
    return float(max([shown.seconds, 0.001, *ends]))


def ticks(seconds: float) -> list[dict[str, Any]]:
    """Return about five round moments from the start to ``seconds``.

    >>> [tick["text"] for tick in ticks(9.5)]
    ['0', '2.00 s', '4.00 s', '6.00 s', '8.00 s']
    """
    size = 1e-3
    steps = iter(STEPS)
    step = size
    while seconds / step > TICKS:
        try:
            step = size * next(steps)
        except StopIteration:
            size *= 10
            steps = iter(STEPS)
    count = int(seconds / step) + 1
    return [
        {"at": number * step, "text": duration(number * step) if number else "0"}
        for number in range(count)
    ]
