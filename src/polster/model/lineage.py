"""Column lineage: which columns a column is made of, from gold back to bronze."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from polster.model.asset import AssetKey


@dataclass(frozen=True, slots=True, order=True)
class ColumnRef:
    """A column of an asset's table: ``silver.orders.amount``."""

    asset: AssetKey
    column: str

    def __str__(self) -> str:
        return f"{self.asset}.{self.column}"


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
    """

    asset: AssetKey
    columns: Mapping[str, ColumnOrigin] = field(default_factory=dict)
    unknown: str | None = None


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
        for entry in self.assets.values():
            for name, origin in entry.columns.items():
                target = ColumnRef(entry.asset, name)
                for source in sorted(origin.values | origin.influences):
                    by_value = source in origin.values
                    self._up.setdefault(target, []).append(Arrow(source, by_value, origin.unknown))
                    self._down.setdefault(source, []).append(
                        Arrow(target, by_value, origin.unknown)
                    )

    def columns(self, asset: AssetKey) -> tuple[str, ...]:
        """List the columns of ``asset`` that are known, also those known only from its readers."""
        own = self.assets[asset].columns if asset in self.assets else {}
        read = sorted(ref.column for ref in self._down if ref.asset == asset)
        return tuple(dict.fromkeys([*own, *read]))

    def origin(self, ref: ColumnRef) -> ColumnOrigin:
        """Return what ``ref`` is made of; nothing if it is not known to exist."""
        entry = self.assets.get(ref.asset)
        return entry.columns.get(ref.column, ColumnOrigin()) if entry else ColumnOrigin()

    def sources(self, ref: ColumnRef) -> Sequence[Arrow]:
        """List what ``ref`` is made of, one step back, sorted."""
        return self._up.get(ref, ())

    def readers(self, ref: ColumnRef) -> Sequence[Arrow]:
        """List what ``ref`` goes into, one step on, in the pipeline's order."""
        return self._down.get(ref, ())

    def upstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` is made of, nearest first."""
        return _walk(start, self._up)

    def downstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` goes into, nearest first."""
        return _walk(start, self._down)


def _walk(start: ColumnRef, arrows: Mapping[ColumnRef, Sequence[Arrow]]) -> list[Reached]:
    found: dict[ColumnRef, Reached] = {}
    waiting = deque([Reached(start, 0, by_value=True, is_certain=True)])
    while waiting:
        here = waiting.popleft()
        for arrow in arrows.get(here.ref, ()):
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
    origins = lineage.columns.values()
    refs = sorted({ref for origin in origins for ref in origin.values | origin.influences})
    number = {ref: index for index, ref in enumerate(refs)}
    columns: dict[str, list[Any]] = {}
    for name, origin in lineage.columns.items():
        columns[name] = [
            sorted(number[ref] for ref in origin.values),
            sorted(number[ref] for ref in origin.influences),
        ]
        if origin.unknown is not None:
            columns[name].append(origin.unknown)
    written: dict[str, Any] = {
        "refs": [[str(ref.asset), ref.column] for ref in refs],
        "columns": columns,
    }
    if lineage.unknown is not None:
        written["unknown"] = lineage.unknown
    return json.dumps(written, ensure_ascii=False, separators=(",", ":"))


def lineage_from_json(asset: AssetKey, text: str) -> AssetLineage:
    """Read what :func:`lineage_to_json` wrote."""
    written = json.loads(text)
    refs: list[ColumnRef] = []
    for key, column in written["refs"]:
        parsed = AssetKey.parse(key)
        if parsed is None:
            raise ValueError(f"not an asset key: {key}")
        refs.append(ColumnRef(parsed, column))
    columns = {
        name: ColumnOrigin(
            frozenset(refs[number] for number in values),
            frozenset(refs[number] for number in influences),
            unknown[0] if unknown else None,
        )
        for name, (values, influences, *unknown) in written["columns"].items()
    }
    return AssetLineage(asset, columns, written.get("unknown"))
