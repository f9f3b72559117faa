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
class BatchTaken:
    """A source has said that it holds a batch which bronze has not; its rows are read next.

    Attributes:
        batch: Its identifier, as in the column ``_batch``.
    """

    asset: AssetKey
    batch: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SliceStaged:
    """Rows that an asset is made of are computed, judged and written; readers do not see them yet.

    Attributes:
        number: Which of the slices in which it is made, from 1.
        of: How many these are.
        rows: That are good.
    """

    asset: AssetKey
    number: int
    of: int
    rows: int
    at: datetime


@dataclass(frozen=True, slots=True)
class AssetEnded:
    """It is known what became of an asset."""

    record: AssetRecord


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The run is over, and recorded where that was possible."""

    record: RunRecord


BuildEvent = BatchTaken | SliceStaged
"""What whoever builds an asset tells, from wherever that is done."""
RunEvent = RunBegan | AssetBegan | BuildEvent | AssetEnded | RunEnded
Listener = Callable[[RunEvent], None]
"""Called in the thread that called ``run``; what it raises ends the run."""


def nobody(_: RunEvent) -> None:
    """Listen to nothing."""
