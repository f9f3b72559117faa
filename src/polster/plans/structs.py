"""What flows into the fields of structs, and of structs in lists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import polars as pl

from polster.plans.values import Flow, Origin, merged, unsure

KEEPING = frozenset(
    {"DropNulls", "Gather", "Get", "Head", "Reverse", "Sample", "Slice", "Sort", "Tail", "Unique"}
    | {"RenameFields", "PrefixFields", "SuffixFields", "MapFieldNames"}
    | {"drop_nulls", "reverse", "unique", "fill_null_with_strategy"}
)
"""Functions that give structs of the same fields in the same order, whatever their names."""


def struct_of(dtype: Any) -> pl.Struct | None:
    """Return the struct that a column holds, also in lists; None if it holds none."""
    while isinstance(dtype, pl.List | pl.Array):
        dtype = dtype.inner
    return dtype if isinstance(dtype, pl.Struct) else None


def field_names(dtype: Any) -> list[str]:
    """Return the names of the fields of a struct, also in lists."""
    struct = struct_of(dtype)
    return [each.name for each in struct.fields] if struct else []


def read_fields(origin: Origin, dtype: Any) -> tuple[Flow, ...] | None:
    """Return the flows of the fields of an input's column, or of a field of one."""
    struct = struct_of(dtype)
    if struct is None:
        return None
    return tuple(
        Flow(
            frozenset({(*origin, each.name)}), fields=read_fields((*origin, each.name), each.dtype)
        )
        for each in struct.fields
    )


def picked(flow: Flow, dtype: Any, name: str) -> Flow:
    """Return the flow of one field; of the whole struct if its fields are not known apart."""
    names = field_names(dtype)
    if flow.fields is None or name not in names or len(names) != len(flow.fields):
        return replace(unsure(flow), fields=None)
    field = flow.fields[names.index(name)]
    touched = field.touched | flow.touched
    if flow.never_null and field.never_null:
        return replace(field, touched=touched)
    return replace(unsure(field), touched=touched)


def together(flows: Iterable[Flow]) -> tuple[Flow, ...] | None:
    """Return the fields of a struct that is one of ``flows``; None if one is not known apart."""
    known = [flow.fields for flow in flows if flow.fields is not None or flow.every or flow.unknown]
    first = known[0] if known else None
    if first is None or any(fields is None or len(fields) != len(first) for fields in known):
        return None
    columns = zip(*(fields or () for fields in known), strict=True)
    return tuple(replace(merged(parts), fields=together(parts)) for parts in columns)


def named_fields(
    path: tuple[str, ...], flow: Flow, dtype: Any
) -> Iterator[tuple[tuple[str, ...], Flow]]:
    """Yield every field below a column with its path, as far as the fields are known."""
    names = field_names(dtype)
    if flow.fields is None or len(names) != len(flow.fields):
        return
    struct = struct_of(dtype)
    for each, part in zip(struct.fields if struct else (), flow.fields, strict=True):
        yield (*path, each.name), part
        yield from named_fields((*path, each.name), part, each.dtype)
