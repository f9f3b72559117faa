"""The way of one column through the pipeline, as a page shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from polster.model.asset import AssetKey
from polster.model.lineage import ColumnRef, Lineage, Reached


@dataclass(frozen=True, slots=True)
class Stop:
    """The columns of one asset that the way touches.

    Attributes:
        steps: How many arrows away the nearest is, from 1.
        values: Columns whose values take part, by name.
        influences: Columns that decide which rows or groups there are, or which value is taken.
        uncertain: Those of both that perhaps take part, and perhaps not.
    """

    asset: AssetKey
    steps: int
    values: tuple[str, ...]
    influences: tuple[str, ...]
    uncertain: frozenset[str]


@dataclass(frozen=True, slots=True)
class Way:
    """The way of one column.

    Attributes:
        upstream: What it is made of, nearest first.
        downstream: Where it goes, nearest first.
        doubts: Why something on the way is not known for certain, by asset.
    """

    ref: ColumnRef
    upstream: tuple[Stop, ...]
    downstream: tuple[Stop, ...]
    doubts: tuple[tuple[AssetKey, str], ...]


def way_of(lineage: Lineage, ref: ColumnRef) -> Way:
    """Follow ``ref`` in both directions."""
    up, down = lineage.upstream(ref), lineage.downstream(ref)
    made = [ref, *(reached.ref for reached in up)]
    doubts: dict[tuple[AssetKey, str], None] = {}
    for passed in [*made, *(reached.ref for reached in down)]:
        entry = lineage.assets.get(passed.asset)
        why = lineage.origin(passed).unknown or (entry.unknown if entry else None)
        if why:
            doubts[passed.asset, why] = None
    return Way(ref, tuple(_stops(up)), tuple(_stops(down)), tuple(doubts))


def _stops(found: Iterable[Reached]) -> list[Stop]:
    by_asset: dict[AssetKey, list[Reached]] = {}
    for reached in found:
        by_asset.setdefault(reached.ref.asset, []).append(reached)
    return [
        Stop(
            asset,
            min(reached.steps for reached in columns),
            tuple(reached.ref.column for reached in columns if reached.by_value),
            tuple(reached.ref.column for reached in columns if not reached.by_value),
            frozenset(reached.ref.column for reached in columns if not reached.is_certain),
        )
        for asset, columns in by_asset.items()
    ]
