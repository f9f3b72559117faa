"""A source: what a bronze function returns, ``polster.sources.readings(...)``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl

from polster.sources import Batch, Known


@dataclass(frozen=True)
class Readings:
    """The readings of a meter, of which each run lands those that came since the last one.

    Attributes:
        until: The number of the newest reading.
    """

    until: int

    def ask(self, known: Known) -> Iterable[Batch]:
        """Give what is new; what is to be remembered stands in the commit that lands it."""
        first = int(known.memory or 0)
        if first >= self.until:
            return []
        numbers = range(first, self.until)
        frame = pl.LazyFrame({"reading": numbers, "_source": [f"meter#{n}" for n in numbers]})
        return [Batch(frame, memory=str(self.until), rows=len(numbers))]


def readings(until: int) -> Readings:
    """Read a meter.

    Args:
        until: The number of the newest reading.
    """
    return Readings(until)
