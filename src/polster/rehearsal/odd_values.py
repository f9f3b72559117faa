"""Values that may break a rule: at the edges of what it names, and beyond."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from polster.contracts.rules import Rule
from polster.lakehouse.types import dtype_of
from polster.rehearsal.named import named_values
from polster.rehearsal.sampling import sample_types

if TYPE_CHECKING:
    import dataframely as dy

BOUNDS = ("min", "min_exclusive", "max", "max_exclusive", "min_length", "max_length")
TEXTS = ("", " ", "?", "x", "\N{SNOWMAN}", "not a value", "x" * 300)
NUMBERS = (0, 1, -1, 2, 10, -10, 100, -100, 10**4, -(10**4), 10**6, -(10**6), 0.5, -0.5)
STEPS = (
    timedelta(microseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
    timedelta(days=40),
    timedelta(days=4000),
)
LONGEST = 10_000
SEEN = 20
"""How many values of other rows are tried."""


def odd_values(
    column: dy.Column | None, rule: Rule | None, seen: pl.Series, typed: pl.DataType, *, seed: int
) -> pl.Series:
    """Return values for one column, null first, in the type that the function returns.

    Args:
        column: As the contract has it; its bounds are tried.
        rule: To be broken; the numbers, texts and days that it names are tried.
        seen: The column as the function returned it.
        typed: Its type in the contract.
        seed: The same seed gives the same values.
    """
    named = [] if rule is None else named_values(rule.holds)
    bounds = [bound for name in BOUNDS if (bound := getattr(column, name, None)) is not None]
    raw: list[Any] = _of_type(typed, [*bounds, *named], seen)
    fitting = as_type(_series(seen.name, raw, typed).drop_nulls(), seen.dtype)
    own = _of_type(seen.dtype, named, seen)
    found = [
        pl.Series(seen.name, [None], dtype=seen.dtype),
        fitting,
        _series(seen.name, own, seen.dtype),
        seen.unique(maintain_order=True).head(SEEN),
        sample_types(pl.Schema({seen.name: seen.dtype}), SEEN, seed=seed).to_series(),
    ]
    return pl.concat(found).unique(maintain_order=True)


def can_be_varied(dtype: pl.DataType) -> bool:
    """Tell whether the values tried say much of a type; of what is nested they do not."""
    return not (dtype.is_nested() or dtype in (pl.Binary, pl.Object))


def as_type(values: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Cast ``values``, null where one does not fit.

    Of a float with too many digits for a decimal Polars makes an error, lenient or not.
    """
    if values.dtype == dtype:
        return values
    if isinstance(dtype, pl.Decimal) and values.dtype.is_float():
        values = values.cast(pl.String)
    return values.cast(dtype, strict=False)


def _series(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    if isinstance(dtype, pl.Decimal):
        numbers = pl.Series(name, [float(value) for value in values], dtype=pl.Float64)
        return as_type(numbers, dtype)
    if dtype.is_nested():  # inside which Polars refuses what a type cannot hold, strict or not
        values = [value for value in values if _can_hold(dtype, value)]
    return pl.Series(name, [None, *values], dtype=dtype, strict=False)


def _can_hold(dtype: pl.DataType, value: object) -> bool:
    try:
        pl.Series([value], dtype=dtype, strict=False)
    except (OverflowError, TypeError, pl.exceptions.PolarsError):
        return False
    return True


def _of_type(dtype: pl.DataType, named: list[Any], seen: pl.Series) -> list[Any]:
    numbers = [float(value) for value in named if isinstance(value, int | float | Decimal)]
    if dtype.is_integer():
        whole = [int(number) + step for number in numbers for step in (-1, 0, 1)]
        lower, upper = _limits(dtype)
        return [*whole, *(int(number) for number in NUMBERS), lower, upper]
    if dtype.is_float() or isinstance(dtype, pl.Decimal):
        near = [number + step for number in numbers for step in (-1, -0.01, 0, 0.01, 1)]
        endless = [float("nan"), float("inf"), float("-inf")] if dtype.is_float() else []
        return [*near, *NUMBERS, *endless]
    if isinstance(dtype, pl.String):
        lengths = {int(n) + step for n in numbers for step in (-1, 1) if 0 <= n < LONGEST}
        known = [value for value in seen.drop_nulls().head(3) if isinstance(value, str)]
        words = [value for value in named if isinstance(value, str)]
        changed = [form for word in known for form in (word + "!", word.swapcase(), word * 40)]
        long = ["x" * length for length in sorted(lengths) if length > 0]
        return [*TEXTS, *words, *long, *changed, "1e400", "1.005"]
    if isinstance(dtype, pl.Boolean):
        return [True, False]
    if isinstance(dtype, pl.Enum):
        return dtype.categories.to_list()
    if isinstance(dtype, pl.Date | pl.Datetime):
        return _times(dtype, named, seen)
    if isinstance(dtype, pl.Duration):
        return [sign * step for step in STEPS for sign in (1, -1)]
    if isinstance(dtype, pl.List):
        first = seen.drop_nulls().head(1).to_list()
        inner = _of_type(dtype_of(dtype.inner), named, seen.explode(empty_as_null=False))
        return [[], [None], *([value] for value in inner), *(values * 50 for values in first)]
    if isinstance(dtype, pl.Struct):
        return [
            {**row, each.name: value}
            for row in seen.drop_nulls().head(1)
            for each in dtype.fields
            for value in (
                None,
                *_of_type(dtype_of(each.dtype), named, seen.struct.field(each.name)),
            )
        ]
    return []


def _times(dtype: pl.Date | pl.Datetime, named: list[Any], seen: pl.Series) -> list[Any]:
    known = [value for value in seen.drop_nulls().head(2) if isinstance(value, date)]
    found: list[Any] = [value for value in named if isinstance(value, date)]
    if isinstance(dtype, pl.Date):
        days = [day.date() if isinstance(day, datetime) else day for day in [*found, *known]]
        whole = [step for step in STEPS if step >= timedelta(days=1)]
        return [day + sign * step for day in days for step in whole for sign in (1, -1)] + days
    zone = known[0].tzinfo if known and isinstance(known[0], datetime) else None
    moments = [
        moment if moment.tzinfo else moment.replace(tzinfo=zone)
        for moment in [*found, *known]
        if isinstance(moment, datetime)
    ]
    return [at + sign * step for at in moments for step in STEPS for sign in (1, -1)] + moments


def _limits(dtype: pl.DataType) -> tuple[int, int]:
    name = str(dtype)
    bits = int(name.lstrip("UInt"))
    return (0, 2**bits - 1) if name.startswith("U") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
