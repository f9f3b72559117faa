"""Runs started from a page: one at a time, each a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from polster.dashboard.gate import is_loopback
from polster.dashboard.log import RunLog
from polster.dashboard.output import MOST_BYTES, READ_BYTES, Output
from polster.model.live import LiveRun
from polster.operations.user import user_name

KEPT_REQUESTS = 50
STOP_SECONDS = 30.0
"""How long a run that is told to stop may take to record what it did; then it is killed.

It waits for no more than eight seconds itself; the rest is for a machine that has much to do."""
READ_SECONDS = 0.1
"""Between two looks at what a run wrote."""
OWN_SECRETS = ("POLSTER_DASHBOARD_TOKEN",)
STOPPED_BY = "POLSTER_STOPPED_BY"
"""Names to a run the file that says who stops it, if it is stopped."""
LAST_WORD = re.compile(
    r"run (\d{8}T\d{6}-[0-9a-f]{6}) (?P<ending>(?:succeeded|failed|was interrupted) in .*)"
)


class RequestState(StrEnum):
    """How far a run that was asked for on a page is."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True, eq=False)
class RunRequest:
    """A run that was asked for on a page.

    Attributes:
        number: Counts the requests of this server, from 1.
        selection: Terms as ``polster run`` takes them; empty means everything.
        log: What the process wrote, our messages and the user's prints, the last lines of it.
        exit_code: 0 good, 1 something failed, 2 refused, 130 interrupted, below 0 the signal that
            killed it; None while it runs, or if it could not be started.
        process_id: Of the process that runs it, by which a run in progress is known to be this.
        run_id: Of the run, as the process said when it ended; None if it began none, or was killed.
        ending: How the run ended, as the process said: ``succeeded in 0.2 s: 3 published``.
        stopped_by: Who told it to stop, as a clause: ``from the dashboard of ann on host``.
    """

    number: int
    selection: tuple[str, ...]
    full_refresh: bool
    asked_at: datetime
    state: RequestState = RequestState.QUEUED
    log: RunLog = field(default_factory=RunLog)
    exit_code: int | None = None
    process_id: int | None = None
    run_id: str | None = None
    ending: str | None = None
    stopped_by: str = ""
    ended_at: datetime | None = None

    @property
    def command(self) -> str:
        """Return what one would type for the same run."""
        words = ["polster run", *self.selection]
        return " ".join([*words, "--full-refresh"] if self.full_refresh else words)

    @property
    def is_running(self) -> bool:
        """Tell whether its process runs, told to stop or not."""
        return self.state in (RequestState.RUNNING, RequestState.STOPPING)

    @property
    def is_stopping(self) -> bool:
        """Tell whether it was told to stop and has not ended yet."""
        return self.state is RequestState.STOPPING

    @property
    def is_over(self) -> bool:
        """Tell whether it will never do anything any more."""
        return self.state in (RequestState.ENDED, RequestState.WITHDRAWN)

    def is_of(self, live: LiveRun) -> bool:
        """Tell whether ``live`` is what this request's process does."""
        return (
            self.process_id == live.process_id
            and live.host == socket.gethostname()
            and live.started_at >= self.asked_at
        )

    def end(self, state: RequestState) -> None:
        """Be over."""
        self.state = state
        self.ended_at = datetime.now(UTC)


