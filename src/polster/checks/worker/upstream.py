"""What is known of a table that others read, also as a text that tells one from another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

PLAIN_TYPES: dict[str, pl.DataType] = {
    str(dtype): dtype
    for dtype in (
        *(pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Float32(), pl.Float64()),
        *(pl.Boolean(), pl.String(), pl.Binary(), pl.Date()),
    )
}
"""Types of a table's columns that have no parameters."""


class UnknownTypeError(ValueError):
    """A type that no table has, so that nobody thought of how to write it."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What is known of a table that others read.

    Attributes:
        schema: Its columns as they are stored; None if unknown.
        why: Why it is unknown, as a clause.
        not_null: Columns in which no null is published.
        limits: Columns whose values its contract limits, and to how many; 0 if nobody knows.
    """

    schema: pl.Schema | None
    why: str = ""
    not_null: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)


def upstream_text(upstream: Upstream) -> str | None:
    """Write ``upstream`` out, the same text for equal ones; None if it has an unknown type.

    >>> upstream_text(Upstream(pl.Schema({"day": pl.Datetime("us")}), not_null=frozenset({"day"})))
    '[[["day",["Datetime","us",null]]],"",["day"],{}]'
    """
    try:
        columns = (
            None
            if upstream.schema is None
            else [[name, _written(dtype)] for name, dtype in upstream.schema.items()]
        )
    except UnknownTypeError:
        return None
    limits = dict(sorted(upstream.limits.items()))
    told = [columns, upstream.why, sorted(upstream.not_null), limits]
    return json.dumps(told, separators=(",", ":"))


def upstream_from_text(text: str) -> Upstream:
    """Read what :func:`upstream_text` wrote.

    Raises:
        ValueError: It did not.
    """
    try:
        columns, why, not_null, limits = json.loads(text)
        schema = None if columns is None else pl.Schema((n, _read(dtype)) for n, dtype in columns)
        return Upstream(schema, why, frozenset(not_null), limits)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an upstream: {text}") from error


def _written(dtype: pl.DataType) -> Any:
    plain = str(dtype)
    if PLAIN_TYPES.get(plain) == dtype:
        return plain
    match dtype:
        case pl.Datetime():
            return ["Datetime", dtype.time_unit, dtype.time_zone]
        case pl.Decimal():
            return ["Decimal", dtype.precision, dtype.scale]
        case pl.List() if isinstance(dtype.inner, pl.DataType):
            return ["List", _written(dtype.inner)]
        case pl.Struct():
            return ["Struct", [[f.name, _written_field(f)] for f in dtype.fields]]
    raise UnknownTypeError(plain)


def _written_field(field: pl.Field) -> Any:
    if not isinstance(field.dtype, pl.DataType):
        raise UnknownTypeError(str(field.dtype))
    return _written(field.dtype)


def _read(written: str | Sequence[Any]) -> pl.DataType:
    if isinstance(written, str):
        return PLAIN_TYPES[written]
    match written:
        case ["Datetime", unit, zone]:
            return pl.Datetime(unit, zone)
        case ["Decimal", precision, scale]:
            return pl.Decimal(precision, scale)
        case ["List", inner]:
            return pl.List(_read(inner))
        case ["Struct", fields]:
            return pl.Struct([pl.Field(name, _read(inner)) for name, inner in fields])
    raise ValueError(f"not a type: {written}")
