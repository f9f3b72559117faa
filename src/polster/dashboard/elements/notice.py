"""A word on a run that was asked for on a page: where it is, and how it ends."""

from __future__ import annotations

from datetime import UTC, datetime

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import run_address
from polster.dashboard.runner import RequestState, RunRequest
from polster.dashboard.runs_view import ending
from polster.dashboard.words import counted

LOOK_SECONDS = 0.3
COMMAND_LENGTH = 200
GOOD_SECONDS = 10.0
"""How long the word on a run that ended well stays; on another it stays until it is dismissed."""


class Notice(Tag):
    """Follows a request at the foot of the page until it is over.

    Args:
        board: Whose request.
        request: What was asked for.
        leads: Whether the page goes on to the run as soon as it has begun.
    """

    def __init__(self, board: Board, request: RunRequest, *, leads: bool) -> None:
        super().__init__("div", classes="told")
        self._board = board
        self._request = request
        self._leads = leads
        with self:
            self._said = Tag("span", role="status")
            self._link = Tag("a", "see the run")
            Button("Dismiss", self.delete)
        self._look()
        with self:
            ui.timer(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        request = self._request
        run_id = self._run_id()
        if run_id is not None and self._leads:
            ui.navigate.to(run_address(run_id))
            self._leads = False
        self._said.set_text(f"{_command(request)}: {said_of(self._board, request)}")
        self._link.props["href"] = run_address(run_id) if run_id else "/runs"
        self._link.set_text("see the run" if run_id else "see the runs")
        if request.exit_code == 0 and request.ended_at is not None:
            age = datetime.now(UTC) - request.ended_at
            if age.total_seconds() > GOOD_SECONDS:
                self.delete()

    def _run_id(self) -> str | None:
        """Return the run that answers the request, as soon as it is known."""
        if self._request.run_id is not None:
            return self._request.run_id
        live = (run.run_id for run in self._board.snapshot.live if self._request.is_of(run))
        return next(live, None)


def said_of(board: Board, request: RunRequest) -> str:
    """Say how far a request is, or how it ended."""
    match request.state:
        case RequestState.QUEUED:
            ahead = counted(board.runner.ahead_of(request), "run")
            return f"queued behind {ahead} of this dashboard"
        case RequestState.WITHDRAWN:
            return "withdrawn: it did not start"
        case RequestState.RUNNING:
            return "started"
        case RequestState.STOPPING:
            return "stopping"
        case RequestState.ENDED:
            return request.ending or ending(request.exit_code)[1]


def _command(request: RunRequest) -> str:
    command = request.command
    if len(command) <= COMMAND_LENGTH:
        return command
    return command[: COMMAND_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
