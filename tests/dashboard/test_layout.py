from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.dashboard.layout import NODE_GAP, NODE_HEIGHT, arrange, count_crossings, depths

Graph = tuple[list[int], list[tuple[int, int]]]


@st.composite
def graphs(draw: st.DrawFn, longest: int = 4) -> Graph:
    columns = draw(st.lists(st.integers(0, 4), max_size=25))
    pairs = [
        (source, target)
        for source in range(len(columns))
        for target in range(len(columns))
        if 0 < columns[target] - columns[source] <= longest
    ]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=40)) if pairs else []
    return columns, edges


@given(graphs())
def test_every_node_stands_once_in_its_column_and_none_overlap(graph: Graph) -> None:
    columns, edges = graph

    layout = arrange(columns, edges)

    stands = {node: index for index, column in enumerate(layout.columns) for node in column}
    assert stands == dict(enumerate(columns))
    assert sum(map(len, layout.columns)) == len(columns)
    for column in layout.columns:
        for above, below in pairwise(column):
            distance = layout.middles[below] - layout.middles[above]
            assert distance >= NODE_HEIGHT + min(NODE_GAP, 20.0) - 1e-6
    for middle in layout.middles:
        assert NODE_HEIGHT / 2 - 1e-6 <= middle <= layout.height - NODE_HEIGHT / 2 + 1e-6


@given(graphs())
def test_every_edge_is_drawn_once_with_a_lane_in_each_column_that_it_passes(graph: Graph) -> None:
    columns, edges = graph

    layout = arrange(columns, edges)

    assert [(edge.source, edge.target) for edge in layout.edges] == list(dict.fromkeys(edges))
    for edge in layout.edges:
        assert len(edge.lanes) == columns[edge.target] - columns[edge.source] - 1


@given(graphs())
def test_a_lane_passes_between_the_nodes(graph: Graph) -> None:
    columns, edges = graph

    layout = arrange(columns, edges)

    for edge in layout.edges:
        for step, lane in enumerate(edge.lanes, start=columns[edge.source] + 1):
            for node in layout.columns[step]:
                assert abs(layout.middles[node] - lane) > NODE_HEIGHT / 2


@given(graphs(longest=1))
def test_arranging_never_makes_more_crossings(graph: Graph) -> None:
    columns, edges = graph
    edges = list(dict.fromkeys(edges))
    given_order = [
        [node for node, column in enumerate(columns) if column == index]
        for index in range(max(columns, default=-1) + 1)
    ]

    layout = arrange(columns, edges)

    assert layout.crossings == count_crossings(layout.columns, edges)
    assert layout.crossings <= count_crossings(given_order, edges)


@given(graphs())
def test_the_same_graph_is_arranged_the_same_way(graph: Graph) -> None:
    assert arrange(*graph) == arrange(*graph)


@given(st.data())
def test_crossings_are_counted_as_pairs_of_edges_that_change_sides(data: st.DataObject) -> None:
    size = data.draw(st.integers(1, 8))
    places = st.integers(0, size - 1)
    pairs = data.draw(st.lists(st.tuples(places, places), unique=True, max_size=20))
    edges = [(source, target + size) for source, target in pairs]
    columns = [list(range(size)), list(range(size, 2 * size))]

    counted = count_crossings(columns, edges)

    assert counted == sum(
        (first[0] - second[0]) * (first[1] - second[1]) < 0
        for index, first in enumerate(edges)
        for second in edges[index + 1 :]
    )


def test_a_scrambled_ladder_is_put_straight() -> None:
    size = 60
    scrambled = [(7 * number) % size for number in range(size)]
    edges = [(source, size + scrambled[source]) for source in range(size)]
    columns = [0] * size + [1] * size
    before = count_crossings([list(range(size)), list(range(size, 2 * size))], edges)

    layout = arrange(columns, edges)

    assert before > 500
    assert layout.crossings == 0
    for edge in layout.edges:
        assert layout.middles[edge.source] == pytest.approx(layout.middles[edge.target])


def test_a_woven_pipeline_of_three_columns_crosses_less_than_half_as_often() -> None:
    size = 40
    scrambled = [(11 * number) % size for number in range(size)]
    edges = [
        (source, size + scrambled[(source + step) % size])
        for source in range(size)
        for step in range(2)
    ]
    edges += [(size + scrambled[number], 2 * size + (number * 3) % size) for number in range(size)]
    columns = [0] * size + [1] * size + [2] * size
    as_given = [list(range(start * size, (start + 1) * size)) for start in range(3)]

    layout = arrange(columns, edges)

    assert layout.crossings < count_crossings(as_given, edges) / 2


def test_a_node_stands_beside_what_it_reads() -> None:
    layout = arrange([0, 0, 0, 1], [(0, 3), (1, 3), (2, 3)])

    assert layout.middles[3] == pytest.approx(layout.middles[layout.columns[0][1]])


def test_nothing_is_arranged_to_nothing() -> None:
    layout = arrange([], [])

    assert layout.columns == ()
    assert layout.height == 0


def test_an_edge_to_the_left_is_refused() -> None:
    with pytest.raises(ValueError, match="does not lead to the right"):
        arrange([1, 0], [(0, 1)])


def test_assets_that_read_their_own_layer_get_farther_right() -> None:
    assert depths({4: [], 2: [4], 7: [2, 4], 9: []}) == {4: 0, 2: 1, 7: 2, 9: 0}
