"""What a Delta table can hold, decided once for all tables.

Delta knows fewer types than Polars. Values are never lost on the way; where a type has no
counterpart, the nearest one that holds every value is taken, and the user is told.
"""

from __future__ import annotations

import polars as pl

from polster.errors import AssetError

UNSIGNED = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.UInt64: pl.Decimal(20, 0),
    pl.Int128: pl.Decimal(38, 0),
    pl.UInt128: pl.Decimal(38, 0),
    pl.Float16: pl.Float32(),
}


def storage_dtype(dtype: pl.DataType) -> pl.DataType | None:
    """Return the dtype that a Delta table holds ``dtype`` as; None if there is none.

    >>> storage_dtype(pl.UInt32())
    Int64
    >>> storage_dtype(pl.Datetime("ns", "Europe/Berlin"))
    Datetime(time_unit='us', time_zone='UTC')
    """
    for unsigned, signed in UNSIGNED.items():
        if dtype == unsigned:
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
            fields = {field.name: storage_dtype(_instance(field.dtype)) for field in dtype.fields}
            known = {name: inner for name, inner in fields.items() if inner is not None}
            return pl.Struct(known) if len(known) == len(fields) and fields else None
        case pl.Object():
            return None
    return dtype


def storage_schema(schema: pl.Schema, *, place: str) -> tuple[pl.Schema, tuple[str, ...]]:
    """Return the schema that a table holds ``schema`` as, and what the user should know of it.

    Raises:
        AssetError: A column has a type that no table can hold.
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
        if target != dtype and not isinstance(dtype, pl.Datetime):
            notes.append(f"the column `{name}` is stored as {target}: Delta has no {dtype}")
        elif isinstance(dtype, pl.Datetime) and dtype.time_zone not in (None, "UTC"):
            notes.append(f"the column `{name}` is stored in UTC, from {dtype.time_zone}")
    return pl.Schema(stored), tuple(notes)


def storage_cast(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Cast the columns of ``frame`` to ``schema``, a result of :func:`storage_schema`."""
    casts = [
        _to_storage(name, frame.schema[name], target)
        for name, target in schema.items()
        if name in frame.schema and frame.schema[name] != target
    ]
    return frame.with_columns(casts) if casts else frame


def _to_storage(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Duration) and target == pl.Int64:
        return column.dt.total_microseconds()
    if isinstance(dtype, pl.Struct) and target == pl.String:
        return column.struct.json_encode()
    if isinstance(dtype, pl.List | pl.Array) and target == pl.String:
        return pl.struct(column.alias("value")).struct.json_encode().alias(name)
    return column.cast(target)


def widened(table: pl.DataType, arriving: pl.DataType) -> bool:
    """Tell whether a value of ``arriving`` can be kept in a column of ``table`` without loss.

    >>> widened(pl.Int64(), pl.Int32())
    True
    >>> widened(pl.Int64(), pl.Float64())
    False
    """
    if table == arriving or arriving == pl.Null:
        return True
    if table == pl.String:
        return not arriving.is_nested() and arriving != pl.Binary
    if table.is_integer() and arriving.is_integer():
        return _bits(arriving) <= _bits(table)
    if table == pl.Float64:
        return arriving == pl.Float32 or (arriving.is_integer() and _bits(arriving) <= 32)
    return bool(isinstance(table, pl.Datetime) and arriving == pl.Date)


def _bits(dtype: pl.DataType) -> int:
    return int(str(dtype).removeprefix("Int"))


def _instance(dtype: pl.DataType | type[pl.DataType]) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype
