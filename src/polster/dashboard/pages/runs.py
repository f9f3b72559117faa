"""The page of runs."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_runs(board: Board) -> None:
    """Show it."""
    Tag("h1", "runs")
