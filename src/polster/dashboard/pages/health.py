"""The page of health."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_health(board: Board) -> None:
    """Show it."""
    Tag("h1", "health")
