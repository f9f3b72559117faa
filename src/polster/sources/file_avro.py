"""Avro files, by ``fastavro``: a file that is cut is told, which readers of Polars pass over."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from polster.sources.file_text import UnreadableFileError, library

PLAIN: Mapping[str, pl.DataType] = {
    "null": pl.Null(),
    "boolean": pl.Boolean(),
    "int": pl.Int32(),
    "long": pl.Int64(),
    "float": pl.Float32(),
    "double": pl.Float64(),
    "bytes": pl.Binary(),
    "fixed": pl.Binary(),
    "string": pl.String(),
    "enum": pl.String(),
}
LOGICAL: Mapping[str, pl.DataType] = {
    "date": pl.Date(),
    "time-millis": pl.Time(),
    "time-micros": pl.Time(),
    "timestamp-millis": pl.Datetime("ms", "UTC"),
    "timestamp-micros": pl.Datetime("us", "UTC"),
    "local-timestamp-millis": pl.Datetime("ms"),
    "local-timestamp-micros": pl.Datetime("us"),
    "uuid": pl.String(),
}
MOST_DIGITS = 38


def read_avro(path: Path) -> pl.DataFrame:
    """Read an Avro file, all of it, in the types of its schema.

    What Polars has no type for, such as a map, or a choice of several types, becomes its JSON.

    Raises:
        UnreadableFileError: It is malformed.
        OSError: It cannot be opened.
    """
    fastavro = library("fastavro", "avro")
    try:
        with path.open("rb") as opened:
            reader = fastavro.reader(opened)
            schema: Any = reader.writer_schema
            records: list[dict[str, Any]] = list(reader)
    except OSError:
        raise
    except Exception as error:  # whatever stands in it may be anything
        raise UnreadableFileError(f"it is no whole Avro: {_said(error)}") from error
    if not (isinstance(schema, dict) and schema.get("type") == "record"):
        raise UnreadableFileError("its values are no records")
    named: dict[str, Any] = {}
    types = {each["name"]: _dtype(each["type"], named) for each in schema["fields"]}
    columns = []
    for name, dtype in types.items():
        values = [_value(record[name], dtype) for record in records]
        columns.append(pl.Series(name, values, dtype or pl.String()))
    return pl.DataFrame(columns)


def _dtype(schema: Any, named: dict[str, Any]) -> pl.DataType | None:
    """Return the type of what a schema describes; None if there is none."""
    if isinstance(schema, list):
        others = [each for each in schema if each != "null"]
        return _dtype(others[0], named) if len(others) == 1 else None if others else pl.Null()
    if isinstance(schema, str):
        return PLAIN.get(schema) or _dtype(named.get(schema, []), named)
    kind = schema["type"]
    if "name" in schema:
        space = schema.get("namespace")
        named[schema["name"]] = schema
        named[f"{space}.{schema['name']}"] = schema
    match schema.get("logicalType"):
        case "decimal" if schema["precision"] <= MOST_DIGITS:
            return pl.Decimal(schema["precision"], schema.get("scale", 0))
        case "decimal":
            return None
        case str() as logical if logical in LOGICAL:
            return LOGICAL[logical]
    if kind == "array":
        inner = _dtype(schema["items"], named)
        return pl.List(inner) if inner is not None else None
    if kind == "record":
        fields = {each["name"]: _dtype(each["type"], named) for each in schema["fields"]}
        known = {name: dtype for name, dtype in fields.items() if dtype is not None}
        return pl.Struct(known) if len(known) == len(fields) else None
    return PLAIN.get(kind) if isinstance(kind, str) else _dtype(kind, named)


def _value(value: Any, dtype: pl.DataType | None) -> Any:
    if value is None:
        return None
    if dtype is None:
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value) if dtype == pl.String() else value


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
