"""What a Delta table can hold, decided once for all tables.

Delta knows fewer types than Polars. Where a type has no counterpart, the nearest one is stored,
and readers get the type back that was published: the table's schema remembers it. A few types
hold values that the stored one cannot (:func:`is_exact`); such values are never published.
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
EXACT_FORMAT = "%Y-%m-%dT%H:%M:%S%.9f"


def storage_dtype(dtype: pl.DataType, *, every_value: bool = False) -> pl.DataType | None:
    """Return the dtype that a Delta table holds ``dtype`` as; None if there is none.

    Args:
        dtype: What is to be held.
        every_value: Whether it must hold each value of ``dtype``, as text if need be.

    >>> storage_dtype(pl.UInt32())
    Int64
    >>> storage_dtype(pl.Datetime("ns", "Europe/Berlin"))
    Datetime(time_unit='us', time_zone='UTC')
    >>> storage_dtype(pl.Datetime("ns", "Europe/Berlin"), every_value=True)
    String
    """
    if every_value and not dtype.is_nested() and not is_exact(dtype):
        return pl.String()
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
            inner = storage_dtype(dtype_of(dtype.inner), every_value=every_value)
            return None if inner is None else pl.List(inner)
        case pl.Struct():
            fields = {
                name: storage_dtype(inner, every_value=every_value)
                for name, inner in fields_of(dtype).items()
            }
            known = {name: inner for name, inner in fields.items() if inner is not None}
            return pl.Struct(known) if len(known) == len(fields) and fields else None
        case pl.Object():
            return None
    return dtype


def is_exact(dtype: pl.DataType) -> bool:
    """Tell whether a table holds every value of ``dtype``.

    It has no nanoseconds, and no number of more than 38 digits.
    """
    match dtype:
        case pl.List() | pl.Array():
            return is_exact(dtype_of(dtype.inner))
        case pl.Struct():
            return all(is_exact(inner) for inner in fields_of(dtype).values())
        case pl.Datetime() | pl.Duration():
            return dtype.time_unit != "ns"
    return not isinstance(dtype, pl.Int128 | pl.UInt128)


def is_naive(dtype: pl.DataType) -> bool:
    """Tell whether ``dtype`` is, or holds, a moment without a zone."""
    match dtype:
        case pl.Datetime():
            return dtype.time_zone is None
        case pl.List():
            return is_naive(dtype_of(dtype.inner))
        case pl.Struct():
            return any(is_naive(inner) for inner in fields_of(dtype).values())
    return False


def read_schema(schema: pl.Schema) -> pl.Schema:
    """Return the columns that readers get where ``schema`` is published.

    The same, but for a column without a type, which is text from then on.
    """
    return pl.Schema({name: _without_null(dtype) for name, dtype in schema.items()})


def storage_schema(schema: pl.Schema, *, place: str, every_value: bool = False) -> pl.Schema:
    """Return the schema that a table holds ``schema`` as.

    Args:
        schema: Columns to be held.
        place: Where their function is.
        every_value: As for :func:`storage_dtype`.

    Raises:
        AssetError: A column has a type, or columns have names, that no table can hold.
    """
    stored: dict[str, pl.DataType] = {}
    for name, dtype in schema.items():
        target = storage_dtype(dtype, every_value=every_value)
        if target is None:
            raise AssetError(
                f"the column `{name}` has the type {dtype}, which a Delta table cannot hold",
                code="POL309",
                place=place,
                hint=_way_out(name, dtype),
            )
        stored[name] = target
    twins = sorted({*same_but_case(schema), *nested_twins(schema.values())})
    if twins:
        raise AssetError(
            f"names of columns differ in upper and lower case only: {'; '.join(twins)}; "
            "a Delta table cannot tell them apart",
            code="POL319",
            place=place,
            hint="rename one of them in the function with .rename(…)",
        )
    return pl.Schema(stored)


def _way_out(name: str, dtype: pl.DataType) -> str:
    if isinstance(dtype, pl.Object):
        text = f'pl.col("{name}").map_elements(str, return_dtype=pl.String)'
        return f"make it text in the function: .with_columns({text})"
    return f'leave it out in the function: .drop("{name}")'


def storage_cast(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Cast the columns of ``frame`` to ``schema``, a result of :func:`storage_schema`."""
    before = frame.schema
    casts = [
        _to_storage(name, before[name], target)
        for name, target in schema.items()
        if name in before and before[name] != target
    ]
    return frame.with_columns(casts) if casts else frame


