"""The overview: the pipeline as three columns, and what needs attention."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_overview(board: Board) -> None:
    """Show it."""
    Tag("h1", "Overview")
    found = board.snapshot.overview
    for entry in found.assets.values() if found else ():
        Tag("p", f"{entry.key} {board.snapshot.conditions[entry.key]} {entry.rows}")
