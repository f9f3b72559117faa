"""Letting others watch a run: on this machine, or wherever the lakehouse is in reach."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Condition, Thread

from polster.errors import LakehouseError
from polster.lakehouse.live import LiveRuns
from polster.model.asset import AssetKey
from polster.model.live import LiveRun
from polster.model.record import AssetRecord
from polster.runtime.execute import Observer

BEAT_SECONDS = 5.0
"""The longest time between two signs of life."""
PAUSE_SECONDS = 0.5
REMOTE_PAUSE_SECONDS = 2.0
"""The shortest time between two; an object store takes money for each."""
COST = 20
"""Writing takes at most one part in so many of the time."""
ENDING_SECONDS = 2.0
FORGOTTEN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a run says of itself when it begins."""

    run_id: str
    environment: str
    started_at: datetime
    selection: tuple[str, ...]
    full_refresh: bool
    assets: Collection[AssetKey]


class LiveReport:
    """Writes how far a run is, in a thread of its own; a lakehouse that refuses is no matter.

    Args:
        runs: Where it is written.
        begins: The run.
    """

    def __init__(self, runs: LiveRuns, begins: Beginning) -> None:
        self.runs = runs
        self._changed = Condition()
        self._live = LiveRun(
            begins.run_id,
            begins.environment,
            socket.gethostname(),
            os.getpid(),
            begins.selection,
            begins.full_refresh,
            begins.started_at,
            begins.started_at,
            tuple(begins.assets),
            {},
            (),
        )
        self._is_new = True
        self._ended = False
        self._thread = Thread(target=self._report, name="polster-live", daemon=True)

    def __enter__(self) -> LiveReport:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Say that the run has ended, and wait a moment until nothing of it is left."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join(ENDING_SECONDS)

    def beside(self, observer: Observer) -> Observer:
        """Return an observer that tells ``observer`` and, after it, whoever watches."""

        def started(key: AssetKey) -> None:
            observer.started(key)
            self._update(lambda live: _started(live, key))

        def finished(record: AssetRecord) -> None:
            observer.finished(record)
            self._update(lambda live: _finished(live, record))

        return Observer(observer.begins, started, finished)

    def _update(self, change: Callable[[LiveRun], LiveRun]) -> None:
        with self._changed:
            self._live = change(self._live)
            self._is_new = True
            self._changed.notify()

    def _report(self) -> None:
        shortest = PAUSE_SECONDS if self.runs.store.is_local else REMOTE_PAUSE_SECONDS
        cleared = False
        while True:
            with self._changed:
                if self._ended:
                    break
                live = replace(self._live, updated_at=datetime.now(UTC))
                self._is_new = False
            begun = time.monotonic()
            with suppress(LakehouseError, OSError):
                self.runs.write(live)
                if not cleared:
                    self._clear(live.updated_at)
                    cleared = True
            pause = max(shortest, COST * (time.monotonic() - begun))
            with self._changed:
                self._changed.wait_for(lambda: self._ended, pause)
                self._changed.wait_for(
                    lambda: self._ended or self._is_new, max(0.0, BEAT_SECONDS - pause)
                )
        with suppress(LakehouseError, OSError):
            self.runs.remove(self._live.run_id)

    def _clear(self, now: datetime) -> None:
        """Forget runs that were killed long ago."""
        for other in self.runs.all():
            if now - other.updated_at > FORGOTTEN:
                self.runs.remove(other.run_id)


def _started(live: LiveRun, key: AssetKey) -> LiveRun:
    waiting = tuple(other for other in live.waiting if other != key)
    return replace(live, waiting=waiting, running={**live.running, key: datetime.now(UTC)})


def _finished(live: LiveRun, record: AssetRecord) -> LiveRun:
    kept = replace(record, fingerprint=None, lineage=None)
    return replace(
        live,
        waiting=tuple(other for other in live.waiting if other != record.asset),
        running={key: at for key, at in live.running.items() if key != record.asset},
        finished=(*live.finished, kept),
    )
