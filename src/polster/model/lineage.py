"""Column lineage: which columns a column is made of, from gold back to bronze."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

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
    columns: Mapping[str, ColumnOrigin]
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
        self._up: dict[ColumnRef, list[_Arrow]] = {}
        self._down: dict[ColumnRef, list[_Arrow]] = {}
        for entry in self.assets.values():
            for name, origin in entry.columns.items():
                target = ColumnRef(entry.asset, name)
                for source in sorted(origin.values | origin.influences):
                    by_value = source in origin.values
                    certain = origin.unknown is None
                    self._up.setdefault(target, []).append(_Arrow(source, by_value, certain))
                    self._down.setdefault(source, []).append(_Arrow(target, by_value, certain))

    def upstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` is made of, nearest first."""
        return _walk(start, self._up)

    def downstream(self, start: ColumnRef) -> list[Reached]:
        """List every column that ``start`` goes into, nearest first."""
        return _walk(start, self._down)


@dataclass(frozen=True, slots=True)
class _Arrow:
    end: ColumnRef
    by_value: bool
    is_certain: bool


def _walk(start: ColumnRef, arrows: Mapping[ColumnRef, list[_Arrow]]) -> list[Reached]:
    found: dict[ColumnRef, Reached] = {}
    waiting = [Reached(start, 0, by_value=True, is_certain=True)]
    while waiting:
        here = waiting.pop(0)
        for arrow in arrows.get(here.ref, ()):
            by_value = here.by_value and arrow.by_value
            certain = here.is_certain and arrow.is_certain
            known = found.get(arrow.end)
            if known is None:
                reached = Reached(arrow.end, here.steps + 1, by_value, certain)
            else:
                reached = Reached(
                    arrow.end, known.steps, known.by_value or by_value, known.is_certain or certain
                )
            if reached != known:
                found[arrow.end] = reached
                waiting.append(
                    Reached(arrow.end, here.steps + 1, reached.by_value, reached.is_certain)
                )
    return sorted(found.values(), key=lambda reached: (reached.steps, reached.ref))
