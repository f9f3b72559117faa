"""Progress of a run on stderr: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from polster.cli import console
from polster.model.record import AssetRecord, AssetStatus
from polster.runtime.execute import Observer

BAR_MODULE = "polster.cli.progress_bar"
"""Imports Rich, which a run without a terminal need not wait for."""


@contextmanager
def quiet() -> Iterator[Observer]:
    """Say nothing."""
    yield Observer(lambda _: None, lambda _: None, lambda _: None)


@contextmanager
def watch() -> Iterator[Observer]:
    """Show how far the run is: how many assets are done, and which are being built."""
    if not sys.stderr.isatty():
        with _lines() as observer:
            yield observer
        return
    with import_module(BAR_MODULE).show_bar() as observer:
        yield observer


@contextmanager
def _lines() -> Iterator[Observer]:
    def finished(record: AssetRecord) -> None:
        if record.status is not AssetStatus.UNCHANGED:
            console.note(f"{record.asset} {record.status}")

    yield Observer(lambda _: None, lambda _: None, finished)
