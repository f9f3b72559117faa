"""The rows that were kept out, by asset and by rule."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.tag import Tag


async def show_quarantine(board: Board, asset: str | None, rule: str | None) -> None:
    """Show it."""
    Tag("h1", "Quarantine")


def add_download(board: Board) -> None:
    """Answer the address from which the rows are downloaded."""
