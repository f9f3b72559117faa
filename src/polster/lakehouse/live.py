"""Runs in progress: a small file each beside the ledger, so that others can watch."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from polster.lakehouse.ledger import from_row, to_row
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.live import LiveRun
from polster.model.record import AssetRecord

FOLDER = ("_polster", "live")
ENDING = ".json"


class LiveRuns:
    """The runs in progress of one lakehouse."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.folder = store.uri(*FOLDER)

    def write(self, live: LiveRun) -> None:
        """Say how far a run is; replaces what it said before, in one step.

        Raises:
            LakehouseError: The file cannot be written.
        """
        text = json.dumps(_to_json(live), separators=(",", ":"))
        self.store.write_text(self.folder, live.run_id + ENDING, text)

    def remove(self, run_id: str) -> None:
        """Forget a run that has ended."""
        self.store.delete(self.folder, [run_id + ENDING])

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
        return [replace(run, is_killed=run.run_id in killed) for run in found]

    def _read(self) -> list[LiveRun]:
        found: list[LiveRun] = []
        for name, text in self.store.read_texts(self.folder, ENDING).items():
            live = _from_json(text)
            if live is not None and live.run_id + ENDING == name:
                found.append(live)
        return sorted(found, key=lambda live: (live.started_at, live.run_id), reverse=True)


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


def _to_json(live: LiveRun) -> dict[str, Any]:
    return {
        "run_id": live.run_id,
        "environment": live.environment,
        "host": live.host,
        "process_id": live.process_id,
        "selection": list(live.selection),
        "full_refresh": live.full_refresh,
        "started_at": live.started_at.isoformat(),
        "updated_at": live.updated_at.isoformat(),
        "waiting": [str(key) for key in live.waiting],
        "running": {str(key): begun.isoformat() for key, begun in live.running.items()},
        "finished": [_record_to_json(record) for record in live.finished],
    }


def _record_to_json(record: AssetRecord) -> dict[str, Any]:
    row = to_row(record)
    del row["fingerprint"], row["lineage"]
    return {**row, "started_at": record.started_at.isoformat()}


def _from_json(text: str) -> LiveRun | None:
    """Read what :func:`_to_json` wrote; None if something else stands there."""
    try:
        written = json.loads(text)
        return LiveRun(
            run_id=str(written["run_id"]),
            environment=str(written["environment"]),
            host=str(written["host"]),
            process_id=int(written["process_id"]),
            selection=tuple(map(str, written["selection"])),
            full_refresh=bool(written["full_refresh"]),
            started_at=_moment(written["started_at"]),
            updated_at=_moment(written["updated_at"]),
            waiting=tuple(_key(name) for name in written["waiting"]),
            running={_key(name): _moment(begun) for name, begun in written["running"].items()},
            finished=tuple(_record(row) for row in written["finished"]),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _record(row: Mapping[str, Any]) -> AssetRecord:
    return from_row({**row, "fingerprint": None})


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"not a moment with a time zone: {text}")
    return moment


def _key(name: str) -> AssetKey:
    key = AssetKey.parse(name)
    if key is None:
        raise ValueError(f"not an asset key: {name}")
    return key
