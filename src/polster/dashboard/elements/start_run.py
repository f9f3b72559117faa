"""Asking for a run from any page."""

from __future__ import annotations

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.menu import Item, Menu
from polster.dashboard.runner import RequestState
from polster.dashboard.words import counted

COMMAND_LENGTH = 200
TOLD_MILLISECONDS = 6_000


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


def ask_for_run(board: Board, *selection: str, full_refresh: bool = False) -> None:
    """Ask for a run, and say whether it starts or waits."""
    request = board.runner.submit(selection, full_refresh=full_refresh)
    ahead = board.runner.ahead_of(request)
    said = "started"
    if request.state is RequestState.WITHDRAWN:
        said = "not started, because the dashboard is being stopped"
    elif ahead:
        said = f"queued behind {counted(ahead, 'run')} of this dashboard"
    command = request.command
    if len(command) > COMMAND_LENGTH:
        command = command[: COMMAND_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
    ui.notify(
        f"{command}: {said}",
        position="bottom",
        classes="told",
        timeout=TOLD_MILLISECONDS,
    )
