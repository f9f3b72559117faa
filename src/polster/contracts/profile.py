"""What is counted of a table's rows while they stream by, to compare one version with the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import polars as pl

AHEAD = timedelta(days=1)
"""A moment so far after the run's start still counts: its zone may be unknown."""


@dataclass(slots=True)
class Profile:
    """The rows of one version, counted column by column; filled on several threads at once.

    Attributes:
        dated: Columns whose newest moment is wanted.
        at: When the run started; what lies more than a day after it counts as no moment.
        nulls: Nulls by column, those without any left out.
        newest: The newest moment by column of ``dated``, UTC; a date is over when its day is.
    """

    dated: Collection[str]
    at: datetime
    rows: int = 0
    nulls: Counter[str] = field(default_factory=Counter)
    newest: dict[str, datetime] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def see(self, batch: pl.DataFrame) -> None:
        """Count ``batch`` in."""
        nulls = {column.name: count for column in batch if (count := column.null_count())}
        moments = {name: self._newest(batch[name]) for name in self.dated if batch.height}
        with self._lock:
            self.rows += batch.height
            self.nulls.update(nulls)
            for name, moment in moments.items():
                if moment is not None:
                    self.newest[name] = max(moment, self.newest.get(name, moment))

    def nulls_beside(self, last: LastVersion | None, columns: Collection[str]) -> Mapping[str, int]:
        """Return the nulls by column as the next version is to be compared with them.

        Without rows, what ``last`` knew is carried on: 1 for a column that held no value there.
        """
        if self.rows:
            return self.nulls
        return {name: 1 for name in columns if last is None or not last.was_filled(name)}

    def clear(self) -> None:
        """Forget what was counted."""
        self.rows = 0
        self.nulls.clear()
        self.newest.clear()

    def _newest(self, column: pl.Series) -> datetime | None:
        moments = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
        if column.dtype == pl.Date():
            moments = moments + timedelta(days=1)
        if column.dtype.is_temporal() and getattr(column.dtype, "time_zone", None):
            moments = moments.dt.convert_time_zone("UTC")
        else:
            moments = moments.dt.replace_time_zone("UTC")
        newest = moments.filter(moments <= self.at + AHEAD).max()
        return newest if isinstance(newest, datetime) else None


@dataclass(frozen=True, slots=True)
class LastVersion:
    """What is known of the version that the next one is compared with.

    Attributes:
        rows: Rows that its readers get; of bronze, those of the latest batch.
        columns: Its columns.
        nulls: Nulls by column, those without any left out; None if nobody has counted. Without
            rows, 1 for each column that held no value before either.
        newest: The newest moment by column whose freshness was expected.
    """

    rows: int
    columns: Collection[str]
    nulls: Mapping[str, int] | None = None
    newest: Mapping[str, datetime] = field(default_factory=dict)

    def was_filled(self, column: str) -> bool:
        """Tell whether ``column`` is known to have held a value."""
        return (
            self.nulls is not None
            and column in self.columns
            and self.nulls.get(column, 0) < max(self.rows, 1)
        )
