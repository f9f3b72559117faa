"""The progress bar of a run on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from polster.model.asset import AssetKey
from polster.model.event import AssetBegan, AssetEnded, Listener, RunBegan, RunEvent, SliceStaged


@contextmanager
def show_bar() -> Iterator[Listener]:
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
        running: dict[AssetKey, str] = {}

        def show(event: RunEvent) -> None:
            match event:
                case RunBegan():
                    progress.update(task, total=len(event.assets))
                case AssetBegan():
                    running[event.asset] = ""
                    progress.update(task, description=_named(running))
                case SliceStaged(of=of) if of > 1:
                    running[event.asset] = f" {event.number}/{of}"
                    progress.update(task, description=_named(running))
                case AssetEnded():
                    running.pop(event.record.asset, None)
                    progress.update(task, advance=1, description=_named(running))

        yield show


def _named(running: Mapping[AssetKey, str]) -> str:
    return ", ".join(f"{key}{slices}" for key, slices in running.items())
