"""What a commit says of the columns of each file, so that readers skip the files they do not need.

Delta's per-file statistics: number of nulls, least and greatest value. A reader believes them, and
a wrong one makes rows invisible; so nothing is said of what readers order in different ways.
Source: the Delta transaction log protocol, "Per-file Statistics".
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import Any

import polars as pl

INDEXED_COLUMNS = 32
"""How many columns are looked at, the first ones: as many as Delta's own writers do."""
TEXT_LENGTH = 32
"""Characters that are kept of a text; a greater text is said of a longer one."""
EXACT_DIGITS = 15
"""Digits of a number that every reader of JSON keeps."""
EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the zone is said by the column
LAST_CHARACTER = "\U0010ffff"


@dataclass(slots=True)
class FileStatistics:
    """The statistics of one file's columns; filled on several threads at once.

    Nested columns have none. Columns that hold a NaN have no least and no greatest value, since
    readers do not agree on its place.

    >>> statistics = FileStatistics()
    >>> statistics.see(pl.DataFrame({"id": [3, 1], "name": ["Ada", None]}))
    >>> statistics.values()["minValues"]
    {'id': 1, 'name': 'Ada'}
    >>> statistics.values()["nullCount"]
    {'id': 0, 'name': 1}
    """

    _nulls: Counter[str] = field(default_factory=Counter)
    _least: dict[str, Any] = field(default_factory=dict)
    _greatest: dict[str, Any] = field(default_factory=dict)
    _types: dict[str, pl.DataType] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def see(self, batch: pl.DataFrame) -> None:
        """Count ``batch`` in.

        Args:
            batch: Columns in storage dtypes, the same in every batch.
        """
        seen = [
            (column.name, column.dtype, column.null_count(), *_bounds(column))
            for column in batch.get_columns()[:INDEXED_COLUMNS]
            if not column.dtype.is_nested()
        ]
        with self._lock:
            for name, dtype, nulls, least, greatest in seen:
                self._types[name] = dtype
                self._nulls[name] += nulls
                if least is not None:
                    # a NaN is kept: whatever is compared with it is not less
                    self._least[name] = _kept(min, self._least.get(name, least), least)
                    self._greatest[name] = _kept(max, self._greatest.get(name, greatest), greatest)

    def values(self) -> Mapping[str, Any]:
        """Return them by kind, as Delta names them, values as its JSON holds them."""
        least = {n: _written(v, self._types[n], is_least=True) for n, v in self._least.items()}
        most = {n: _written(v, self._types[n], is_least=False) for n, v in self._greatest.items()}
        return {
            "minValues": {name: value for name, value in least.items() if value is not None},
            "maxValues": {name: value for name, value in most.items() if value is not None},
            "nullCount": dict(self._nulls),
        }


def _bounds(column: pl.Series) -> tuple[Any, Any]:
    """Return the least and the greatest value; None where there is none, or no order of values."""
    dtype = column.dtype
    if dtype.is_float():
        greatest = column.nan_max()
        return greatest if greatest != greatest else column.min(), greatest
    if dtype.is_temporal():  # Polars has moments that Python has not
        column = column.to_physical()
    elif not (dtype.is_numeric() or dtype == pl.String()):
        return None, None
    return column.min(), column.max()


def _kept(choose: Any, before: Any, now: Any) -> Any:
    return before if before != before else now if now != now else choose(before, now)


def _written(value: Any, dtype: pl.DataType, *, is_least: bool) -> Any:
    """Return a bound as JSON holds it; None if it cannot be said so that every reader is right."""
    match dtype:
        case pl.String():
            return value[:TEXT_LENGTH] if is_least else _cut_above(value)
        case pl.Date() | pl.Datetime():
            return _moment(value, dtype)
        case pl.Decimal():
            return _decimal(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return value or (-0.0 if is_least else 0.0)  # the two zeros are one to readers
    return value


def _cut_above(text: str) -> str | None:
    """Return a short text that is not less than ``text``; None if there is none.

    >>> _cut_above("a" * 40) > "a" * 40
    True
    """
    if len(text) <= TEXT_LENGTH:
        return text
    if text[TEXT_LENGTH] == LAST_CHARACTER:
        return None
    return text[:TEXT_LENGTH] + LAST_CHARACTER


def _moment(value: int, dtype: pl.DataType) -> str | None:
    try:
        if isinstance(dtype, pl.Date):
            return date.isoformat((EPOCH + timedelta(days=value)).date())
        moment = EPOCH + timedelta(microseconds=value)
    except OverflowError:
        return None
    zone = "Z" if getattr(dtype, "time_zone", None) else ""
    return moment.isoformat(timespec="microseconds") + zone


def _decimal(value: Decimal) -> float | None:
    """Return the number that JSON shows digit by digit; None if it has too many."""
    if len(value.normalize().as_tuple().digits) > EXACT_DIGITS:
        return None
    return float(value)
