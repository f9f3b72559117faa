"""Runs started from a page: one at a time, each a process of its own."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

LOG_LINES = 2_000
LINE_BYTES = 65_536
STOP_SECONDS = 10.0
"""How long a run that is told to stop may take to record what it did."""


class RequestState(StrEnum):
    """How far a run that was asked for on a page is."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


@dataclass(slots=True)
class RunRequest:
    """A run that was asked for on a page.

    Attributes:
        number: Counts the requests of this server, from 1.
        selection: Terms as ``polster run`` takes them; empty means everything.
        log: What the process wrote, our messages and the user's prints, the last lines of it.
        dropped: Lines of it that were dropped for newer ones.
        exit_code: 0 good, 1 something failed, 2 refused, 130 interrupted; None while it runs.
        process_id: Of the process that runs it, by which a run in progress is known to be this.
    """

    number: int
    selection: tuple[str, ...]
    full_refresh: bool
    asked_at: datetime
    state: RequestState = RequestState.QUEUED
    log: deque[str] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    dropped: int = 0
    exit_code: int | None = None
    process_id: int | None = None

    @property
    def command(self) -> str:
        """Return what one would type for the same run."""
        words = ["polster run", *self.selection]
        return " ".join([*words, "--full-refresh"] if self.full_refresh else words)

    @property
    def is_over(self) -> bool:
        """Tell whether it will never do anything any more."""
        return self.state in (RequestState.ENDED, RequestState.WITHDRAWN)

    def write(self, line: str) -> None:
        """Add a line to the log."""
        self.dropped += len(self.log) == LOG_LINES
        self.log.append(line)


class Runner:
    """Starts runs one after another.

    Args:
        root: The project's folder.
        environment: As ``--env`` would say.

    Attributes:
        requests: All of this server, oldest first, the last hundred.
    """

    def __init__(self, root: Path, environment: str | None) -> None:
        self.root = root
        self.environment = environment
        self.requests: deque[RunRequest] = deque(maxlen=100)
        self._numbers = itertools.count(1)
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def current(self) -> RunRequest | None:
        """Return the request that is being run; None between runs."""
        running = (RequestState.RUNNING, RequestState.STOPPING)
        return next((each for each in self.requests if each.state in running), None)

    @property
    def queued(self) -> list[RunRequest]:
        """List the requests that wait, next first."""
        return [each for each in self.requests if each.state is RequestState.QUEUED]

    def request_of(self, process_id: int) -> RunRequest | None:
        """Return the request that the process runs or ran."""
        return next((each for each in self.requests if each.process_id == process_id), None)

    def submit(self, selection: Sequence[str] = (), *, full_refresh: bool = False) -> RunRequest:
        """Ask for a run: it starts at once, or when those before it have ended."""
        now = datetime.now(UTC)
        request = RunRequest(next(self._numbers), tuple(selection), full_refresh, now)
        self.requests.append(request)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())
        return request

    def cancel(self, request: RunRequest) -> None:
        """Withdraw a request that waits; interrupt one that runs, as Ctrl-C does."""
        if request.state is RequestState.QUEUED:
            request.state = RequestState.WITHDRAWN
        elif request.state is RequestState.RUNNING and self._process is not None:
            request.state = RequestState.STOPPING
            self._process.send_signal(signal.SIGTERM)

    async def close(self) -> None:
        """Withdraw what waits, stop what runs, and wait until it has recorded what it did."""
        self._closed = True
        for request in list(self.requests):
            self.cancel(request)
        if self._task is None:
            return
        done, _ = await asyncio.wait([self._task], timeout=STOP_SECONDS)
        if not done and self._process is not None:
            self._process.kill()
            await asyncio.wait([self._task], timeout=STOP_SECONDS)

    async def _work(self) -> None:
        while self.queued and not self._closed:
            request = self.queued[0]
            try:
                await self._run(request)
            except OSError as error:
                request.write(f"the run cannot be started: {error.strerror}")
            request.state = RequestState.ENDED

    async def _run(self, request: RunRequest) -> None:
        request.state = RequestState.RUNNING
        arguments = ["run", f"--project={self.root}"]
        if self.environment:
            arguments.append(f"--env={self.environment}")
        if request.full_refresh:
            arguments.append("--full-refresh")
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "polster",
            *arguments,
            "--",
            *request.selection,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.root,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            limit=LINE_BYTES,
            start_new_session=True,  # Ctrl-C in the server's terminal is the server's to pass on
        )
        request.process_id = process.pid
        try:
            assert process.stdout is not None
            while chunk := await _line(process.stdout):
                request.write(chunk.decode("utf-8", "replace").rstrip("\r\n"))
            request.exit_code = await process.wait()
        finally:
            self._process = None


async def _line(stream: asyncio.StreamReader) -> bytes:
    """Read a line, or as much of it as one may be long; empty at the end."""
    try:
        return await stream.readuntil(b"\n")
    except asyncio.IncompleteReadError as end:
        return end.partial
    except asyncio.LimitOverrunError:
        return await stream.read(LINE_BYTES)
