"""How much of an asset's table is made anew when rows of its inputs change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import asset_address
from polster.dashboard.words import counted, number
from polster.model.asset import Asset, AssetKey
from polster.model.codec import from_json
from polster.model.layer import Layer
from polster.model.scope import BRONZE_GROWS, Reaches, Scope

EXPLAIN_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class AssetReach:
    """What ``explain`` says of one asset; see :class:`~polster.operations.reach.Explanation`."""

    inputs: Mapping[AssetKey, Reaches]
    last: Scope | None = None
    frozen: str | None = None


async def reach_of(board: Board, asset: Asset) -> AssetReach | None:
    """Ask ``explain``, which calls the asset's function over zero rows; None if nobody can know.

    Raises:
        PolsterError: It could not be run to its end.
    """
    if asset.key.layer is Layer.BRONZE:
        return AssetReach({})
    project = board.snapshot.project
    graph = project.discovery.graph if project else None
    if graph is None or asset.key not in graph.assets:
        return None
    told = await board.command("explain", str(asset.key), seconds=EXPLAIN_SECONDS)
    inputs = {
        from_json(AssetKey, each["asset"]): from_json(Reaches, each) for each in told["inputs"]
    }
    last = from_json(Scope, told["last"]) if told["last"] else None
    return AssetReach(inputs, last, told["frozen"])


def draw_reach(reach: AssetReach | None) -> None:
    """Show what each input's changed rows reach, and what was made last."""
    if reach is None:
        Tag("p", "Not known: the pipeline has mistakes, see above.", classes="soft")
        return
    if not reach.inputs:
        Tag("p", f"{BRONZE_GROWS[0].upper()}{BRONZE_GROWS[1:]}.", classes="soft small")
        return
    with Tag("div", classes="scroll"), Tag("table", classes="plain"):
        with Tag("thead"), Tag("tr"):
            for name in ("when rows change in", "a run makes anew"):
                Tag("th", name, scope="col")
        with Tag("tbody"):
            for key, each in reach.inputs.items():
                with Tag("tr"):
                    with Tag("td"):
                        Tag("a", str(key), href=asset_address(key), classes="mono")
                    Tag("td", each.meaning)
    if reach.frozen:
        with Tag("p", classes="small"):
            Tag("span", "published rows stay frozen where ")
            Tag("span", reach.frozen, classes="mono")
    if reach.last is not None:
        made = f"{number(reach.last.rows)} of {counted(reach.last.of, 'row')}"
        Tag("p", f"last time {made}: {reach.last.text}", classes="soft small")
