"""Letting others watch a run: on this machine, or wherever the lakehouse is in reach."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Collection, Iterable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from threading import Event, Lock, Thread

from polster.lakehouse.ledger import Ledger
from polster.lakehouse.live import Building, LiveRuns
from polster.model.asset import AssetKey
from polster.model.event import AssetBegan, AssetEnded, RunEvent, SliceStaged
from polster.model.live import LiveRun
from polster.model.record import AssetRecord

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
        self.begins = begins
        self._lock = Lock()
        self._waiting = dict.fromkeys(begins.assets)
        self._running: dict[AssetKey, datetime] = {}
        self._staged: dict[AssetKey, SliceStaged] = {}
        self._finished: list[AssetRecord] = []
        self._commit = -1
        self._news = Event()
        self._ended = Event()
        self._looked = Event()
        self._vanished: tuple[LiveRun, ...] = ()
        self._building: Building | None = None
        self._thread = Thread(target=self._report, name="polster-live", daemon=True)

    def __enter__(self) -> LiveReport:
        """Say that the run has begun; in a folder before anything else is done."""
        self._thread.start()
        if self.runs.store.is_local:
            self._looked.wait(ENDING_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        """Say that the run has ended, and wait a moment until nothing of it is left."""
        if self._building is not None:
            self._building.close()
        self._ended.set()
        self._news.set()
        self._thread.join(ENDING_SECONDS)

    def building(self, key: AssetKey) -> AbstractContextManager[None]:
        """Tell whoever comes after a crash that ``key`` is being built; called in its thread."""
        return nullcontext() if self._building is None else self._building.on(key)

    def vanished(self) -> tuple[LiveRun, ...]:
        """Return the runs that ended without a word: on this machine, or long ago.

        They are there until :meth:`forget` is told that this is known.
        """
        self._looked.wait(ENDING_SECONDS)
        return self._vanished

    def forget(self, vanished: Iterable[LiveRun]) -> None:
        """Take away what runs that vanished left of themselves."""
        for run in vanished:
            with suppress(Exception):
                self.runs.remove(run.run_id)

    def hear(self, event: RunEvent) -> None:
        """Take down what happens, for those who watch."""
        match event:
            case AssetBegan(key, at):
                with self._lock:
                    self._waiting.pop(key, None)
                    self._running[key] = at
            case SliceStaged(key):
                with self._lock:
                    self._staged[key] = event
            case AssetEnded(record):
                kept = replace(record, fingerprint=None, lineage=None)
                with self._lock:
                    self._waiting.pop(record.asset, None)
                    self._running.pop(record.asset, None)
                    self._staged.pop(record.asset, None)
                    self._finished.append(kept)
            case _:
                return
        self._news.set()

    def _report(self) -> None:
        shortest = PAUSE_SECONDS if self.runs.store.is_local else REMOTE_PAUSE_SECONDS
        while not self._ended.is_set():
            self._news.clear()
            begun = time.monotonic()
            with suppress(Exception):  # whatever refuses, and however: the run goes on
                if not self._looked.is_set():
                    self._commit = Ledger(self.runs.store).newest_commit()
                live = self._live()
                if not self._looked.is_set():
                    self._building = self.runs.building(live.run_id)
                self.runs.write(live)
                if not self._looked.is_set():
                    self._vanished = self._left(live.updated_at)
            self._looked.set()
            pause = max(shortest, COST * (time.monotonic() - begun))
            if not self._ended.wait(pause):
                self._news.wait(max(0.0, BEAT_SECONDS - pause))
        with suppress(Exception):
            self.runs.remove(self.begins.run_id)

    def _live(self) -> LiveRun:
        begins = self.begins
        with self._lock:
            return LiveRun(
                begins.run_id,
                begins.environment,
                socket.gethostname(),
                os.getpid(),
                begins.selection,
                begins.full_refresh,
                begins.started_at,
                datetime.now(UTC),
                tuple(self._waiting),
                dict(self._running),
                tuple(self._finished),
                ledger=self._commit,
                staged=dict(self._staged),
            )

    def _left(self, now: datetime) -> tuple[LiveRun, ...]:
        """List the runs that vanished; one of our own process identifier has no process left."""
        host, process_id, run_id = socket.gethostname(), os.getpid(), self.begins.run_id
        return tuple(
            other
            for other in self.runs.all()
            if other.is_killed
            or now - other.updated_at > FORGOTTEN
            or ((other.host, other.process_id) == (host, process_id) and other.run_id != run_id)
        )
