"""Lineage as lines for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import Arrow, ColumnRef, Lineage
from polster.operations.lineage import Direction, LineageAnswer

INDENT = "  "
GAP = "  "
HEADINGS = {Direction.UPSTREAM: "made of", Direction.DOWNSTREAM: "goes into"}
NOTHING = {
    Direction.UPSTREAM: "no column of this pipeline",
    Direction.DOWNSTREAM: "no column of this pipeline",
}


@dataclass(frozen=True, slots=True)
class _Line:
    """One line: what stands on the left, and words about it."""

    depth: int
    text: str
    words: str = ""


def answer_as_text(answer: LineageAnswer, directions: Sequence[Direction]) -> Iterator[str]:
    """Yield the lines that show the lineage of a column, or of all columns of an asset."""
    lines = (
        _of_asset(answer, directions)
        if answer.target.ref is None
        else _of_column(answer, answer.target.ref, directions)
    )
    yield from _aligned(list(lines))


def _of_column(
    answer: LineageAnswer, ref: ColumnRef, directions: Sequence[Direction]
) -> Iterator[_Line]:
    yield _Line(0, str(ref))
    for direction in directions:
        yield _Line(0, "")
        yield _Line(0, HEADINGS[direction])
        yield from _tree(answer.lineage, ref, direction)
        yield from _hidden(answer, direction)
        if direction is Direction.DOWNSTREAM:
            yield from _gold(answer, ref)


def _tree(lineage: Lineage, start: ColumnRef, direction: Direction) -> Iterator[_Line]:
    """Yield what lies in one direction, each column with what follows it only once."""
    follow = lineage.sources if direction is Direction.UPSTREAM else lineage.readers
    if not follow(start):
        origin = lineage.origin(start)
        why = f"unknown: {origin.unknown}" if origin.unknown else NOTHING[direction]
        is_source = start.asset.layer is Layer.BRONZE and direction is Direction.UPSTREAM
        yield _Line(1, "its source" if is_source else why)
        return
    seen = {start}
    waiting = [(1, arrow) for arrow in reversed(follow(start))]
    while waiting:
        depth, arrow = waiting.pop()
        further = follow(arrow.end)
        again = arrow.end in seen and bool(further)
        yield _Line(depth, str(arrow.end), _words(arrow) + (" (see above)" if again else ""))
        if not again:
            seen.add(arrow.end)
            waiting += [(depth + 1, other) for other in reversed(further)]


def _words(arrow: Arrow) -> str:
    kind = "value" if arrow.by_value else "influence"
    return kind if arrow.unknown is None else f"perhaps {kind} ({arrow.unknown})"


def _hidden(answer: LineageAnswer, direction: Direction) -> Iterator[_Line]:
    """Yield the assets in that direction of which no column is known."""
    graph, asset = answer.graph, answer.target.asset
    reached = (
        graph.ancestors([asset]) if direction is Direction.UPSTREAM else graph.descendants([asset])
    )
    for key in graph.assets:
        entry = answer.lineage.assets.get(key)
        if key in reached and entry and entry.unknown and not entry.columns:
            yield _Line(1, str(key), f"unknown: {entry.unknown}")


def _gold(answer: LineageAnswer, ref: ColumnRef) -> Iterator[_Line]:
    """Yield the gold tables that a column reaches, with those who answer for them."""
    reached: dict[AssetKey, bool] = {}
    for found in answer.lineage.downstream(ref):
        if found.ref.asset.layer is Layer.GOLD:
            by_value = reached.get(found.ref.asset, False) or found.by_value
            reached[found.ref.asset] = by_value
    if not reached:
        return
    yield _Line(0, "")
    yield _Line(0, "gold tables")
    for key, by_value in sorted(reached.items()):
        owner = answer.graph[key].options.owner
        kind = "value" if by_value else "influence only"
        yield _Line(1, str(key), f"{kind}, {f'owner: {owner}' if owner else 'no owner'}")


def _of_asset(answer: LineageAnswer, directions: Sequence[Direction]) -> Iterator[_Line]:
    asset, lineage, graph = answer.target.asset, answer.lineage, answer.graph
    entry = lineage.assets.get(asset)
    yield _Line(0, str(asset))
    if Direction.UPSTREAM in directions and asset.layer is not Layer.BRONZE:
        yield _Line(1, f"reads {_listed(graph.upstream(asset)) or 'nothing'}")
        if referred := graph.referred(asset):
            yield _Line(1, f"refers to {_listed(referred)}")
    if Direction.DOWNSTREAM in directions:
        yield _Line(1, f"read by {_listed(graph.downstream(asset)) or 'nobody'}")
    columns = lineage.columns(asset)
    if entry and entry.unknown:
        yield _Line(1, f"unknown: {entry.unknown}")
    shared = _shared(lineage, asset, columns) if Direction.UPSTREAM in directions else frozenset()
    if shared:
        yield _Line(0, "")
        yield _Line(0, "every column")
        yield from (_Line(1, f"from {ref}", "influence") for ref in sorted(shared))
    for name in columns:
        ref = ColumnRef(asset, name)
        yield _Line(0, "")
        yield _Line(0, name or "(a column without a name)")
        if Direction.UPSTREAM in directions and not (entry and entry.unknown):
            yield from _sources(lineage, ref, shared)
        if Direction.DOWNSTREAM in directions:
            yield from (
                _Line(1, f"into {arrow.end}", _words(arrow)) for arrow in lineage.readers(ref)
            )


def _sources(lineage: Lineage, ref: ColumnRef, shared: Collection[ColumnRef]) -> Iterator[_Line]:
    origin = lineage.origin(ref)
    for arrow in lineage.sources(ref):
        if arrow.by_value or arrow.end not in shared:
            yield _Line(1, f"from {arrow.end}", _words(arrow))
    if not origin.values and ref.asset.layer is not Layer.BRONZE:
        yield _Line(1, f"unknown: {origin.unknown}" if origin.unknown else "from no column's value")


def _shared(lineage: Lineage, asset: AssetKey, columns: Sequence[str]) -> frozenset[ColumnRef]:
    """Return what influences every column of an asset that has several: filters, keys of joins."""
    if len(columns) < 2:
        return frozenset()
    origins = [lineage.origin(ColumnRef(asset, name)) for name in columns]
    if any(origin.unknown for origin in origins):
        return frozenset()
    return frozenset.intersection(*(origin.influences for origin in origins))


def _listed(keys: Sequence[AssetKey]) -> str:
    return ", ".join(map(str, keys))


def _aligned(lines: Sequence[_Line]) -> Iterator[str]:
    """Write the lines, words below each other."""
    lefts = [INDENT * line.depth + line.text for line in lines]
    width = max(
        (len(left) for left, line in zip(lefts, lines, strict=True) if line.words), default=0
    )
    for left, line in zip(lefts, lines, strict=True):
        yield f"{left.ljust(width)}{GAP}{line.words}" if line.words else left
