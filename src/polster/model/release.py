"""Releases: consistent sets of table versions, and two of them side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from polster.model.asset import AssetKey


@dataclass(frozen=True, slots=True)
class Release:
    """The versions that belong together after one run."""

    id: str
    created_at: datetime
    versions: Mapping[AssetKey, int]


@dataclass(frozen=True, slots=True)
class ReleaseSummary:
    """A release without its versions.

    Attributes:
        tables: How many belong to it.
    """

    id: str
    created_at: datetime
    tables: int


@dataclass(frozen=True, slots=True)
class ReleasedTable:
    """One table in one release.

    Attributes:
        rows: Rows that the run which made the version published; None if the ledger does not
            know it.
    """

    version: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class ReleaseChange:
    """A table in two releases.

    Attributes:
        before: None if the earlier release did not have it.
        after: None if the later release does not have it.
        reasons: Why it changed, as clauses for people; empty if the ledger does not know.
    """

    asset: AssetKey
    before: ReleasedTable | None
    after: ReleasedTable | None
    reasons: tuple[str, ...] = ()

    @property
    def is_change(self) -> bool:
        """Tell whether the releases differ in it."""
        return (self.before and self.before.version) != (self.after and self.after.version)


@dataclass(frozen=True, slots=True)
class ReleaseComparison:
    """Two releases side by side.

    Attributes:
        before: None where the later one was the first.
        tables: Every table of either, by layer and name.
    """

    before: Release | None
    after: Release
    tables: tuple[ReleaseChange, ...]
