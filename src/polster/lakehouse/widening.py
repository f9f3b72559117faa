"""Which type holds the values of two, and whether given values survive in another type.

A column of bronze takes what arrives without loss. Types alone decide where one of them, or a
third, holds every value of both: Int32 and Int64, two decimals, a struct with one field more.
Where they do not, as with Int64 and Float64, the values do: :func:`candidates` lists the types
that could hold both, and :func:`survives` tells of each value whether it comes back from there.

All types here are those of storage, :func:`polster.lakehouse.types.storage_dtype`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import polars as pl

from polster.lakehouse.types import dtype_of, fields_of, storage_dtype

DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
"""Decimal digits of an integer by its bits."""
LONGEST_DECIMAL = 38
Choice = Callable[[pl.DataType, pl.DataType], pl.DataType | None]
"""Chooses a type for a column, or a part of one, from the table's and the one that arrives."""


def widened(table: pl.DataType, arriving: pl.DataType) -> bool:
    """Tell whether a value of ``arriving`` can be kept in a column of ``table`` without loss.

    >>> widened(pl.Int64(), pl.UInt32())
    True
    >>> widened(pl.Int64(), pl.Float64())
    False
    """
    if arriving in (pl.Null(), table):
        return True
    if isinstance(table, pl.List) and isinstance(arriving, pl.List | pl.Array):
        return widened(dtype_of(table.inner), dtype_of(arriving.inner))
    if isinstance(table, pl.Struct) and isinstance(arriving, pl.Struct):
        fields, others = fields_of(table), fields_of(arriving)
        same = fields.keys() == others.keys()
        return same and all(widened(fields[name], others[name]) for name in fields)
    stored = storage_dtype(arriving)
    if stored is None or table == stored:
        return stored is not None
    return _holds(table, stored)


def common_dtype(table: pl.DataType, arriving: pl.DataType) -> pl.DataType | None:
    """Return the type that holds every value of both, the table's if it does; None if none does.

    >>> common_dtype(pl.Int32(), pl.Int64())
    Int64
    >>> common_dtype(pl.Decimal(10, 2), pl.Decimal(12, 4))
    Decimal(precision=12, scale=4)
    >>> common_dtype(pl.Int64(), pl.Float64()) is None
    True
    """
    return _joined(table, arriving, _by_type)


def candidates(table: pl.DataType, *arriving: pl.DataType) -> list[pl.DataType]:
    """List the types that may hold the values of all, the one to be preferred first.

    First the type that arrives where the table has text, which a column is stored as that never
    had a value; then the table's type, a wider number, and the type that arrives.
    """
    choices: list[Choice] = [_typed_at_last, _tables, _wider, _arriving]
    found = [_joined_all(table, arriving, choice) for choice in choices]
    return list(dict.fromkeys(dtype for dtype in found if dtype is not None))


def survives(
    value: pl.Expr, dtype: pl.DataType, target: pl.DataType, *, as_text: bool = False
) -> pl.Expr:
    """Return whether ``value`` of ``dtype`` comes back from ``target`` as it was; never null.

    A null always does; numbers do if they are equal.

    Args:
        value: A column, or a part of one.
        dtype: Its type.
        target: The type that it is to be kept in.
        as_text: Whether text may stand for a number, a date or the like.
    """
    if dtype == target:
        return pl.lit(value=True)
    survive = partial(survives, as_text=as_text)
    match dtype, target:
        case pl.List(), pl.List():
            item = survive(pl.element(), dtype_of(dtype.inner), dtype_of(target.inner))
            return value.list.eval(item).list.all().fill_null(value=True)
        case pl.Struct(), pl.Struct():
            others = fields_of(target)
            fields = [
                survive(value.struct.field(name), inner, others[name])
                if name in others
                else value.struct.field(name).is_null()
                for name, inner in fields_of(dtype).items()
            ]
            return pl.all_horizontal(fields).fill_null(value=True)
    if _holds(target, dtype) and (as_text or target != pl.String):
        return pl.lit(value=True)
    if _are_alike(dtype, target):
        back = value.cast(target, strict=False).cast(dtype, strict=False)
        return back.eq_missing(value)
    return value.is_null()


