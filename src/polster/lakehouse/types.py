"""What a Delta table can hold, decided once for all tables.

Delta knows fewer types than Polars. Values are never lost on the way; where a type has no
counterpart, the nearest one that holds every value is taken, and the user is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import polars as pl

from polster.errors import AssetError

UNSIGNED: dict[type[pl.DataType], pl.DataType] = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Decimal(20, 0),
    pl.Int128: pl.Decimal(38, 0),
    pl.UInt128: pl.Decimal(38, 0),
    pl.Float16: pl.Float32(),
}
TIME_FORMAT = "%H:%M:%S%.f"
DIGITS = {8: 3, 16: 5, 32: 10, 64: 19}
"""Decimal digits of an integer by its bits."""


def storage_dtype(dtype: pl.DataType) -> pl.DataType | None:
    """Return the dtype that a Delta table holds ``dtype`` as; None if there is none.

    >>> storage_dtype(pl.UInt32())
    Int64
    >>> storage_dtype(pl.Datetime("ns", "Europe/Berlin"))
    Datetime(time_unit='us', time_zone='UTC')
    """
    signed = UNSIGNED.get(type(dtype))
    if signed is not None:
        return signed
    match dtype:
        case pl.Categorical() | pl.Enum() | pl.Time() | pl.Null():
            return pl.String()
        case pl.Duration():
            return pl.Int64()
        case pl.Datetime():
            return pl.Datetime("us", "UTC" if dtype.time_zone else None)
        case pl.List() | pl.Array():
            inner = storage_dtype(_instance(dtype.inner))
            return None if inner is None else pl.List(inner)
        case pl.Struct():
            fields = {name: storage_dtype(inner) for name, inner in _fields(dtype).items()}
            known = {name: inner for name, inner in fields.items() if inner is not None}
            return pl.Struct(known) if len(known) == len(fields) and fields else None
        case pl.Object():
            return None
    return dtype


def storage_schema(schema: pl.Schema, *, place: str) -> tuple[pl.Schema, tuple[str, ...]]:
    """Return the schema that a table holds ``schema`` as, and what the user should know of it.

    Raises:
        AssetError: A column has a type, or columns have names, that no table can hold.
    """
    stored: dict[str, pl.DataType] = {}
    notes: list[str] = []
    for name, dtype in schema.items():
        target = storage_dtype(dtype)
        if target is None:
            raise AssetError(
                f"the column `{name}` has the type {dtype}, which a Delta table cannot hold",
                code="POL309",
                place=place,
                hint=f'cast it in the function, for example pl.col("{name}").cast(pl.String)',
            )
        stored[name] = target
        note = _note(dtype, target)
        if note:
            notes.append(f"the column `{name}` is stored {note}")
    twins = sorted({*same_but_case(schema), *_nested_twins(schema.values())})
    if twins:
        raise AssetError(
            f"names of columns differ in upper and lower case only: {'; '.join(twins)}; "
            "a Delta table cannot tell them apart",
            code="POL319",
            place=place,
            hint="rename one of them in the function with .rename(…)",
        )
    return pl.Schema(stored), tuple(notes)


def storage_cast(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Cast the columns of ``frame`` to ``schema``, a result of :func:`storage_schema`."""
    casts = [
        _to_storage(name, frame.schema[name], target)
        for name, target in schema.items()
        if name in frame.schema and frame.schema[name] != target
    ]
    return frame.with_columns(casts) if casts else frame


def from_storage(frame: pl.LazyFrame, schema: pl.Schema) -> pl.LazyFrame:
    """Give columns that were stored in another type the types in ``schema`` again.

    The rules and the readers of a contract know its own types: an enumeration sorts by its
    categories, not by the alphabet.
    """
    stored = frame.collect_schema()
    return frame.with_columns(
        _restored(pl.col(name), dtype).alias(name)
        for name, dtype in schema.items()
        if name in stored and stored[name] != dtype and stored[name] == storage_dtype(dtype)
    )


