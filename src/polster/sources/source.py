"""What a source is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import polars as pl

from polster.model.since import Since


class Notes(Protocol):
    """Where a source keeps texts that are too long for a commit; what is written there stays.

    A text counts once a commit's memory names it, so that one that no commit names is nothing.
    """

    def read(self, name: str) -> str | None:
        """Return a text; None if there is none."""

    def write(self, name: str, text: str) -> None:
        """Keep a text."""


@dataclass(frozen=True, slots=True)
class Known:
    """What a table remembers of its source.

    Attributes:
        memory: What the newest batch that landed asked to be remembered; empty if there is none.
        is_current: Whether the code and the options that landed it are those of today, and nobody
            wants to read everything again: then the same source gives the same rows.
        is_whole: Whether the answer is to be the whole state, as with ``load="snapshot"``.
        notes: Longer texts; None where nothing is kept, such as in a rehearsal.
        set_aside: Digests of files that were set aside.
        columns: Of the table that rows are added to.
    """

    memory: str = ""
    is_current: bool = False
    is_whole: bool = False
    notes: Notes | None = None
    set_aside: frozenset[str] = frozenset()
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file that cannot be read, to be set aside whole.

    A source gives one for each such file that it has, each time that it is asked; what it does not
    give any more was mended, or taken away.

    Attributes:
        name: As the source names it.
        path: Where its bytes are now.
        digest: Of its bytes, and of what else it depends on whether it can be read.
        reason: What is wrong, and where; of no interest if it was set aside before.
    """

    name: str
    path: Path
    digest: str
    reason: str


def unchecked() -> None:
    """Check nothing."""


@dataclass(frozen=True, slots=True)
class Forms:
    """The rows of a batch, where no value had to change its type to stand beside others.

    Attributes:
        frame: The columns of the batch; and for each type in which a column came, where these are
            several, a column of that type, null in all other rows.
        columns: Names of these, by column.
    """

    frame: pl.LazyFrame
    columns: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that a source has and the table has not.

    A bronze function that asks its source itself may return one, too, to say how much there is.

    Attributes:
        frame: The rows, lazy. A column ``_source: String`` may say where each comes from, such as
            the name of a file.
        memory: What the source wants to be told next time; kept in the commit that lands the rows,
            so that neither is there without the other. No secret belongs there.
        notes: What the user should know.
        check: Called once the rows are read and before they land; raises if they are not what they
            were said to be.
        rows: How many rows the source says that this is; nothing lands if others come.
        sums: What the source says that columns add up to, by column: of numbers, or of numbers as
            text.
        forms: The rows in all types that there are, if a value that does not fit its column is to
            be null there and kept as text in ``_rescued``. None if nothing is to land then.
    """

    frame: pl.LazyFrame
    memory: str = ""
    notes: tuple[str, ...] = ()
    check: Callable[[], None] = field(default=unchecked, compare=False)
    rows: int | None = None
    sums: Mapping[str, int | float | Decimal] = field(default_factory=dict)
    forms: Forms | None = None


@runtime_checkable
class CursorSource(Protocol):
    """A source that may be asked since where its table has come.

    Attributes:
        since: By which column; None if it is asked for everything.
        is_all: Whether it gives the same rows again each time.
    """

    since: Since | None

    @property
    def is_all(self) -> bool:
        """Tell it."""

    def read(self, start: Any) -> Batch:
        """Give the rows from ``start`` on, all of them if it is None; what came before may come."""


@runtime_checkable
class Source(Protocol):
    """Where bronze gets its rows from; what a bronze function may return in place of a frame."""

    def ask(self, known: Known) -> Iterable[Batch | BadFile]:
        """Say what is new.

        Args:
            known: What the table remembers.

        Returns:
            What is not in the table yet, in the order in which it is to land, all in one commit;
            nothing if there is nothing new. With ``load="snapshot"``, one batch at most: the whole
            state. Files that cannot be read are set aside, and the others land.
        """