def from_storage(
    frame: pl.LazyFrame, schema: pl.Schema, *, every_value: bool = False
) -> pl.LazyFrame:
    """Give columns that were stored in another type the types in ``schema`` again.

    The rules and the readers of a contract know its own types: an enumeration sorts by its
    categories, not by the alphabet, and a day begins at midnight of the contract's zone.

    Args:
        frame: Columns as they are stored.
        schema: The types that they had before.
        every_value: Whether :func:`storage_schema` was told so.
    """
    stored = frame.collect_schema()
    return frame.with_columns(
        _restored(pl.col(name), stored[name], dtype).alias(name)
        for name, dtype in schema.items()
        if name in stored
        and stored[name] != dtype
        and is_stored_as(dtype, stored[name], every_value=every_value)
    )


def is_stored_as(dtype: pl.DataType, stored: pl.DataType, *, every_value: bool = False) -> bool:
    """Tell whether ``stored`` is what a table holds ``dtype`` as; see :func:`storage_dtype`."""
    return stored == storage_dtype(dtype, every_value=every_value)


def _without_null(dtype: pl.DataType) -> pl.DataType:
    match dtype:
        case pl.Null():
            return pl.String()
        case pl.List():
            return pl.List(_without_null(dtype_of(dtype.inner)))
        case pl.Array():
            return pl.Array(_without_null(dtype_of(dtype.inner)), dtype.size)
        case pl.Struct():
            return pl.Struct({name: _without_null(kind) for name, kind in fields_of(dtype).items()})
    return dtype


def _restored(value: pl.Expr, stored: pl.DataType, dtype: pl.DataType) -> pl.Expr:
    if not _needs_care(dtype):
        return value.cast(dtype)  # of which its reader sees through the plan
    match dtype:
        case pl.Time():
            return value.str.to_time(TIME_FORMAT)
        case pl.Datetime() if stored == pl.String:
            exact = value.str.to_datetime(EXACT_FORMAT, time_unit=dtype.time_unit)
            return exact.dt.replace_time_zone("UTC").cast(dtype) if dtype.time_zone else exact
        case pl.Duration() if stored == pl.String:
            return value.cast(pl.Int64).cast(dtype)
        case pl.Duration():
            return value.cast(pl.Duration("us")).cast(dtype)
        case pl.List():
            return value.list.eval(_restored_item(stored, dtype))
        case pl.Array():
            return value.list.eval(_restored_item(stored, dtype)).cast(dtype)
        case pl.Struct() if isinstance(stored, pl.Struct):
            before = fields_of(stored)
            return value.struct.with_fields(
                _restored(pl.field(name), before[name], inner)
                for name, inner in fields_of(dtype).items()
            )
    return value.cast(dtype)


def _restored_item(stored: pl.DataType, dtype: pl.List | pl.Array) -> pl.Expr:
    inner = dtype_of(stored.inner) if isinstance(stored, pl.List) else stored
    return _restored(pl.element(), inner, dtype_of(dtype.inner))


def same_but_case(names: Iterable[str]) -> list[str]:
    """List names that differ in nothing but upper and lower case, as ``a, A``."""
    every = list(names)
    counts = Counter(name.lower() for name in every)
    return [
        ", ".join(f"`{name}`" for name in every if name.lower() == lower)
        for lower, count in counts.items()
        if count > 1
    ]


