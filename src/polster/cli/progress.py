"""What happens in a run, for whoever waits: a bar, lines, or JSON for a program."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, TextIO

from polster.cli import console
from polster.cli.run_report import record_as_json, run_as_json
from polster.model.codec import to_json
from polster.model.event import (
    AssetBegan,
    AssetEnded,
    BatchTaken,
    Listener,
    RunBegan,
    RunEnded,
    RunEvent,
    SliceStaged,
)
from polster.model.record import AssetStatus

BAR_MODULE = "polster.cli.progress_bar"
"""Imports Rich, which a run without a terminal need not wait for."""


@contextmanager
def watch() -> Iterator[Listener]:
    """Show how far the run is, on stderr: a bar on a terminal, plain lines otherwise."""
    if not sys.stderr.isatty():
        yield _note
        return
    with import_module(BAR_MODULE).show_bar() as listener:
        yield listener


def _note(event: RunEvent) -> None:
    if isinstance(event, AssetEnded) and event.record.status is not AssetStatus.UNCHANGED:
        console.note(f"{event.record.asset} {event.record.status}")


def json_lines(out: TextIO) -> Listener:
    """Write each event as one line of JSON, at once; when nobody reads any more, no more."""
    is_read = True

    def write(event: RunEvent) -> None:
        nonlocal is_read
        if not is_read:
            return
        try:
            console.write_line(json.dumps(event_as_json(event), ensure_ascii=False), out)
        except (OSError, ValueError):  # the reader, such as `head`, has seen enough
            is_read = False

    return write


def event_as_json(event: RunEvent) -> dict[str, Any]:
    """Return an event as plain values; ``event`` says which."""
    match event:
        case RunBegan():
            began = to_json(event, "at", "run_id", "environment", "assets")
            return {"event": "run_began", **began}
        case AssetBegan():
            return {"event": "asset_began", **to_json(event, "at", "asset")}
        case BatchTaken():
            return {"event": "batch_taken", **to_json(event, "at", "asset", "batch")}
        case SliceStaged():
            staged = to_json(event, "at", "asset", "number", "of", "rows")
            return {"event": "slice_staged", **staged}
        case AssetEnded():
            return {"event": "asset_ended", **record_as_json(event.record)}
        case RunEnded():
            return {"event": "run_ended", **run_as_json(event.record)}
