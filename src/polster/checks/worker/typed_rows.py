"""Made-up rows of given types: the same in every column of a type, so that keys find partners."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl

TEXTS = (
    "{0}",
    "2020-01-{1:02}",
    "2020-01-{1:02} 00:00:00",
    "2020-01-{1:02}T00:00:00",
    '{{"a": {0}}}',
)
"""What text is read as: a number, a day, a time, JSON."""
COUNTS = (1, 3, 200)
"""How many rows: one as for ``item``, a few, and as many as a sample may ask for."""
DAYS = 28
SMALLEST_MAX = 100
"""What the smallest integer type holds, at least."""


def typed_rows(schema: pl.Schema, count: int, text: str) -> pl.DataFrame:
    """Return ``count`` rows with a value in every field.

    Args:
        schema: Names and types of the columns.
        count: How many rows.
        text: What stands in texts; ``{0}`` is the number of the row, ``{1}`` that of a day.
    """
    return pl.DataFrame(
        [
            pl.Series(name, [_value(dtype, number, text) for number in range(count)], dtype)
            for name, dtype in schema.items()
        ]
    )


def _value(dtype: Any, number: int, text: str) -> Any:
    if isinstance(dtype, pl.Enum):
        return dtype.categories[number % len(dtype.categories)] if len(dtype.categories) else None
    if isinstance(dtype, pl.List):
        return [_value(dtype.inner, number, text)]
    if isinstance(dtype, pl.Array):
        return [_value(dtype.inner, number, text)] * dtype.size
    if isinstance(dtype, pl.Struct):
        return {each.name: _value(each.dtype, number, text) for each in dtype.fields}
    if isinstance(dtype, pl.Datetime):
        at = datetime(2020, 1, 1, tzinfo=UTC if dtype.time_zone else None)
        return at + timedelta(seconds=number)
    small = number % SMALLEST_MAX + 1
    if isinstance(dtype, pl.Decimal):
        return Decimal(small).scaleb(-dtype.scale)
    if dtype.is_numeric():
        return small
    plain = {
        pl.Boolean(): number % 2 == 0,
        pl.String(): text.format(small, number % DAYS + 1),
        pl.Categorical(): text.format(small, number % DAYS + 1),
        pl.Binary(): str(small).encode(),
        pl.Date(): date(2020, 1, 1) + timedelta(days=number),
        pl.Time(): time(second=number % 60),
    }
    if isinstance(dtype, pl.Duration):
        return timedelta(seconds=number)
    return plain.get(dtype)
