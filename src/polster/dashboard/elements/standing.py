"""The standing warnings of a table, and the way to say that one has seen them."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.operations.acknowledge import acknowledge
from polster.operations.overview import OverviewAsset


def show_standing(board: Board, entry: OverviewAsset) -> None:
    """Show what is amiss in the current version and since when, as far as nobody has seen it."""
    warnings = entry.state.open_warnings
    if not warnings:
        return

    async def seen() -> None:
        await board.ask(acknowledge, str(entry.key))
        await board.look()

    for warning in warnings:
        with Tag("span"):
            Tag("span", f"{warning.code}: {warning.message}, since ")
            Moment(warning.since, "day")
    Button("Acknowledge", seen, title=f"seen, and right so: polster acknowledge {entry.key}")
