"""The page of asset."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_asset(board: Board, name: str) -> None:
    """Show it."""
    Tag("h1", "asset")
