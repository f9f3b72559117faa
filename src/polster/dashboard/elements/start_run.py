"""Asking for a run from any page."""

from __future__ import annotations

from nicegui import ui

from polster.dashboard.board import Board


def offer_run(board: Board) -> None:
    """Offer to run everything that changed, or to build everything anew."""
    with ui.button("Run", icon="play_arrow").props("unelevated no-caps dense"), ui.menu():
        ui.menu_item("Run what changed", on_click=lambda: ask_for_run(board))
        ui.menu_item(
            "Full refresh: build everything anew",
            on_click=lambda: ask_for_run(board, full_refresh=True),
        )


def ask_for_run(board: Board, *selection: str, full_refresh: bool = False) -> None:
    """Ask for a run, and say whether it starts or waits."""
    waits = board.runner.current is not None
    request = board.runner.submit(selection, full_refresh=full_refresh)
    said = "queued behind the run in progress" if waits else "started"
    ui.notify(f"{request.command}: {said}", type="info" if waits else "positive")
