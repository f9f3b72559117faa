"""Column lineage: which columns a column is made of, from gold back to bronze."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from polster.model.asset import AssetKey
from polster.model.codec import from_json

FIELDS_NOT_SHOWN = "Polars does not show which fields it takes"
"""Why it is not certain which part of a struct goes into a column, though the struct does."""


@dataclass(frozen=True, slots=True, order=True)
class ColumnRef:
    """A column of an asset's table, ``silver.orders.amount``, or a field in it.

    Attributes:
        field: Names of the fields on the way into structs; empty for the column as a whole.
    """

    asset: AssetKey
    column: str
    field: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ".".join((str(self.asset), self.column, *self.field))

    def overlaps(self, other: ColumnRef) -> bool:
        """Tell whether one is the other, or holds it.

        >>> from polster.model.layer import Layer
        >>> people = AssetKey(Layer.BRONZE, "people")
        >>> person = ColumnRef(people, "person")
        >>> person.overlaps(ColumnRef(people, "person", ("land",)))
        True
        >>> ColumnRef(people, "person", ("email",)).overlaps(ColumnRef(people, "person", ("land",)))
        False
        """
        common = min(len(self.field), len(other.field))
        return (
            self.asset == other.asset
            and self.column == other.column
            and self.field[:common] == other.field[:common]
        )


@dataclass(frozen=True, slots=True)
class ColumnOrigin:
    """What one column is made of, one step back.

    Attributes:
        values: Columns whose values go into it.
        influences: Columns that decide which rows or groups there are, or which value is taken:
            filters, join keys, group keys, conditions.
        unknown: Why nothing certain can be said, such as a Python function on the way; None if
            the two sets are certain. They then hold what may be meant, at least.
    """

    values: frozenset[ColumnRef] = frozenset()
    influences: frozenset[ColumnRef] = frozenset()
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class AssetLineage:
    """The columns of one asset, and what each is made of.

    Attributes:
        columns: By name, in the table's order.
        unknown: Why nothing is known of any column, such as an input of unknown columns.
        fields: The same of fields in structs, by column and field, where it is known.
    """

    asset: AssetKey
    columns: Mapping[str, ColumnOrigin] = field(default_factory=dict)
    unknown: str | None = None
    fields: Mapping[tuple[str, ...], ColumnOrigin] = field(default_factory=dict)

    def parts(self) -> Iterator[tuple[ColumnRef, ColumnOrigin]]:
        """Yield what is known most finely: columns, or the fields in them where those are known."""
        whole = {path[:-1] for path in self.fields}
        for name, origin in self.columns.items():
            if (name,) not in whole:
                yield ColumnRef(self.asset, name), origin
        for path, origin in self.fields.items():
            if path not in whole:
                yield ColumnRef(self.asset, path[0], path[1:]), origin


@dataclass(frozen=True, slots=True)
class Arrow:
    """One step from a column to another.

    Attributes:
        end: Where it leads: upstream or downstream, as asked.
        by_value: Whether values go along it, not mere influence.
        unknown: Why it only may be there; None if it is certain.
    """

    end: ColumnRef
    by_value: bool
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class Reached:
    """A column that a walk through the lineage came to.

    Attributes:
        steps: How many arrows away it is, from 1.
        by_value: Whether values reach it on some way that no mere influence interrupts.
        is_certain: Whether there is a way on which every step is known.
    """

    ref: ColumnRef
    steps: int
    by_value: bool
    is_certain: bool


class Lineage:
    """The lineage of a whole pipeline, walked in both directions."""

    def __init__(self, assets: Iterable[AssetLineage]) -> None:
        self.assets = {entry.asset: entry for entry in assets}
        self._up: dict[ColumnRef, list[Arrow]] = {}
        self._down: dict[ColumnRef, list[Arrow]] = {}
        self._within: dict[tuple[AssetKey, str], list[ColumnRef]] = {}
        for entry in self.assets.values():
            columns = {ColumnRef(entry.asset, name): each for name, each in entry.columns.items()}
            fields = {ColumnRef(entry.asset, p[0], p[1:]): o for p, o in entry.fields.items()}
            for target, origin in (columns | fields).items():
                self._up[target] = _arrows(origin)
            for target, origin in entry.parts():
                for arrow in _arrows(origin):
                    if arrow.end not in self._down:
                        place = (arrow.end.asset, arrow.end.column)
                        self._within.setdefault(place, []).append(arrow.end)
                    self._down.setdefault(arrow.end, []).append(replace(arrow, end=target))

    def columns(self, asset: AssetKey) -> tuple[str, ...]:
        """List the columns of ``asset`` that are known, also those known only from its readers."""
        own = self.assets[asset].columns if asset in self.assets else {}
        read = sorted(ref.column for ref in self._down if ref.asset == asset)
        return tuple(dict.fromkeys([*own, *read]))

    def fields(self, asset: AssetKey) -> tuple[tuple[str, ...], ...]:
        """List the fields of ``asset`` that are known, each by its column and names of fields.

        Those known only from their readers are among them.
        """
        own = self.assets[asset].fields if asset in self.assets else {}
        read = sorted((r.column, *r.field) for r in self._down if r.asset == asset and r.field)
        return tuple(dict.fromkeys([*own, *read]))

    def origin(self, ref: ColumnRef) -> ColumnOrigin:
        """Return what ``ref`` is made of; nothing if it is not known to exist."""
        entry = self.assets.get(ref.asset)
        if entry is None:
            return ColumnOrigin()
        whole = entry.columns.get(ref.column, ColumnOrigin())
        return entry.fields.get((ref.column, *ref.field), whole)

    def sources(self, ref: ColumnRef) -> Sequence[Arrow]:
        """List what ``ref`` is made of, one step back, sorted.

        Of a field of which nothing is known, what holds it is made of.
        """
        known = ref
        while known.field and known not in self._up:
            known = replace(known, field=known.field[:-1])
        return self._up.get(known, ())

    def readers(self, ref: ColumnRef) -> Sequence[Arrow]:
        """List what ``ref``, a field in it, or what holds it goes into, one step on, in order."""
        read = self._within.get((ref.asset, ref.column), ())
        return [arrow for other in read if other.overlaps(ref) for arrow in self._down[other]]

    def upstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` is made of, nearest first."""
        return _walk(start, self.sources)

    def downstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` goes into, nearest first."""
        return _walk(start, self.readers)


def _arrows(origin: ColumnOrigin) -> list[Arrow]:
    return [
        Arrow(source, source in origin.values, origin.unknown)
        for source in sorted(origin.values | origin.influences)
    ]


def _walk(start: ColumnRef, arrows: Callable[[ColumnRef], Sequence[Arrow]]) -> list[Reached]:
    found: dict[ColumnRef, Reached] = {}
    waiting = deque([Reached(start, 0, by_value=True, is_certain=True)])
    while waiting:
        here = waiting.popleft()
        for arrow in arrows(here.ref):
            by_value = here.by_value and arrow.by_value
            certain = here.is_certain and arrow.unknown is None
            known = found.get(arrow.end)
            if known is None:
                reached = Reached(arrow.end, here.steps + 1, by_value, certain)
            else:
                reached = Reached(
                    arrow.end, known.steps, known.by_value or by_value, known.is_certain or certain
                )
            if reached != known:
                found[arrow.end] = reached
                waiting.append(reached)
    return sorted(found.values(), key=lambda reached: (reached.steps, reached.ref))


def lineage_to_json(lineage: AssetLineage) -> str:
    """Write ``lineage`` as JSON; each column that it names is written once.

    >>> from polster.model.layer import Layer
    >>> orders = AssetKey(Layer.BRONZE, "orders")
    >>> spent = ColumnOrigin(frozenset({ColumnRef(orders, "amount")}))
    >>> lineage_to_json(AssetLineage(AssetKey(Layer.SILVER, "orders"), {"amount": spent}))
    '{"refs":[["bronze.orders","amount"]],"columns":{"amount":[[0],[]]}}'
    """
    origins = [*lineage.columns.values(), *lineage.fields.values()]
    refs = sorted({ref for origin in origins for ref in origin.values | origin.influences})
    number = {ref: index for index, ref in enumerate(refs)}

    def told(origin: ColumnOrigin) -> list[Any]:
        return [
            sorted(number[ref] for ref in origin.values),
            sorted(number[ref] for ref in origin.influences),
            *([] if origin.unknown is None else [origin.unknown]),
        ]

    written: dict[str, Any] = {
        "refs": [[str(ref.asset), ref.column, *ref.field] for ref in refs],
        "columns": {name: told(origin) for name, origin in lineage.columns.items()},
    }
    if lineage.fields:
        written["fields"] = [[list(path), *told(each)] for path, each in lineage.fields.items()]
    if lineage.unknown is not None:
        written["unknown"] = lineage.unknown
    return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def lineage_from_json(asset: AssetKey, text: str) -> AssetLineage:
    """Read what :func:`lineage_to_json` wrote."""
    written = json.loads(text)
    refs = [
        ColumnRef(from_json(AssetKey, key), column, tuple(path))
        for key, column, *path in written["refs"]
    ]

    def read(values: list[int], influences: list[int], *unknown: str) -> ColumnOrigin:
        return ColumnOrigin(
            frozenset(refs[number] for number in values),
            frozenset(refs[number] for number in influences),
            unknown[0] if unknown else None,
        )

    columns = {name: read(*told) for name, told in written["columns"].items()}
    fields = {tuple(path): read(*told) for path, *told in written.get("fields", ())}
    return AssetLineage(asset, columns, written.get("unknown"), fields)
