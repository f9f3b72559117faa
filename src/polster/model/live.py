"""A run in progress, as it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from polster.model.asset import AssetKey
from polster.model.event import SliceStaged
from polster.model.record import AssetRecord

LOST_SECONDS = 30.0
"""A run that gave no sign of life for so long was probably killed."""


@dataclass(frozen=True, slots=True)
class LiveRun:
    """A run in progress, as it says of itself.

    Attributes:
        host: Name of the machine that it runs on.
        process_id: Of the process there.
        selection: Terms that were asked for; empty means everything.
        started_at: Timezone-aware UTC.
        updated_at: Its last sign of life, timezone-aware UTC.
        waiting: Assets that it has not come to.
        running: Assets that are being built, with when each began.
        staged: The newest slice of these that was staged, if there is one.
        finished: What it did so far, fingerprints and lineage left out.
        is_killed: Whether its process is gone; only the machine that it ran on can tell.
        ledger: The newest commit of the ledger when it began; -1 if there was none.
    """

    run_id: str
    environment: str
    host: str
    process_id: int
    selection: tuple[str, ...]
    full_refresh: bool
    started_at: datetime
    updated_at: datetime
    waiting: tuple[AssetKey, ...]
    running: Mapping[AssetKey, datetime]
    finished: tuple[AssetRecord, ...]
    is_killed: bool = False
    ledger: int = -1
    staged: Mapping[AssetKey, SliceStaged] = field(default_factory=dict)

    def state(self, key: AssetKey) -> str:
        """Say that an asset is being built, and how much of it is staged."""
        staged = self.staged.get(key)
        if staged is None or staged.of == 1:
            return "running"
        return f"running, {staged.number} of {staged.of} slices staged"

    def is_lost(self, now: datetime) -> bool:
        """Tell whether it was killed, or gave no sign of life for too long."""
        return self.is_killed or now - self.updated_at > timedelta(seconds=LOST_SECONDS)
