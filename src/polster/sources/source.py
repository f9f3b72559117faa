"""What a source is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import polars as pl


@dataclass(frozen=True, slots=True)
class Known:
    """What a table remembers of its source.

    Attributes:
        memory: What the newest batch that landed asked to be remembered; empty if there is none.
        is_current: Whether the code and the options that landed it are those of today, and nobody
            wants to read everything again: then the same source gives the same rows.
    """

    memory: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that a source has and the table has not.

    Attributes:
        frame: The rows, lazy. A column ``_source: String`` may say where each comes from, such as
            the name of a file.
        memory: What the source wants to be told next time; kept in the commit that lands the rows,
            so that neither is there without the other. No secret belongs there.
    """

    frame: pl.LazyFrame
    memory: str = ""


@runtime_checkable
class Source(Protocol):
    """Where bronze gets its rows from; what a bronze function may return in place of a frame."""

    def ask(self, known: Known) -> Iterable[Batch]:
        """Say what is new.

        Args:
            known: What the table remembers.

        Returns:
            What is not in the table yet, in the order in which it is to land, all in one commit;
            nothing if there is nothing new. With ``load="snapshot"``, one batch at most: the whole
            state.
        """
