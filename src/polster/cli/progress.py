"""Progress of a run on stderr: a bar on a terminal, plain lines otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from polster.cli import console
from polster.model.asset import AssetKey
from polster.model.record import AssetRecord, AssetStatus
from polster.runtime.execute import Observer


@contextmanager
def quiet() -> Iterator[Observer]:
    """Say nothing."""
    yield Observer(lambda _: None, lambda _: None)


@contextmanager
def watch(total: int) -> Iterator[Observer]:
    """Show how far the run is: of ``total`` assets, which are done and which are being built."""
    if not sys.stderr.isatty():
        with _lines() as observer:
            yield observer
        return
    with _bar(total) as observer:
        yield observer


@contextmanager
def _lines() -> Iterator[Observer]:
    def finished(record: AssetRecord) -> None:
        if record.status is not AssetStatus.UNCHANGED:
            console.note(f"{record.asset} {record.status}")

    yield Observer(lambda _: None, finished)


@contextmanager
def _bar(total: int) -> Iterator[Observer]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    progress = Progress(
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=True,
    )
    with progress:
        task = progress.add_task("", total=total)
        running: dict[AssetKey, None] = {}

        def started(key: AssetKey) -> None:
            running[key] = None
            progress.update(task, description=", ".join(str(other) for other in running))

        def finished(record: AssetRecord) -> None:
            running.pop(record.asset, None)
            progress.update(task, advance=1, description=", ".join(str(other) for other in running))

        yield Observer(started, finished)
