"""What the list of runs and the heading say of runs that are not recorded, or not yet."""

from __future__ import annotations

import signal
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from polster.dashboard.runner import RequestState, RunRequest
from polster.dashboard.words import counted
from polster.model.live import LiveRun
from polster.model.record import AssetStatus, RunSummary

TERMS_SHOWN = 3
TERM_LENGTH = 80
REFUSED = 2
INTERRUPTED = 130
EVERYTHING = "everything"


@dataclass(frozen=True, slots=True)
class Moving:
    """A run in progress, or one that was asked for on a page and waits.

    Attributes:
        request: None if it was started elsewhere.
        live: None if it has not begun, or is about to end.
    """

    request: RunRequest | None = None
    live: LiveRun | None = None

    @property
    def identity(self) -> tuple[int | str, bool]:
        """Return what stays the same while it moves on."""
        if self.request is not None:
            return self.request.number, self.is_queued
        return (self.live.run_id if self.live else ""), False

    @property
    def is_queued(self) -> bool:
        """Tell whether it waits for another run."""
        return self.request is not None and self.request.state is RequestState.QUEUED

    @property
    def selection(self) -> tuple[str, ...]:
        """Return what was asked for."""
        return self.live.selection if self.live else self.request.selection if self.request else ()

    @property
    def full_refresh(self) -> bool:
        """Tell whether everything is built anew."""
        asked = self.live or self.request
        return asked is not None and asked.full_refresh

    @property
    def done(self) -> int:
        """Count the assets that it is done with."""
        return len(self.live.finished) if self.live else 0

    @property
    def total(self) -> int:
        """Count the assets that it is to do; 0 if that is not known yet."""
        live = self.live
        return len(live.waiting) + len(live.running) + len(live.finished) if live else 0

    @property
    def failed(self) -> int:
        """Count the assets that failed so far."""
        finished = self.live.finished if self.live else ()
        return sum(record.status is AssetStatus.FAILED for record in finished)

    @property
    def place(self) -> str | None:
        """Return the machine that it runs on; None if that is this one."""
        here = self.live is None or self.live.host == socket.gethostname()
        return None if here or self.live is None else self.live.host

    @property
    def is_killed(self) -> bool:
        """Tell whether its process is gone."""
        return self.live is not None and self.live.is_killed

    def is_lost(self, now: datetime) -> bool:
        """Tell whether it was killed, or gave no sign of life for too long."""
        return self.live is not None and self.live.is_lost(now)

    def state(self, now: datetime) -> str:
        """Return its state in one word."""
        if self.is_queued:
            return "queued"
        if self.request is not None and self.request.is_stopping:
            return "stopping"
        if self.is_lost(now):
            return "killed" if self.is_killed else "lost"
        return "running" if self.live else "starting"

    def silence(self, now: datetime) -> str | None:
        """Say for how long a lost run gave no sign of life."""
        if self.live is None or not self.is_lost(now):
            return None
        if self.is_killed:
            return "its process is gone; the next run takes it off this list"
        seconds = int((now - self.live.updated_at).total_seconds())
        hours, minutes = divmod(seconds // 60, 60)
        length = (
            counted(hours, "hour")
            if hours
            else counted(minutes, "minute")
            if minutes
            else counted(seconds, "second")
        )
        return f"no sign of life for {length}: was it killed?"


def moving(live: Sequence[LiveRun], requests: Sequence[RunRequest]) -> list[Moving]:
    """List the runs in progress, newest first, then those that wait, next first.

    A run of this server whose process has ended does not count as in progress, whatever its last
    sign of life says.
    """
    matched: dict[int, RunRequest] = {}
    found: list[Moving] = []
    for run in live:
        request = next((each for each in reversed(requests) if each.is_of(run)), None)
        if request is None or not request.is_over:
            found.append(Moving(request, run))
        if request is not None:
            matched[request.number] = request
    begun = [each for each in requests if each.is_running and each.number not in matched]
    queued = [each for each in requests if each.state is RequestState.QUEUED]
    return [*(Moving(each) for each in begun), *found, *(Moving(each) for each in queued)]


@dataclass(frozen=True, slots=True)
class Listed:
    """The recorded runs that a page shows, and what was over when they were asked for.

    Attributes:
        runs: Newest first.
        has_more: Whether there are older ones.
        over: Numbers of the requests that had ended before the question.
        known: Which runs of these requests are recorded, on this page or an older one.
    """

    runs: tuple[RunSummary, ...] = ()
    has_more: bool = False
    over: frozenset[int] = frozenset()
    known: frozenset[str] = frozenset()


def unrecorded(requests: Sequence[RunRequest], newest: Listed) -> list[RunRequest]:
    """List the requests that ended without a recorded run, newest first.

    Args:
        requests: Of this server.
        newest: The newest recorded runs.
    """

    def is_missing(request: RunRequest) -> bool:
        if request.state is not RequestState.ENDED or request.run_id is None:
            return request.state is RequestState.ENDED
        return request.number in newest.over and request.run_id not in newest.known

    return [each for each in reversed(requests) if is_missing(each)]


def ending(exit_code: int | None) -> tuple[str, str]:
    """Say how a process ended that recorded nothing: in a word, and in a sentence.

    >>> ending(-9)[0], ending(2)[0]
    ('killed', 'refused')
    """
    if exit_code is None:
        return "not started", "Its process could not be started."
    if exit_code == REFUSED:
        return "refused", "Nothing was run (exit code 2)."
    if exit_code < 0:
        return "killed", (
            f"Its process was ended by {_signal(-exit_code)} (exit code {exit_code}). What it "
            "published before stays, and the next run records it."
        )
    if exit_code == INTERRUPTED:
        return "interrupted", "It was stopped before anything was recorded (exit code 130)."
    return "ended", f"It ended with exit code {exit_code}, and no run is recorded."


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def asked_for(selection: Sequence[str] | None) -> str:
    """Say what was asked for, on one line.

    >>> asked_for(["silver.orders+"]), asked_for([]), asked_for(None), asked_for("abcde")
    ('silver.orders+', 'everything', 'not recorded', 'a, b, c and 2 more')
    """
    if selection is None:
        return "not recorded"
    if not selection:
        return EVERYTHING
    terms = [
        term if len(term) <= TERM_LENGTH else term[: TERM_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
        for term in selection[:TERMS_SHOWN]
    ]
    rest = len(selection) - len(terms)
    return ", ".join(terms) + (f" and {rest:,} more" if rest else "")
