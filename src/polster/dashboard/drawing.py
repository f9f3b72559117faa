"""What is drawn of the pipeline: nodes with their faces, edges, columns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from graphlib import TopologicalSorter
from typing import Any, TypeAlias

from polster.dashboard.layout import Layout, arrange, depths
from polster.dashboard.links import asset_address
from polster.dashboard.view import View
from polster.dashboard.words import counted, number, share, short_number
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.overview import (
    Condition,
    Overview,
    OverviewAsset,
    Standing,
    count_conditions,
)

REASON_LENGTH = 300
Json: TypeAlias = dict[str, Any]
"""Only with keys of our own: no name and no value of the data is ever one."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A graph that is ready to be drawn.

    Attributes:
        plan: What stands where: changes when assets come and go, or others are looked at.
        faces: How each node of the plan looks now: moves with runs.
    """

    plan: Json
    faces: tuple[Json, ...]

    @property
    def size(self) -> int:
        """Return how many nodes there are."""
        return len(self.faces)

    def changes_since(self, earlier: Drawing) -> list[tuple[int, Json]] | None:
        """Return which faces differ; None if another plan has to be drawn."""
        if self.plan != earlier.plan:
            return None
        return [
            (index, face)
            for index, (face, before) in enumerate(zip(self.faces, earlier.faces, strict=True))
            if face != before
        ]


def draw(overview: Overview, standings: Mapping[AssetKey, Standing], view: View) -> Drawing:
    """Draw what ``view`` chooses: the nodes from left to right, from the top in each column."""
    chosen = view.chosen(overview, standings)
    nodes: list[AssetKey | Layer] = [
        *(layer for layer in Layer if layer in view.collapsed and _of(layer, chosen)),
        *(key for key in chosen if key.layer not in view.collapsed),
    ]
    nodes.sort(key=_natural)
    places = {node: index for index, node in enumerate(nodes)}
    edges = _edges(overview, chosen, places, view)
    columns, layers = _columns(nodes, edges)
    layout = _arranged(tuple(columns), tuple(edges))
    order = [index for column in layout.columns for index in column]
    rank = {index: place for place, index in enumerate(order)}
    plan: Json = {
        "nodes": [
            _asset_node(overview.assets[node], columns[index], layout.middles[index])
            if isinstance(node := nodes[index], AssetKey)
            else _layer_node(node, columns[index], layout.middles[index])
            for index in order
        ],
        "edges": [
            [
                rank[edge.source],
                rank[edge.target],
                [round(lane, 1) for lane in edge.lanes],
            ]
            for edge in layout.edges
        ],
        "layers": [
            {
                "name": layer.value,
                "title": layer.value.capitalize(),
                "count": counted(len(_of(layer, chosen)), "asset"),
                "first": first,
                "last": last,
                "collapsed": layer in view.collapsed,
            }
            for layer, first, last in layers
        ],
        "height": round(layout.height, 1),
        "focus": str(view.focus) if view.focus else None,
    }
    faces = tuple(
        asset_face(overview.assets[node], standings[node])
        if isinstance(node := nodes[index], AssetKey)
        else _layer_face(node, overview, standings, chosen)
        for index in order
    )
    return Drawing(plan, faces)


def table(overview: Overview, standings: Mapping[AssetKey, Standing], view: View) -> Drawing:
    """Draw the same as rows of a table, by layer and name."""
    chosen = sorted(view.chosen(overview, standings), key=_natural)
    return Drawing(
        {"nodes": [_row(overview.assets[key]) for key in chosen]},
        tuple(asset_face(overview.assets[key], standings[key]) for key in chosen),
    )


def asset_face(entry: OverviewAsset, standing: Standing) -> Json:
    """Return what changes about a node: state and why, rows, share kept out, when published."""
    kept = entry.quarantined
    at = entry.published_at
    return {
        "state": state_class(standing.condition),
        "word": standing.condition.value,
        "why": [reason[:REASON_LENGTH] for reason in _why(entry, standing)],
        "rows": short_number(entry.rows),
        "exact": number(entry.rows),
        "count": entry.rows,
        "share": share(entry.share_quarantined) if kept else "",
        "part": entry.share_quarantined if kept else 0,
        "kept": counted(kept, "row") if kept else "",
        "at": at.astimezone(UTC).isoformat() if at else None,
    }


def _why(entry: OverviewAsset, standing: Standing) -> list[str]:
    """Say why an asset stands as it does, what it noted, and what readers get meanwhile."""
    served = entry.stands_in
    return [
        *standing.reasons,
        *(f"{warning.code}: {warning.message}" for warning in entry.state.open_warnings),
        *(f"note: {note}" for note in entry.notes),
        *([] if served is None else [f"readers get version {served}"]),
    ]


def state_class(condition: Condition) -> str:
    """Return the name of a condition in ``style.css``.

    >>> state_class(Condition.NEVER_BUILT)
    'never-built'
    """
    return condition.value.replace(" ", "-")


def quarantine_words(entry: OverviewAsset) -> str:
    """Say how many rows were kept out, and by which rules."""
    judged = entry.judged
    if judged is None or not judged.quarantined_now:
        return ""
    most = sorted(judged.rules_now.items(), key=lambda item: (-item[1], item[0]))
    rules = ", ".join(f"{rule} ({number(rows)})" for rule, rows in most[:3])
    more = f" and {len(most) - 3} more" if len(most) > 3 else ""
    kept, returned = number(judged.quarantined_now), counted(judged.returned_now, "row")
    said = f"{kept} of {returned} quarantined ({share(entry.share_quarantined)})"
    return (f"{said}: {rules}{more}" if rules else said)[:REASON_LENGTH]


def _asset_node(entry: OverviewAsset, column: int, middle: float) -> Json:
    return {**_row(entry), "column": column, "middle": round(middle, 1)}


def _row(entry: OverviewAsset) -> Json:
    options = entry.asset.options
    return {
        "key": str(entry.key),
        "name": entry.key.name,
        "layer": entry.key.layer.value,
        "href": asset_address(entry.key),
        "owner": options.owner or "",
        "tags": list(options.tags),
    }


def _layer_node(layer: Layer, column: int, middle: float) -> Json:
    return {
        "key": layer.value,
        "name": layer.value.capitalize(),
        "layer": layer.value,
        "href": None,
        "owner": "",
        "tags": [],
        "column": column,
        "middle": round(middle, 1),
    }


def _layer_face(
    layer: Layer,
    overview: Overview,
    standings: Mapping[AssetKey, Standing],
    chosen: Iterable[AssetKey],
) -> Json:
    """Return the face of a collapsed layer: its worst condition, or that something runs."""
    keys = _of(layer, chosen)
    counts = count_conditions({key: standings[key].condition for key in keys})
    busy = Condition.RUNNING if Condition.RUNNING in counts else None
    entries = [overview.assets[key] for key in keys]
    rows = sum(entry.rows or 0 for entry in entries)
    kept = sum(entry.quarantined for entry in entries)
    worst = next(iter(counts))
    return {
        "state": state_class(busy or worst),
        "word": ", ".join(f"{count:,} {condition}" for condition, count in counts.items()),
        "why": [],
        "rows": short_number(rows),
        "exact": number(rows),
        "count": rows,
        "share": "",
        "part": 0,
        "kept": counted(kept, "row") if kept else "",
        "at": None,
        "assets": counted(len(keys), "asset"),
        "brief": f"{counts[worst]:,} of {len(keys):,} {worst}"
        if len(counts) > 1
        else f"all {worst}",
        "out": f"{short_number(kept)} quarantined" if kept else "",
    }


def _edges(
    overview: Overview,
    chosen: Mapping[AssetKey, None],
    places: Mapping[AssetKey | Layer, int],
    view: View,
) -> list[tuple[int, int]]:
    """Return the edges between what is drawn, each once."""

    def place(key: AssetKey) -> int:
        return places[key.layer if key.layer in view.collapsed else key]

    return list(
        {
            (place(source), place(key)): None
            for key in chosen
            for source in overview.assets[key].upstream
            if source in chosen and place(source) != place(key)
        }
    )


def _columns(
    nodes: Sequence[AssetKey | Layer], edges: Sequence[tuple[int, int]]
) -> tuple[list[int], list[tuple[Layer, int, int]]]:
    """Return the column of each node, and the first and last column of each layer.

    Assets that read their own layer stand farther right within it.
    """
    layer_of = [node.layer if isinstance(node, AssetKey) else node for node in nodes]
    upstream: dict[int, list[int]] = {index: [] for index in range(len(nodes))}
    for source, target in edges:
        if layer_of[source] is layer_of[target]:
            upstream[target].append(source)
    ordered = TopologicalSorter(upstream).static_order()
    within = depths({index: upstream[index] for index in ordered})
    columns = [0] * len(nodes)
    layers = []
    first = 0
    for layer in Layer:
        members = [index for index, each in enumerate(layer_of) if each is layer]
        if not members:
            continue
        for index in members:
            columns[index] = first + within[index]
        last = first + max(within[index] for index in members)
        layers.append((layer, first, last))
        first = last + 1
    return columns, layers


@lru_cache(maxsize=32)
def _arranged(columns: tuple[int, ...], edges: tuple[tuple[int, int], ...]) -> Layout:
    """Remember: runs move faces, and seldom change what stands where."""
    return arrange(columns, edges)


def _of(layer: Layer, keys: Iterable[AssetKey]) -> list[AssetKey]:
    return [key for key in keys if key.layer is layer]


def _natural(node: AssetKey | Layer) -> tuple[int, list[tuple[int, int, str]]]:
    """Sort by layer, then by name as people count: ``shop_9`` before ``shop_10``."""
    layer, name = (node.layer, node.name) if isinstance(node, AssetKey) else (node, "")
    parts = [part for part in re.split(r"(\d+)", name) if part]
    return (
        list(Layer).index(layer),
        [(0, int(part), part) if part.isdigit() else (1, 0, part) for part in parts],
    )
