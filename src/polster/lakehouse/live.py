"""Runs in progress: a small file each beside the ledger, so that others can watch."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from threading import Lock

from polster.lakehouse.store import Store
from polster.lakehouse.written_records import from_row, to_metadata
from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.live import LiveRun
from polster.model.record import AssetRecord

FOLDER = ("_polster", "live")
ENDING = ".json"
BUILDING = ".building"
HEAD = [each.name for each in fields(LiveRun) if each.name not in ("finished", "is_killed")]


class LiveRuns:
    """The runs in progress of one lakehouse."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.uri(*FOLDER)
        self._written: dict[AssetKey, tuple[AssetRecord, str]] = {}

    def write(self, live: LiveRun) -> None:
        """Say how far a run is; replaces what it said before, in one step.

        Raises:
            LakehouseError: The file cannot be written.
        """
        head = json.dumps(to_json(live, *HEAD), separators=(",", ":"))
        finished = ",".join(map(self._text, live.finished))
        text = f'{head[:-1]},"finished":[{finished}]}}'
        self.store.write_text(self.folder, live.run_id + ENDING, text)

    def _text(self, record: AssetRecord) -> str:
        """Return a record as JSON, which a run that goes on writes again and again."""
        known = self._written.get(record.asset)
        if known is not None and known[0] is record:
            return known[1]
        row = to_metadata(replace(record, fingerprint=None, lineage=None))
        text = json.dumps(row, separators=(",", ":"))
        self._written[record.asset] = record, text
        return text

    def remove(self, run_id: str) -> None:
        """Forget a run that has ended."""
        names = [run_id + ENDING, *([run_id + BUILDING] if self.store.is_local else [])]
        self.store.delete(self.folder, names)

    def building(self, run_id: str) -> Building | None:
        """Return what tells which assets a run builds right now; None in an object store.

        Raises:
            OSError: The file cannot be written.
        """
        if not self.store.is_local:
            return None
        Path(self.folder).mkdir(parents=True, exist_ok=True)
        return Building(Path(self.folder, run_id + BUILDING))

    def all(self) -> list[LiveRun]:
        """List the runs in progress and the killed ones, newest first.

        A file that makes no sense is left out.

        Raises:
            LakehouseError: The folder cannot be read.
        """
        found = self._read()
        killed = {run.run_id for run in found if _is_killed(run)}
        if killed:  # a run that ends removes its file first, so what still lies there was left
            found = self._read()
        return [self._at_its_end(run) if run.run_id in killed else run for run in found]

    def _at_its_end(self, run: LiveRun) -> LiveRun:
        """Return a killed run with what it was building when it ended, which is known better."""
        names = _names_in(Path(self.folder, run.run_id + BUILDING))
        if names is None:
            return replace(run, is_killed=True)
        done = {record.asset for record in run.finished}
        begun = [key for name in names if (key := AssetKey.parse(name)) and key not in done]
        running = {key: run.running.get(key, run.updated_at) for key in begun}
        waiting = [key for key in (*run.running, *run.waiting) if key not in running]
        return replace(run, is_killed=True, running=running, waiting=tuple(waiting))

    def _read(self) -> list[LiveRun]:
        found: list[LiveRun] = []
        for name, text in self.store.read_texts(self.folder, ENDING).items():
            live = _from_json(text)
            if live is not None and live.run_id + ENDING == name:
                found.append(live)
        return sorted(found, key=lambda live: (live.started_at, live.run_id), reverse=True)


class Building:
    """Which assets a run builds right now, in a few bytes of a file.

    It is written before an asset's code is called, and costs next to nothing: whatever ends the
    process leaves the file as it was.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._lock = Lock()
        self._keys: dict[AssetKey, None] = {}
        self._written = 0

    @contextmanager
    def on(self, key: AssetKey) -> Iterator[None]:
        """Say so as long as the block lasts."""
        with self._lock:
            self._keys[key] = None
            self._write()
        try:
            yield
        finally:
            with self._lock:
                self._keys.pop(key)
                self._write()

    def close(self) -> None:
        """Let go of the file; what goes on in spite of an interrupt is not told any more."""
        with self._lock:
            self._file.close()

    def _write(self) -> None:
        text = " ".join(map(str, self._keys)).encode()
        with suppress(OSError, ValueError):  # a full disk, or the run is over: no matter here
            self._file.seek(0)
            self._file.write(text.ljust(self._written))
        self._written = max(self._written, len(text))


def _names_in(path: Path) -> list[str] | None:
    """Return the keys that :class:`Building` wrote; None if there is no such file."""
    try:
        return path.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        return None


def _is_killed(run: LiveRun) -> bool:
    """Tell whether the process of ``run`` is gone, as far as this machine can tell."""
    if os.name != "posix" or run.host != socket.gethostname() or run.process_id <= 0:
        return False
    try:
        os.kill(run.process_id, 0)  # signal 0 only asks
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):  # somebody else's
        return False
    return False


def _from_json(text: str) -> LiveRun | None:
    """Read what :meth:`LiveRuns.write` wrote; None if something else stands there."""
    try:
        written = json.loads(text)
        live = from_json(LiveRun, {**written, "finished": [*map(from_row, written["finished"])]})
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None
    is_dated = live.started_at.tzinfo and live.updated_at.tzinfo
    return live if is_dated else None
