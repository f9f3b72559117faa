"""What upkeep keeps, and what it did to a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Retention:
    """What stays readable of what is no longer current; what either of the two asks for.

    Attributes:
        keep: Versions that were current within this time.
        releases: So many of the newest releases.
    """

    keep: timedelta = timedelta(days=7)
    releases: int = 30


@dataclass(frozen=True, slots=True)
class Size:
    """How much lies in a table's folder, its log included."""

    files: int = 0
    size_bytes: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.files + other.files, self.size_bytes + other.size_bytes)


@dataclass(frozen=True, slots=True)
class TableUpkeep:
    """What upkeep did to a table, or would do.

    Attributes:
        table: ``silver.orders``; of Polster's own tables and of a quarantine the place.
        after: Of a dry run as far as that can be foretold.
        merged: Small files whose rows went into others.
        into: How many those are.
        removed: Files of data that nobody needs any more, deleted.
        leftovers: Of these, those that runs left which were killed.
        commits: Entries of the log that nobody needs any more, deleted.
        problem: Why it was left as it was; None if nothing was in the way.
    """

    table: str
    before: Size = Size()
    after: Size = Size()
    merged: int = 0
    into: int = 0
    removed: int = 0
    leftovers: int = 0
    commits: int = 0
    problem: str | None = None

    @property
    def is_change(self) -> bool:
        """Tell whether anything was done."""
        return bool(self.merged or self.removed or self.commits)


def in_total(tables: Iterable[TableUpkeep]) -> TableUpkeep:
    """Add up what was done to several tables."""
    done = list(tables)
    return TableUpkeep(
        "in total",
        sum((each.before for each in done), Size()),
        sum((each.after for each in done), Size()),
        sum(each.merged for each in done),
        sum(each.into for each in done),
        sum(each.removed for each in done),
        sum(each.leftovers for each in done),
        sum(each.commits for each in done),
    )