def nested_twins(dtypes: Iterable[pl.DataType]) -> Iterator[str]:
    """Find the fields of structs that differ in nothing but upper and lower case."""
    for dtype in dtypes:
        if isinstance(dtype, pl.Struct):
            yield from same_but_case(fields_of(dtype))
            yield from nested_twins(fields_of(dtype).values())
        elif isinstance(dtype, pl.List | pl.Array):
            yield from nested_twins([dtype_of(dtype.inner)])


def _to_storage(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    column = _stored(pl.col(name), dtype, target)
    if target != pl.String:
        return column.cast(target)
    stored = storage_dtype(dtype, every_value=True) or dtype
    column = column.cast(stored)
    if not stored.is_nested():
        return as_text(column, stored)
    text = pl.struct(as_text(column, stored).alias("value")).struct.json_encode()
    return pl.when(pl.col(name).is_not_null()).then(text).alias(name)


def as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return ``value`` as text; of something nested, what JSON does not know inside it."""
    match dtype:
        case pl.Binary():
            return value.bin.encode("hex")
        case pl.List():
            inner = dtype_of(dtype.inner)
            return value.list.eval(as_text(pl.element(), inner)) if _changes(inner) else value
        case pl.Struct():
            fields = fields_of(dtype).items()
            texts = [as_text(pl.field(name), kind) for name, kind in fields if _changes(kind)]
            return value.struct.with_fields(texts) if texts else value
    return value.cast(pl.String)


def _changes(dtype: pl.DataType) -> bool:
    """Tell whether JSON would lose a value of ``dtype``: it knows neither bytes nor NaN."""
    match dtype:
        case pl.List():
            return _changes(dtype_of(dtype.inner))
        case pl.Struct():
            return any(_changes(inner) for inner in fields_of(dtype).values())
    return dtype == pl.Binary or dtype.is_float()


def _stored(value: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return ``value`` with what a plain cast would get wrong already in its stored form.

    A cast of a time to text forgets the fraction of a second, the number of a duration depends
    on its unit, and text that is to keep each nanosecond has a form of its own.
    """
    if not _needs_care(dtype):
        return value
    match dtype:
        case pl.Time():
            return value.dt.to_string(TIME_FORMAT)
        case pl.Datetime() if target == pl.String and not is_exact(dtype):
            utc = value.dt.convert_time_zone("UTC") if dtype.time_zone else value
            return utc.dt.to_string(EXACT_FORMAT)
        case pl.Duration() if target == pl.String and not is_exact(dtype):
            return value.dt.total_nanoseconds().cast(pl.String)
        case pl.Duration():
            return value.dt.total_microseconds()
        case pl.List() | pl.Array():
            inner = target.inner if isinstance(target, pl.List) else pl.String
            item = _stored(pl.element(), dtype_of(dtype.inner), dtype_of(inner))
            listed = value.arr.to_list() if isinstance(dtype, pl.Array) else value
            return listed.list.eval(item)
        case pl.Struct():
            targets = fields_of(target) if isinstance(target, pl.Struct) else {}
            return value.struct.with_fields(
                _stored(pl.field(name), kind, targets.get(name, pl.String()))
                for name, kind in fields_of(dtype).items()
            )
    return value


def _needs_care(dtype: pl.DataType) -> bool:
    match dtype:
        case pl.List() | pl.Array():
            return _needs_care(dtype_of(dtype.inner))
        case pl.Struct():
            return any(_needs_care(inner) for inner in fields_of(dtype).values())
    return isinstance(dtype, pl.Time | pl.Duration) or not is_exact(dtype)


def fields_of(dtype: pl.Struct) -> dict[str, pl.DataType]:
    """Return the fields of a struct by name."""
    return {field.name: dtype_of(field.dtype) for field in dtype.fields}


def dtype_of(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    """Return an inner type, which Polars may give as its class."""
    return dtype if isinstance(dtype, pl.DataType) else dtype()
