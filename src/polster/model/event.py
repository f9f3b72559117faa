"""What happens while a run goes on, as values: whoever listens is told one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from polster.model.asset import AssetKey
from polster.model.record import AssetRecord, RunRecord


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A run has read the state of the tables, and begins.

    Attributes:
        assets: What it will look at, upstream first.
        at: Timezone-aware UTC.
    """

    run_id: str
    environment: str
    assets: tuple[AssetKey, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class AssetBegan:
    """What an asset needs is done, and it is looked at."""

    asset: AssetKey
    at: datetime


@dataclass(frozen=True, slots=True)
class AssetEnded:
    """It is known what became of an asset."""

    record: AssetRecord


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over, and recorded where that was possible."""

    record: RunRecord


RunEvent = RunBegan | AssetBegan | AssetEnded | RunEnded
Listener = Callable[[RunEvent], None]
"""Called in the thread that called ``run``; what it raises ends the run."""


def nobody(_: RunEvent) -> None:
    """Listen to nothing."""
