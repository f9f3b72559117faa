"""What changed in a pipeline from one state of its source to another."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.layer import Layer
from polster.model.lineage import ColumnRef


class Presence(StrEnum):
    """What became of an asset."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Impact(StrEnum):
    """What a change of a table's promise means for those who read it."""

    BREAKING = "breaking"  # readers may fail, or read something else than before
    LOOSENED = "loosened"  # readers may meet values that were refused before
    TIGHTENED = "tightened"  # rows that passed may be set apart, or stop the run
    COMPATIBLE = "compatible"  # readers see no difference unless they look for it


@dataclass(frozen=True, slots=True)
class TableChange:
    """One change of what a table promises.

    Attributes:
        column: None if the whole table is meant.
        what: The change in words, such as ``Int64 -> String``.
        impact: What it means for readers.
        is_gone: Whether the column is not there any more.
        is_remade: Whether the column holds other values, though it promises the same.
    """

    column: str | None
    what: str
    impact: Impact
    is_gone: bool = False
    is_remade: bool = False

    @property
    def concerns_readers(self) -> bool:
        """Tell whether what is made of the column may be another one for it."""
        return self.is_remade or self.impact is not Impact.COMPATIBLE


@dataclass(frozen=True, slots=True)
class AssetChange:
    """What became of one asset.

    Attributes:
        reasons: What differs, as clauses for people.
        table: What its table promises now that it did not, and the other way round.
        owner: Who answers for it, now or, if it is gone, then.
        unknown: Why its columns could not be compared; None if they were.
    """

    asset: AssetKey
    presence: Presence
    reasons: tuple[str, ...] = ()
    table: tuple[TableChange, ...] = ()
    owner: str | None = None
    unknown: str | None = None

    @property
    def is_breaking(self) -> bool:
        """Tell whether readers of its table may fail, or read something else than before."""
        return self.presence is Presence.REMOVED or any(
            change.impact is Impact.BREAKING for change in self.table
        )

    @property
    def breaks_as_a_whole(self) -> bool:
        """Tell whether a breaking change is of no single column: the table is gone, or its key."""
        return self.presence is Presence.REMOVED or any(
            change.impact is Impact.BREAKING and change.column is None for change in self.table
        )


@dataclass(frozen=True, slots=True)
class Cause:
    """A changed column that goes into another one.

    Attributes:
        by_value: Whether its values do, not only its influence.
        is_certain: Whether every step on the way is known.
        is_breaking: Whether the change is breaking.
    """

    ref: ColumnRef
    by_value: bool
    is_certain: bool
    is_breaking: bool


@dataclass(frozen=True, slots=True)
class AffectedColumn:
    """A column that changed ones go into."""

    ref: ColumnRef
    causes: tuple[Cause, ...]


@dataclass(frozen=True, slots=True)
class AffectedAsset:
    """An asset that stands on what changed.

    Attributes:
        causes: The changed assets below it, now or then.
        columns: Of these, what is known by column.
        is_breaking: Whether a breaking change below comes to it, or may: to one of its columns,
            or of a whole table that it reads, at any distance.
        unknown: Why nothing is known of its columns; None if something is.
    """

    asset: AssetKey
    owner: str | None
    causes: tuple[AssetKey, ...]
    columns: tuple[AffectedColumn, ...]
    is_breaking: bool
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """How the working tree differs from a revision.

    Attributes:
        revision: As the user wrote it.
        commit: Its full name in git.
        assets: What changed, by key.
        affected: What stands on it, upstream first.
        mistakes_then: Mistakes in the definitions at the revision; what they concern could not
            be compared.
        mistakes_now: The same for the working tree.
    """

    revision: str
    commit: str
    assets: tuple[AssetChange, ...]
    affected: tuple[AffectedAsset, ...] = ()
    mistakes_then: tuple[Finding, ...] = ()
    mistakes_now: tuple[Finding, ...] = ()

    @property
    def breaking(self) -> tuple[AssetChange, ...]:
        """Return the assets whose readers may fail, or read something else than before."""
        return tuple(change for change in self.assets if change.is_breaking)

    @property
    def gold(self) -> tuple[AffectedAsset, ...]:
        """Return the gold tables that stand on what changed."""
        return tuple(entry for entry in self.affected if entry.asset.layer is Layer.GOLD)
