"""The progress bar of a run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from polster.model.asset import AssetKey
from polster.model.record import AssetRecord
from polster.runtime.execute import Observer


@contextmanager
def show_bar() -> Iterator[Observer]:
    """Show how many assets are done, and which are being built."""
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
        task = progress.add_task("", total=None)
        running: dict[AssetKey, None] = {}

        def begins(total: int) -> None:
            progress.update(task, total=total)

        def started(key: AssetKey) -> None:
            running[key] = None
            progress.update(task, description=", ".join(str(other) for other in running))

        def finished(record: AssetRecord) -> None:
            running.pop(record.asset, None)
            progress.update(task, advance=1, description=", ".join(str(other) for other in running))

        yield Observer(begins, started, finished)
