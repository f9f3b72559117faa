"""What an asset reads, and what reads it."""

from __future__ import annotations

from collections.abc import Sequence

from polster.dashboard.board import Board
from polster.dashboard.drawing import state_class
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import follow
from polster.dashboard.links import asset_address
from polster.dashboard.words import counted, number
from polster.model.asset import AssetKey

SHOWN = 20


def show_neighbours(board: Board, key: AssetKey) -> None:
    """Show the direct neighbours as links, each with its condition; they move on by themselves."""
    follow(board, lambda: _draw(board, key), inside=Tag("div", classes="columns tight"))


def _draw(board: Board, key: AssetKey) -> None:
    project = board.snapshot.project
    graph = project.discovery.graph if project else None
    if graph is None or key not in graph.assets:
        Tag("p", "Not known: the pipeline has mistakes, see above.", classes="soft")
        return
    upstream, downstream = graph.upstream(key), graph.downstream(key)
    with Tag("div"):
        Tag("h3", "Upstream")
        _links(board, upstream, "It reads no other asset.")
        _count(graph.ancestors([key]), upstream, "it stands on")
    if referred := graph.referred(key):
        with Tag("div"):
            Tag("h3", "Refers to")
            _links(board, referred, "")
    with Tag("div"):
        Tag("h3", "Downstream")
        _links(board, downstream, "No asset reads it.")
        _count(graph.descendants([key]), downstream, "stand on it")


def _links(board: Board, keys: Sequence[AssetKey], none: str) -> None:
    if not keys:
        Tag("p", none, classes="soft small")
        return
    conditions = board.snapshot.conditions
    with Tag("ul", classes="neighbours"):
        for key in dict.fromkeys(keys[:SHOWN]):
            with Tag("li", classes="row"):
                Tag("span", classes=f"bar {key.layer}", aria_hidden="true")
                Tag("a", str(key), href=asset_address(key))
                if condition := conditions.get(key):
                    Tag("span", condition, classes=f"state {state_class(condition)}")
        if len(keys) > SHOWN:
            Tag("li", f"and {number(len(keys) - SHOWN)} more", classes="soft small")


def _count(all_of_them: set[AssetKey], direct: Sequence[AssetKey], how: str) -> None:
    if len(all_of_them) > len(set(direct)):
        Tag("p", f"{counted(len(all_of_them), 'asset')} {how} in all", classes="soft small")
