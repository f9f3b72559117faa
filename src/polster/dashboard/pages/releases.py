"""The releases, and what changed between two."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_releases(board: Board, release: str | None, since: str | None) -> None:
    """Show it."""
    Tag("h1", "Releases")
