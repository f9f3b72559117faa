"""Where the assets of a graph stand: columns from left to right, few crossings, short ways.

Nodes are numbers, edges pairs of them. The order within the columns is found by sweeps that put
each node at the median of its neighbours (Sugiyama, Tagawa, Toda 1981; Eades and Wormald 1994),
the heights by least squares under the distances that the nodes need (pool adjacent violators). An
edge that passes a column gets a lane there, which all edges of its source share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SWEEPS = 12
ALIGNMENTS = 6
NODE_HEIGHT = 64.0
NODE_GAP = 14.0
LANE_HEIGHT = 4.0
LANE_GAP = 10.0
LOOSE = 0.001
"""How much a node without neighbours there resists to be moved."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One node feeds another.

    Attributes:
        lanes: Heights at which it passes the columns between, left to right.
    """

    source: int
    target: int
    lanes: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands.

    Attributes:
        columns: The nodes of each column, from the top.
        middles: The height of each node's middle, from 0 downwards.
        edges: In the order in which they were given.
        height: Of the whole.
        crossings: How often edges cross.
    """

    columns: tuple[tuple[int, ...], ...]
    middles: tuple[float, ...]
    edges: tuple[Edge, ...]
    height: float
    crossings: int


@dataclass(frozen=True, slots=True)
class _Chains:
    """A graph whose edges only go from one column to the next.

    Attributes:
        columns: Nodes and lanes of each column; lanes have the numbers after the nodes'.
        edges: Between each column and the next.
        lanes: The lanes of each edge that was given.
        count: How many are nodes.
    """

    columns: list[list[int]]
    edges: list[list[tuple[int, int]]]
    lanes: list[tuple[int, ...]]
    count: int


def arrange(columns: Sequence[int], edges: Sequence[tuple[int, int]]) -> Layout:
    """Arrange the nodes 0, 1, … whose columns are given.

    Args:
        columns: The column of each node, from 0; columns that no node is in are allowed.
        edges: Pairs of source and target; the target is farther right. Repeated ones are one.

    Raises:
        ValueError: An edge does not lead to the right.

    >>> arrange([0, 0, 1, 1], [(0, 3), (1, 2)]).crossings
    0
    """
    for source, target in edges:
        if columns[source] >= columns[target]:
            raise ValueError(f"the edge from {source} to {target} does not lead to the right")
    chains = _chained(columns, list(dict.fromkeys(edges)))
    ordered = _ordered(chains)
    heights = _heights(chains, ordered)
    count = chains.count
    lowest = [heights[node] + _height(node, count) / 2 for column in ordered for node in column]
    return Layout(
        tuple(tuple(node for node in column if node < count) for column in ordered),
        tuple(heights[node] for node in range(count)),
        tuple(
            Edge(source, target, tuple(heights[lane] for lane in lanes))
            for (source, target), lanes in zip(dict.fromkeys(edges), chains.lanes, strict=True)
        ),
        max(lowest, default=0.0),
        _crossings(ordered, chains.edges),
    )