def refitted(value: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return ``value`` of ``dtype`` as ``target``; it is one that :func:`survives`."""
    if dtype == target:
        return value
    match dtype, target:
        case pl.List(), pl.List():
            item = refitted(pl.element(), dtype_of(dtype.inner), dtype_of(target.inner))
            return value.list.eval(item)
        case pl.Struct(), pl.Struct():
            before = fields_of(dtype)
            fields = [
                refitted(pl.field(name), before[name], inner).alias(name)
                if name in before
                else pl.lit(None, inner).alias(name)
                for name, inner in fields_of(target).items()
                if before.get(name) != inner
            ]
            return value.struct.with_fields(fields).cast(target)  # in the order of the target
    if _holds(target, dtype) or _are_alike(dtype, target):
        return value.cast(target)
    return pl.when(value.is_null()).then(pl.lit(None, target))


def refits(before: pl.Schema, after: pl.Schema) -> list[pl.Expr]:
    """Return the columns that have another type in ``after``, in that type."""
    return [
        refitted(pl.col(name), before[name], dtype).alias(name)
        for name, dtype in after.items()
        if before.get(name, dtype) != dtype
    ]


def only_grows(before: pl.DataType, after: pl.DataType) -> bool:
    """Tell whether a struct has all it had and perhaps more fields: files may stay as they are."""
    if not isinstance(before, pl.Struct) or not isinstance(after, pl.Struct):
        return before == after
    fields = fields_of(after)
    return all(
        name in fields and only_grows(inner, fields[name])
        for name, inner in fields_of(before).items()
    )


def differences(
    before: pl.DataType, after: pl.DataType, path: str
) -> Iterator[tuple[str, pl.DataType | None, pl.DataType | None]]:
    """Find what differs between two types of one column.

    Args:
        before: One type.
        after: The other.
        path: The column's name.

    Yields:
        The path of each part that differs, such as ``person.age``, and its type in both; None
        where a struct does not have the field.
    """
    match before, after:
        case _ if before == after:
            return
        case ((pl.List() | pl.Array()), (pl.List() | pl.Array())):
            yield from differences(dtype_of(before.inner), dtype_of(after.inner), path)
        case pl.Struct(), pl.Struct():
            ours, theirs = fields_of(before), fields_of(after)
            for name in dict.fromkeys([*ours, *theirs]):
                one, other = ours.get(name), theirs.get(name)
                if one is None or other is None:
                    yield f"{path}.{name}", one, other
                else:
                    yield from differences(one, other, f"{path}.{name}")
        case _:
            yield path, before, after


def _joined_all(
    table: pl.DataType, arriving: Iterable[pl.DataType], choose: Choice
) -> pl.DataType | None:
    found: pl.DataType | None = table
    for each in arriving:
        found = None if found is None else _joined(found, each, choose)
    return found


def _joined(table: pl.DataType, arriving: pl.DataType, choose: Choice) -> pl.DataType | None:
    if arriving in (pl.Null(), table):
        return table
    match table, arriving:
        case pl.List(), (pl.List() | pl.Array()):
            inner = _joined(dtype_of(table.inner), dtype_of(arriving.inner), choose)
            return None if inner is None else pl.List(inner)
        case pl.Struct(), pl.Struct():
            fields: dict[str, pl.DataType] = dict(fields_of(table))
            for name, kind in fields_of(arriving).items():
                both = (
                    _joined(fields[name], kind, choose) if name in fields else storage_dtype(kind)
                )
                if both is None:
                    return None
                fields[name] = both
            return pl.Struct(fields)
    stored = storage_dtype(arriving)
    return None if stored is None else choose(table, stored)


def _by_type(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    if table == stored:
        return table
    if pl.String in (table, stored) or _is_whole_beside_integer(table, stored):
        return None  # text may stand for a column that has no values yet
    if _holds(table, stored):
        return table
    if _holds(stored, table):
        return stored
    return _number(table, stored)


def _is_whole_beside_integer(table: pl.DataType, stored: pl.DataType) -> bool:
    """Tell of numbers such as UInt64, stored with 20 digits, that they mostly are smaller."""
    return table.is_integer() and isinstance(stored, pl.Decimal) and stored.scale == 0


def _number(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    """Return a third type that holds every number of both."""
    kinds = (table, stored)
    if pl.Float32 in kinds and all(_holds(pl.Float64(), kind) for kind in kinds):
        return pl.Float64()
    decimals = [kind for kind in kinds if isinstance(kind, pl.Decimal)]
    if not decimals or not all(kind.is_decimal() or kind.is_integer() for kind in kinds):
        return None
    scale = max(kind.scale for kind in decimals)
    whole = max(
        kind.precision - kind.scale if isinstance(kind, pl.Decimal) else DIGITS[_bits(kind)]
        for kind in kinds
    )
    return pl.Decimal(whole + scale, scale) if whole + scale <= LONGEST_DECIMAL else None


def _tables(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    return _by_type(table, stored) or table


def _arriving(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    return _by_type(table, stored) or stored


def _typed_at_last(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    return _by_type(table, stored) or (stored if table == pl.String else table)


def _wider(table: pl.DataType, stored: pl.DataType) -> pl.DataType | None:
    kinds = (table, stored)
    if any(kind.is_integer() for kind in kinds) and any(kind.is_float() for kind in kinds):
        return pl.Float64()
    return _by_type(table, stored) or (stored if _is_whole_beside_integer(*kinds) else table)


def _are_alike(dtype: pl.DataType, target: pl.DataType) -> bool:
    """Tell whether values of both can be equal; a float is no money."""
    kinds = (dtype, target)
    if all(kind.is_integer() or kind.is_float() for kind in kinds):
        return True
    if all(kind.is_integer() or kind.is_decimal() for kind in kinds):
        return True
    return all(kind in (pl.Date(), pl.Datetime("us")) for kind in kinds)


def _holds(table: pl.DataType, stored: pl.DataType) -> bool:
    if table == pl.String:
        return not stored.is_nested() and stored != pl.Binary
    if table.is_integer():
        return stored.is_integer() and _bits(stored) <= _bits(table)
    if isinstance(table, pl.Decimal):
        digits = table.precision - table.scale
        if isinstance(stored, pl.Decimal):
            return stored.scale <= table.scale and stored.precision - stored.scale <= digits
        return stored.is_integer() and DIGITS[_bits(stored)] <= digits
    if table == pl.Float64:
        return stored == pl.Float32 or (stored.is_integer() and _bits(stored) <= 32)
    return table == pl.Datetime("us") and stored == pl.Date


def _bits(dtype: pl.DataType) -> int:
    return int(str(dtype).removeprefix("Int"))
