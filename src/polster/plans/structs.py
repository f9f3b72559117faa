"""What flows into the fields of structs, and of structs in lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from polster.model.lineage import FIELDS_NOT_SHOWN
from polster.plans.values import Flow, Origin, merged, unsure

KEEPING = frozenset(
    {"DropNulls", "Gather", "Get", "Head", "Reverse", "Sample", "Slice", "Sort", "Tail", "Unique"}
    | {"RenameFields", "PrefixFields", "SuffixFields", "MapFieldNames"}
    | {"drop_nulls", "reverse", "unique", "fill_null_with_strategy"}
)
"""Functions that give structs of the same fields in the same order, whatever their names."""
WITH_FIELDS = re.compile(r"\.struct\.with_fields\(\[")
NAMED = re.compile(r'\bfield\("(.*?)"\)')
"""How the text of a plan writes ``pl.field``."""


@dataclass(slots=True)
class NamedFields:
    """Which fields of its own struct each new field of ``with_fields`` names by ``pl.field``.

    The visitor shows that there is one, not which: only the text of the plan says that.

    Attributes:
        text: Of the plan, not optimized; empty as long as nobody needs it.
        is_needed: Whether there is a ``pl.field`` in the plan.
    """

    text: str = ""
    is_needed: bool = False
    _written: list[list[list[str]]] = field(default_factory=list)

    def of(self, counts: Sequence[int]) -> list[frozenset[str]] | None:
        """Return the names for each new field of one ``with_fields``.

        Args:
            counts: How often ``pl.field`` stands in each new field.

        Returns:
            Of all that look alike in the text together; None if the text shows none like it.
        """
        if not any(counts):
            return [frozenset() for _ in counts]
        self.is_needed = True
        if self.text and not self._written:
            starts = (found.end() for found in WITH_FIELDS.finditer(self.text))
            self._written = [
                [NAMED.findall(part) for part in _separated(self.text, start)] for start in starts
            ]
        alike = [parts for parts in self._written if [len(part) for part in parts] == [*counts]]
        together = [frozenset().union(*parts) for parts in zip(*alike, strict=True)]
        return together or None


def named_in(own: Flow, dtype: Any, names: frozenset[str] | None) -> Flow:
    """Return what flows into a value made of the fields ``names`` of a struct."""
    fields = dict(zip(field_names(dtype), own.fields or (), strict=False))
    if names is None or not names <= fields.keys():
        return replace(unsure(own), fields=None, unknown=own.unknown or FIELDS_NOT_SHOWN)
    taken = [fields[name] for name in sorted(names)]
    return unsure(taken[0]) if len(taken) == 1 else merged(taken)


def _separated(text: str, start: int) -> Iterator[str]:
    """Yield the parts of a list in ``text`` that commas separate."""
    depth, quoted, begin = 0, False, start
    for at in range(start, len(text)):
        sign = text[at]
        if sign == '"':
            quoted = not quoted
        elif quoted:
            continue
        elif sign in ")]}" and depth == 0:
            yield text[begin:at]
            return
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[begin:at]
            begin = at + 1


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
    found = flow.fields[names.index(name)]
    touched = found.touched | flow.touched
    if flow.never_null and found.never_null:
        return replace(found, touched=touched)
    return replace(unsure(found), touched=touched)


def together(flows: Iterable[Flow]) -> tuple[Flow, ...] | None:
    """Return the fields of a struct that is one of ``flows``; None if one is not known apart."""
    known = [flow.fields for flow in flows if flow.fields is not None or flow.every or flow.unknown]
    first = known[0] if known else None
    if first is None or any(fields is None or len(fields) != len(first) for fields in known):
        return None
    columns = zip(*(fields or () for fields in known), strict=True)
    return tuple(replace(merged(parts), fields=together(parts)) for parts in columns)


def field_paths(path: tuple[str, ...], dtype: Any) -> Iterator[tuple[str, ...]]:
    """Yield every field below a column of ``dtype`` with its path."""
    struct = struct_of(dtype)
    for each in struct.fields if struct else ():
        yield (*path, each.name)
        yield from field_paths((*path, each.name), each.dtype)


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