def depths(upstream: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """Return how long the longest way to each node is, by its upstream nodes, upstream first.

    >>> depths({0: [], 1: [0], 2: [0, 1]})
    {0: 0, 1: 1, 2: 2}
    """
    found: dict[int, int] = {}
    for node, sources in upstream.items():
        found[node] = max((found[source] + 1 for source in sources if source in found), default=0)
    return found


def count_crossings(columns: Sequence[Sequence[int]], edges: Sequence[tuple[int, int]]) -> int:
    """Count how often edges between a column and the next cross, nodes in the given order.

    >>> count_crossings([[0, 1], [2, 3]], [(0, 3), (1, 2)])
    1
    """
    column_of = {node: index for index, column in enumerate(columns) for node in column}
    between: list[list[tuple[int, int]]] = [[] for _ in columns[1:]]
    for source, target in edges:
        between[column_of[source]].append((source, target))
    return _crossings(columns, between)


def _chained(columns: Sequence[int], edges: Sequence[tuple[int, int]]) -> _Chains:
    """Break long edges up: one lane for each column that they pass, shared by their source."""
    count = len(columns)
    rows: list[list[int]] = [[] for _ in range(max(columns, default=-1) + 1)]
    for node, column in enumerate(columns):
        rows[column].append(node)
    between: list[dict[tuple[int, int], None]] = [{} for _ in rows[1:]]
    lane_of: dict[tuple[int, int], int] = {}
    lanes = []
    for source, target in edges:
        chain = [source]
        for column in range(columns[source] + 1, columns[target]):
            lane = lane_of.get((source, column))
            if lane is None:
                lane = lane_of[source, column] = count + len(lane_of)
                rows[column].append(lane)
            chain.append(lane)
        lanes.append(tuple(chain[1:]))
        for step, pair in enumerate(pairwise([*chain, target])):
            between[columns[source] + step][pair] = None
    return _Chains(rows, [list(pairs) for pairs in between], lanes, count)


def _ordered(chains: _Chains) -> list[list[int]]:
    """Sweep to and fro, and return the order with the fewest crossings that was met."""
    left, right = _neighbours(chains)
    current = _first_order(chains, left, right)
    best, fewest = [list(column) for column in current], _crossings(current, chains.edges)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        order = range(1, len(current)) if forward else range(len(current) - 2, -1, -1)
        beside, place = (left, -1) if forward else (right, 1)
        measure = _median if sweep < SWEEPS // 2 else _mean
        for index in order:
            current[index] = _sorted(current[index], current[index + place], beside, measure)
        now = _crossings(current, chains.edges)
        if now < fewest:
            best, fewest = [list(column) for column in current], now
    return best


def _first_order(
    chains: _Chains, left: Mapping[int, Sequence[int]], right: Mapping[int, Sequence[int]]
) -> list[list[int]]:
    """Order the columns as a walk through the graph meets their nodes: relatives come together.

    The order that was given is returned where it is better already.
    """
    met: dict[int, None] = {}
    for start in (node for column in chains.columns for node in column):
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in met:
                continue
            met[node] = None
            waiting += [other for other in (*left[node], *right[node]) if other not in met]
    place = {node: index for index, node in enumerate(met)}
    walked = [sorted(column, key=place.__getitem__) for column in chains.columns]
    as_given = _crossings(chains.columns, chains.edges)
    return min(
        ([list(column) for column in chains.columns], as_given),
        (walked, _crossings(walked, chains.edges)),
        key=lambda entry: entry[1],
    )[0]


def _neighbours(chains: _Chains) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    everything = [node for column in chains.columns for node in column]
    left: dict[int, list[int]] = {node: [] for node in everything}
    right: dict[int, list[int]] = {node: [] for node in everything}
    for pairs in chains.edges:
        for source, target in pairs:
            right[source].append(target)
            left[target].append(source)
    return left, right


def _sorted(
    column: Sequence[int],
    fixed: Sequence[int],
    beside: Mapping[int, Sequence[int]],
    measure: Callable[[list[int]], float],
) -> list[int]:
    """Sort a column by where its neighbours in the fixed one are; those without stay in place."""
    place = {node: index for index, node in enumerate(fixed)}
    wanted = {
        node: measure(sorted(place[other] for other in beside[node]))
        for node in column
        if beside[node]
    }
    moved = iter(sorted(wanted, key=wanted.__getitem__))  # stable: equals keep their order
    return [next(moved) if node in wanted else node for node in column]


def _median(places: list[int]) -> float:
    half = len(places) // 2
    return places[half] if len(places) % 2 else (places[half - 1] + places[half]) / 2


def _mean(places: list[int]) -> float:
    return sum(places) / len(places)


def _crossings(
    columns: Sequence[Sequence[int]], between: Sequence[Sequence[tuple[int, int]]]
) -> int:
    return sum(
        _crossings_between(first, second, pairs)
        for (first, second), pairs in zip(pairwise(columns), between, strict=True)
    )


def _crossings_between(
    first: Sequence[int], second: Sequence[int], pairs: Sequence[tuple[int, int]]
) -> int:
    """Count inversions with a binary indexed tree (Barth, Mutzel, Jünger 2004)."""
    from_place = {node: index for index, node in enumerate(first)}
    to_place = {node: index for index, node in enumerate(second)}
    tree = [0] * (len(second) + 1)
    found = 0
    ends = sorted((from_place[source], to_place[target]) for source, target in pairs)
    for seen, (_, target) in enumerate(ends):
        index, before = target + 1, 0
        while index > 0:
            before += tree[index]
            index -= index & -index
        found += seen - before
        index = target + 1
        while index <= len(second):
            tree[index] += 1
            index += index & -index
    return found


def _heights(chains: _Chains, ordered: Sequence[Sequence[int]]) -> dict[int, float]:
    """Put each node as near to its neighbours as the others of its column let it."""
    left, right = _neighbours(chains)
    needs = [_needs(column, chains.count) for column in ordered]
    heights = {
        node: height
        for column, places in zip(ordered, needs, strict=True)
        for node, height in zip(column, _centred(places, max(map(_last, needs))), strict=True)
    }
    for step in range(ALIGNMENTS):
        order = range(len(ordered)) if step % 2 == 0 else reversed(range(len(ordered)))
        for index in order:
            column = ordered[index]
            wanted, weights = [], []
            for node in column:
                beside = [*left[node], *right[node]]
                wanted.append(
                    sum(heights[other] for other in beside) / len(beside)
                    if beside
                    else heights[node]
                )
                weights.append(float(len(beside)) or LOOSE)
            heights |= zip(column, _spaced(wanted, weights, needs[index]), strict=True)
    top = min(
        (heights[node] - _height(node, chains.count) / 2 for column in ordered for node in column),
        default=0.0,
    )
    return {node: height - top for node, height in heights.items()}


def _height(node: int, count: int) -> float:
    return NODE_HEIGHT if node < count else LANE_HEIGHT


def _needs(column: Sequence[int], count: int) -> list[float]:
    """Return the heights of a column whose nodes stand as close as they may."""
    places: list[float] = []
    for index, node in enumerate(column):
        if index == 0:
            places.append(_height(node, count) / 2)
            continue
        above = column[index - 1]
        gap = NODE_GAP if node < count and above < count else LANE_GAP
        between = (_height(above, count) + _height(node, count)) / 2 + gap
        places.append(places[-1] + between)
    return places


def _last(places: Sequence[float]) -> float:
    return places[-1] if places else 0.0


def _centred(places: Sequence[float], tallest: float) -> list[float]:
    offset = (tallest - _last(places)) / 2
    return [place + offset for place in places]


def _spaced(
    wanted: Sequence[float], weights: Sequence[float], needs: Sequence[float]
) -> list[float]:
    """Return heights nearest to those wanted, in order, no closer than ``needs`` has them.

    >>> _spaced([5.0, 5.0], [1.0, 1.0], [0.0, 10.0])
    [0.0, 10.0]
    """
    blocks: list[tuple[float, float, int]] = []  # mean, weight, how many
    for want, weight, need in zip(wanted, weights, needs, strict=True):
        mean, total, size = want - need, weight, 1
        while blocks and blocks[-1][0] >= mean:
            other, heft, many = blocks.pop()
            mean = (mean * total + other * heft) / (total + heft)
            total += heft
            size += many
        blocks.append((mean, total, size))
    flat = [mean for mean, _, size in blocks for _ in range(size)]
    return [mean + need for mean, need in zip(flat, needs, strict=True)]