def _restored(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    match dtype:
        case pl.Time():
            return value.str.to_time(TIME_FORMAT)
        case pl.Duration():
            return value.cast(pl.Duration("us")).cast(dtype)
        case pl.List():
            return value.list.eval(_restored(pl.element(), _instance(dtype.inner)))
        case pl.Array():
            inner = _instance(dtype.inner)
            return value.list.eval(_restored(pl.element(), inner)).cast(dtype)
        case pl.Struct():
            return value.struct.with_fields(
                _restored(pl.field(name), inner) for name, inner in _fields(dtype).items()
            )
    return value.cast(dtype)


def same_but_case(names: Iterable[str]) -> list[str]:
    """List names that differ in nothing but upper and lower case, as ``a, A``."""
    every = list(names)
    counts = Counter(name.lower() for name in every)
    return [
        ", ".join(f"`{name}`" for name in every if name.lower() == lower)
        for lower, count in counts.items()
        if count > 1
    ]


def _nested_twins(dtypes: Iterable[pl.DataType]) -> Iterator[str]:
    for dtype in dtypes:
        if isinstance(dtype, pl.Struct):
            yield from same_but_case(_fields(dtype))
            yield from _nested_twins(_fields(dtype).values())
        elif isinstance(dtype, pl.List | pl.Array):
            yield from _nested_twins([_instance(dtype.inner)])


def _note(dtype: pl.DataType, target: pl.DataType) -> str | None:
    """Say what a reader of the table will find otherwise than the function returned it."""
    if isinstance(dtype, pl.Datetime):
        parts = []
        if dtype.time_zone not in (None, "UTC"):
            parts.append(f"in UTC, from {dtype.time_zone}")
        if dtype.time_unit == "ns":
            parts.append("in microseconds: Delta has no nanoseconds")
        return ", ".join(parts) or None
    if isinstance(dtype, pl.Duration):
        return "as a number of microseconds: Delta has no Duration"
    return f"as {target}: Delta has no {dtype}" if target != dtype else None


def _to_storage(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = _stored(pl.col(name), dtype)
    if target != pl.String:
        return column.cast(target)
    stored = storage_dtype(dtype) or dtype
    column = column.cast(stored)
    if not stored.is_nested():
        return _as_text(column, stored)
    text = pl.struct(_as_text(column, stored).alias("value")).struct.json_encode()
    return pl.when(pl.col(name).is_not_null()).then(text).alias(name)


def _as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return ``value`` as text; of something nested, what JSON does not know inside it."""
    match dtype:
        case pl.Binary():
            return value.bin.encode("hex")
        case pl.List():
            inner = _instance(dtype.inner)
            return value.list.eval(_as_text(pl.element(), inner)) if _changes(inner) else value
        case pl.Struct():
            fields = _fields(dtype).items()
            texts = [_as_text(pl.field(name), kind) for name, kind in fields if _changes(kind)]
            return value.struct.with_fields(texts) if texts else value
    return value.cast(pl.String)


def _changes(dtype: pl.DataType) -> bool:
    """Tell whether JSON would lose a value of ``dtype``: it knows neither bytes nor NaN."""
    match dtype:
        case pl.List():
            return _changes(_instance(dtype.inner))
        case pl.Struct():
            return any(_changes(inner) for inner in _fields(dtype).values())
    return dtype == pl.Binary or dtype.is_float()


def _stored(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return ``value`` with what a plain cast would get wrong already in its stored form.

    A cast of a time to text forgets the fraction of a second, and the number of a duration
    depends on its unit.
    """
    if not _needs_care(dtype):
        return value
    match dtype:
        case pl.Time():
            return value.dt.to_string(TIME_FORMAT)
        case pl.Duration():
            return value.dt.total_microseconds()
        case pl.List():
            return value.list.eval(_stored(pl.element(), _instance(dtype.inner)))
        case pl.Array():
            return value.arr.to_list().list.eval(_stored(pl.element(), _instance(dtype.inner)))
        case pl.Struct():
            fields = _fields(dtype).items()
            return value.struct.with_fields(_stored(pl.field(name), kind) for name, kind in fields)
    return value


def _needs_care(dtype: pl.DataType) -> bool:
    match dtype:
        case pl.List() | pl.Array():
            return _needs_care(_instance(dtype.inner))
        case pl.Struct():
            return any(_needs_care(inner) for inner in _fields(dtype).values())
    return isinstance(dtype, pl.Time | pl.Duration)


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
        return widened(_instance(table.inner), _instance(arriving.inner))
    if isinstance(table, pl.Struct) and isinstance(arriving, pl.Struct):
        fields, others = _fields(table), _fields(arriving)
        same = fields.keys() == others.keys()
        return same and all(widened(fields[name], others[name]) for name in fields)
    stored = storage_dtype(arriving)
    if stored is None or table == stored:
        return stored is not None
    return _holds(table, stored)


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


def _fields(dtype: pl.Struct) -> dict[str, pl.DataType]:
    return {field.name: _instance(field.dtype) for field in dtype.fields}


def _instance(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