class Runner:
    """Starts runs one after another.

    Args:
        root: The project's folder.
        environment: As ``--env`` would say.

    Attributes:
        requests: Of this server, oldest first; of those that are over the last fifty.
    """

    def __init__(self, root: Path, environment: str | None) -> None:
        self.root = root
        self.environment = environment
        self.requests: list[RunRequest] = []
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._stopped_by: Path | None = None
        self._killing: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def current(self) -> RunRequest | None:
        """Return the request that is being run; None between runs."""
        return next((each for each in self.requests if each.is_running), None)

    @property
    def queued(self) -> list[RunRequest]:
        """List the requests that wait, next first."""
        return [each for each in self.requests if each.state is RequestState.QUEUED]

    def request_of(self, run: LiveRun | str) -> RunRequest | None:
        """Return the request whose process does ``run``, or did the run of that identifier."""
        for request in reversed(self.requests):
            if request.run_id == run if isinstance(run, str) else request.is_of(run):
                return request
        return None

    def submit(self, selection: Sequence[str] = (), *, full_refresh: bool = False) -> RunRequest:
        """Ask for a run: it starts at once, or when those before it have ended."""
        now = datetime.now(UTC)
        request = RunRequest(next(self._numbers), tuple(selection), full_refresh, now)
        if self._closed:
            request.end(RequestState.WITHDRAWN)
            return request
        over = [each for each in self.requests if each.is_over]
        for old in over[: max(0, len(over) - KEPT_REQUESTS + 1)]:
            self.requests.remove(old)
        self.requests.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return request

    def ahead_of(self, request: RunRequest) -> int:
        """Count the requests that must end before ``request`` starts."""
        if request.state is not RequestState.QUEUED:
            return 0
        return sum(not each.is_over and each.number < request.number for each in self.requests)

    def cancel(self, request: RunRequest, *, address: str | None = None) -> None:
        """Withdraw a request that waits; interrupt one that runs, as Ctrl-C does.

        Args:
            request: Of this server.
            address: Where the page is open on which somebody cancels; None if no page asks for it.
        """
        if request.state is RequestState.QUEUED:
            request.end(RequestState.WITHDRAWN)
        elif request.state is RequestState.RUNNING:
            request.state = RequestState.STOPPING
            request.stopped_by = who_stops(address)
            self._interrupt(request)

    async def close(self) -> None:
        """Withdraw what waits, stop what runs, and wait until it has recorded what it did."""
        self._closed = True
        for request in list(self.requests):
            self.cancel(request)
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _work(self) -> None:
        while self.queued:
            request = self.queued[0]
            request.state = RequestState.RUNNING
            try:
                await self._run(request)
            except (OSError, ValueError) as error:  # too long a selection, or what no text may hold
                request.log.write(f"the run cannot be started: {error}")
            if word := _last_word(request.log):
                request.run_id, request.ending = word[1], word["ending"]
            request.end(RequestState.ENDED)

    async def _run(self, request: RunRequest) -> None:
        with Output() as output, TemporaryDirectory(prefix="polster-run-") as folder:
            self._stopped_by = Path(folder, "stopped-by")
            process = await asyncio.create_subprocess_exec(
                *self._command(request),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output.file,
                stderr=asyncio.subprocess.STDOUT,
                cwd=self.root,
                env=_environment(self._stopped_by),
                start_new_session=True,  # Ctrl-C in the terminal is the server's to pass on
            )
            self._process = process
            request.process_id = process.pid
            if request.is_stopping:  # told so while it was being started
                self._interrupt(request)
            try:
                await _follow(process, output, request.log)
            except asyncio.CancelledError:  # the server is stopped in a hurry
                request.stopped_by = request.stopped_by or who_stops(None)
                self._interrupt(request)
                await _follow(process, output, request.log)
                raise
            finally:
                self._process = None
                if self._killing is not None:
                    self._killing.cancel()
                    self._killing = None
                request.exit_code = process.returncode
                request.log.end()

    def _command(self, request: RunRequest) -> list[str]:
        arguments = ["run", f"--project={self.root}"]
        if self.environment:
            arguments.append(f"--env={self.environment}")
        if request.full_refresh:
            arguments.append("--full-refresh")
        # -P: what lies in the project's folder must not stand in for an installed package
        return [sys.executable, "-P", "-m", "polster", *arguments, "--", *request.selection]

    def _interrupt(self, request: RunRequest) -> None:
        """Tell the process to stop and on whose word, and kill it if it does not."""
        if self._process is None or self._stopped_by is None:
            return
        with suppress(OSError):  # it stops all the same
            self._stopped_by.write_text(request.stopped_by, encoding="utf-8")
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGTERM)
        if self._killing is None:
            loop = asyncio.get_running_loop()
            self._killing = loop.call_later(STOP_SECONDS, _kill, self._process)


async def _follow(process: asyncio.subprocess.Process, output: Output, log: RunLog) -> None:
    """Take down what a process writes until it has ended; a program it started may go on."""
    ending = asyncio.create_task(process.wait())
    try:
        while not ending.done():
            await asyncio.wait([ending], timeout=READ_SECONDS)
            log.feed(output.read())
    finally:
        ending.cancel()
    for _ in range(MOST_BYTES // READ_BYTES):
        if not (data := output.read()):
            break
        log.feed(data)
        await asyncio.sleep(0)  # others want to be served, too


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the process with all that it started."""
    with suppress(ProcessLookupError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def who_stops(address: str | None) -> str:
    """Say who stops a run, as far as a server can know that has no accounts.

    Args:
        address: Where the page is open on which somebody cancels; None if the server is stopped.
    """
    user = user_name()
    dashboard = f"the dashboard {f'of {user} ' if user else ''}on {socket.gethostname()}"
    if address is None:
        return f"by stopping {dashboard}"
    return f"from {dashboard}" + ("" if is_loopback(address) else f" by {address}")


def _environment(stopped_by: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in OWN_SECRETS}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PYTHONIOENCODING": "utf-8",
        STOPPED_BY: str(stopped_by),
    }


def _last_word(log: RunLog) -> re.Match[str] | None:
    return next(filter(None, map(LAST_WORD.match, reversed(log.lines))), None)
