"""Asking for a run from any page."""

from __future__ import annotations

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.menu import Item, Menu
from polster.dashboard.elements.notice import Notice


def offer_run(board: Board) -> None:
    """Offer to run everything that changed, or to build everything anew."""
    Menu(
        "Run",
        [
            Item("Run what changed", "polster run", lambda: ask_for_run(board)),
            Item(
                "Full refresh",
                "builds everything anew: polster run --full-refresh",
                lambda: ask_for_run(board, full_refresh=True),
            ),
        ],
    )


def ask_for_run(
    board: Board, *selection: str, full_refresh: bool = False, leads: bool = False
) -> None:
    """Ask for a run, and follow it at the foot of the page until it says how it ended.

    Args:
        board: Whose run.
        selection: Terms as ``polster run`` takes them.
        full_refresh: Whether to build everything anew.
        leads: Whether the page goes on to the run as soon as it has begun.
    """
    request = board.runner.submit(selection, full_refresh=full_refresh)
    layout = ui.context.client.layout
    for earlier in [each for each in layout.descendants() if isinstance(each, Notice)]:
        earlier.delete()
    with layout:
        Notice(board, request, leads=leads)
