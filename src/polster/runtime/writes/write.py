"""What a way of changing a table answers to the build and to whoever publishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import polars as pl

from polster.contracts.expected import Surprise
from polster.contracts.judge import Terms
from polster.lakehouse.change import Change
from polster.lakehouse.table_version import TableVersion
from polster.model.reason import Reason
from polster.model.record import Counted
from polster.runtime.call import Returned
from polster.runtime.gate import Gate
from polster.runtime.stage import Landing, Staged

if TYPE_CHECKING:
    import dataframely as dy


@dataclass(frozen=True, slots=True)
class Unneeded:
    """Nothing is published: the table is as it should be.

    Attributes:
        reason: Why, for the record.
        current: The table as it is; None if there is none.
    """

    reason: Reason
    current: TableVersion | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shape:
    """How rows are staged.

    Attributes:
        partition: The partition that all of them are.
        schema: Columns of the files, storage dtypes; None if they are those of the contract.
        landing: What is done with each batch beside judging it.
        kept: Rows that the table will hold beside them, as :func:`judge_table` takes them.
    """

    partition: Mapping[str, str] = field(default_factory=dict)
    schema: pl.Schema | None = None
    landing: Landing | None = None
    kept: pl.LazyFrame | None = None


@dataclass(frozen=True, slots=True)
class Departures:
    """How what arrives differs from the table.

    Attributes:
        notes: What the user should know.
        absent: What the source does not have any more: columns, and fields as ``person.age``.
        emptied: Columns of the table that hold no value of what arrives.
        amiss: What is not right in it, and published all the same.
    """

    notes: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    emptied: tuple[str, ...] = ()
    amiss: tuple[Surprise, ...] = ()


class Write(Protocol):
    """One way of changing a table, in one build; its methods are called in this order.

    ``current`` is the newest version, of which other writers may make an old one at any moment;
    None if there is no table.
    """

    def newest(self) -> TableVersion | None:
        """Open the newest version, fit to be written."""

    def admit(self, current: TableVersion) -> Unneeded | None:
        """Look at the table before the function is called.

        Raises:
            AssetError: It was made in another way.
            BehindError: Another run published it from inputs that are in part newer.
        """

    def take(
        self,
        returned: Returned,
        contract: type[dy.Schema] | None,
        current: TableVersion | None,
        *,
        began: datetime,
    ) -> pl.LazyFrame | Unneeded:
        """Look at what the function returned before its rows are read; ask a source what is new.

        Args:
            returned: Its frame, lazy, or its batch, or its source.
            contract: What the rows will be judged by.
            current: As everywhere.
            began: When the function was called.

        Raises:
            AssetError: What the source gave cannot be landed.
        """

    @property
    def batches(self) -> tuple[str, ...]:
        """Identifiers of the batches that were taken; none if the rows are no batch."""

    @property
    def brought(self) -> frozenset[str]:
        """Audit columns that the rows bring themselves."""

    def shape(self, terms: Terms, current: TableVersion | None) -> Shape:
        """Decide how rows are staged.

        Raises:
            AssetError: They do not fit the table.
        """

    def settle(self, staged: Staged, current: TableVersion | None, *, again: bool = False) -> None:
        """Fit staged rows to the table, and again when another writer has changed it.

        Raises:
            AssetError: They do not fit, or others came than their source says.
        """

    @property
    def departures(self) -> Departures:
        """How what arrives differs from the table."""

    @property
    def counted(self) -> Mapping[str, Counted]:
        """What sources say that they have, and what came; known once it is settled."""

    def repeated(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Tell whether the same rows came last time, before they are judged beside them.

        Raises:
            AssetError: They did, and nothing says that this is right.
        """

    def holds(self, staged: Staged, current: TableVersion) -> bool:
        """Tell whether the table holds already what would be published."""

    def overtaken(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Tell whether what another run has published meanwhile is to stay.

        Raises:
            BehindError: What it published says that ours is to be made anew.
        """

    def prepare(self, staged: Staged, current: TableVersion, gate: Gate) -> TableVersion:
        """Make the commits that must go before, which leave every row as it is.

        Raises:
            ConflictError: Another writer committed meanwhile.
        """

    def plan(self, staged: Staged, current: TableVersion | None) -> Change:
        """Return what to make of the table; nothing is read or written."""

    def as_read(
        self, table: TableVersion, staged: Staged, sent: frozenset[str] | None
    ) -> TableVersion:
        """Return what was committed as its readers get it.

        Args:
            table: The version that was made.
            staged: Its rows.
            sent: Columns that came; None if nobody knows.
        """
