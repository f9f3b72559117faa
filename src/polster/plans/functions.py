"""Functions of Polars by what is known of them: their names as the visitor gives them."""

from __future__ import annotations

from typing import Any

import polars as pl

STRICT_FUNCTIONS = frozenset(
    {
        "CastTimeUnit",
        "Contains",
        "ConvertTimeZone",
        "Date",
        "Day",
        "EndsWith",
        "Hour",
        "IsBetween",
        "IsIn",
        "IsoYear",
        "LenBytes",
        "LenChars",
        "Lowercase",
        "Microsecond",
        "Millisecond",
        "Minute",
        "Month",
        "Nanosecond",
        "Not",
        "OrdinalDay",
        "PadEnd",
        "PadStart",
        "Quarter",
        "Replace",
        "Second",
        "StartsWith",
        "StripChars",
        "StripCharsEnd",
        "StripCharsStart",
        "StripPrefix",
        "StripSuffix",
        "TimeStamp",
        "Titlecase",
        "TotalDays",
        "TotalHours",
        "TotalMinutes",
        "TotalSeconds",
        "Truncate",
        "Uppercase",
        "Week",
        "WeekDay",
        "Year",
        "ZFill",
        "abs",
        "ceil",
        "floor",
        "negate",
        "round",
    }
)
"""Functions whose result is null where an argument is null, and nowhere else."""

NULL_TESTS = frozenset({"IsNull", "IsNotNull"})
NEVER_NULL_FUNCTIONS = frozenset({*NULL_TESTS, "HasNulls", "IsDuplicated", "IsUnique"})
COUNTING = frozenset({"count", "n_unique"})
"""Aggregates that say how many rows there are, and nothing of what stands in them."""
COUNTING_FUNCTIONS = NEVER_NULL_FUNCTIONS | {
    "IsFirstDistinct",
    "IsLastDistinct",
    "approx_n_unique",
    "cum_count",
    "null_count",
    "unique_counts",
}
"""Functions that say whether or how often there is a value, and not which."""
TESTS = frozenset({"IsBetween", "IsIn", "StartsWith", "EndsWith", "Contains"})
"""Functions that are true for some values and false for others."""

COMPARISONS = frozenset({"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq"})
CONJUNCTIONS = frozenset({"And", "LogicalAnd"})
DISJUNCTIONS = frozenset({"Or", "LogicalOr"})
ARITHMETIC = frozenset({"Plus", "Minus", "Multiply", "Divide", "TrueDivide"})
NULL_BY_ZERO = frozenset({"FloorDivide", "Modulus", "TruncDivide"})

PICKING = frozenset({"first", "last", "item", "first_non_null", "last_non_null"})
"""Aggregates that take the value of one row."""
PICKING_FUNCTIONS = frozenset({"max_by", "min_by", "top_k_by", "bottom_k_by"})
ORDERED = frozenset({"shift", "shift_and_fill", "diff", "pct_change", "fill_null_with_strategy"})
"""Functions that depend on the order of the rows; ``cum_…`` and ``rolling_…`` do too."""


def function_name(data: Any) -> str:
    """Return the name of a function: Polars gives a text, or a member of an enumeration."""
    return str(data[0]).rpartition(".")[2]


def operator_name(operator: Any) -> str:
    """Return the name of a binary operator."""
    return str(operator).rpartition(".")[2]


def depends_on_order(data: Any) -> bool:
    """Tell whether the result of a function depends on the order of the rows."""
    name = function_name(data)
    family = str(data[0]).rpartition(".")[0]
    return name in ORDERED or name.startswith("cum_") or family == "RollingFunction"


def is_chosen_by(data: Any) -> bool:
    """Tell whether all arguments of a function but the first only choose among its values."""
    family = str(data[0]).rpartition(".")[0]
    return function_name(data) in PICKING_FUNCTIONS or family == "RollingFunctionBy"


def is_strict(data: Any) -> bool:
    """Tell whether a function is null where an argument is, and nowhere else."""
    name = function_name(data)
    finds_null = name == "IsIn" and len(data) > 1 and bool(data[1])
    return name in STRICT_FUNCTIONS and not finds_null


def may_fail(source: pl.DataType | None, target: pl.DataType) -> bool:
    """Tell whether a cast can lose a value; Polars itself adds lenient ones that cannot.

    >>> may_fail(pl.UInt32(), pl.Int64()), may_fail(pl.Int64(), pl.UInt32())
    (False, True)
    """
    if source is None:
        return False
    if source == pl.String:
        return target not in (pl.String, pl.Binary, pl.Categorical)
    if source.is_integer() and target.is_integer():
        return not _holds(target, source)
    return source.is_numeric() and target.is_integer()


def _holds(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """Tell whether an integer type holds every value of another one."""
    if wide.is_unsigned_integer() and narrow.is_signed_integer():
        return False
    spare = 1 if wide.is_signed_integer() and narrow.is_unsigned_integer() else 0
    return _bits(wide) >= _bits(narrow) + spare


def _bits(dtype: pl.DataType) -> int:
    return int(str(dtype).lstrip("UInt"))
