"""The page of run."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_run(board: Board, run_id: str) -> None:
    """Show it."""
    Tag("h1", "run")
