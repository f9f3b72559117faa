"""Building each asset in a process of its own: what ends or fills one takes nothing with it.

The child does all the work of :func:`polster.runtime.build.build` but for one thing: before it
commits, it asks the gate of the run, which is here. A child builds one asset and ends, so that its
memory goes back; a few are started ahead, since to import Polars takes a moment.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import takewhile
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Lock
from time import perf_counter
from typing import Any
from urllib.parse import unquote

from polster.errors import AssetError, UsageError
from polster.lakehouse.table import Table
from polster.model.context import RunContext
from polster.model.event import BuildEvent
from polster.model.record import INTERRUPTED, AssetRecord, AssetStatus
from polster.runtime.failures import failure
from polster.runtime.gate import InterruptedRunError
from polster.runtime.job import BehindError, Built, Job, Workplace
from polster.runtime.threads import ThreadExecutor

ENDING_SECONDS = 5.0
"""How long a child that has hung up may take to end."""
LOOK_SECONDS = 0.2
"""Between two looks whether a child that says nothing is still there."""


class Word(Enum):
    """What parent and child say to each other beside values."""

    ENTER = auto()  # the child wants to commit
    GO = auto()
    STOP = auto()  # the run was interrupted
    LEAVE = auto()  # the child has committed, or could not


@dataclass(frozen=True, slots=True)
class Task:
    """What a child is given."""

    job: Job
    context: RunContext


class ProcessExecutor(ThreadExecutor):
    """Hands jobs to child processes, each of which a thread waits for; see :class:`Executor`.

    Args:
        work: What every asset is built with; the gate is this one.
        most: How many jobs are done at once, and children wait for one.
        command: What starts a child; the number of its end of the connection is added.
        jobs: How many jobs there may be; so many children are started ahead in all.

    Raises:
        UsageError: This machine cannot do that.
    """

    def __init__(self, work: Workplace, most: int, command: Sequence[str], *, jobs: int) -> None:
        super().__init__(work, most)
        if os.name != "posix":
            raise UsageError(
                "assets cannot be isolated on this system",
                code="POL115",
                hint="run without --isolate, or on Linux or macOS",
            )
        self.command = command
        self._ahead = jobs
        self._lock = Lock()
        self._waiting: deque[_Child] = deque()
        self._busy: set[_Child] = set()
        self._is_closed = False

    def cancel(self) -> None:
        """Begin nothing more, and end every child, whatever it is doing."""
        super().cancel()
        with self._lock:
            self._is_closed = True
            waiting, busy = [*self._waiting], [*self._busy]
            self._waiting.clear()
        for child in busy:
            child.kill()  # who waits for it closes the connection
        for child in waiting:
            child.end()

    def do(self, job: Job) -> Built:
        """Do one job in a child, and wait for it.

        Raises:
            BehindError: Another run has published it meanwhile.
        """
        started, clock = datetime.now(UTC), perf_counter()
        child = self._take()
        try:
            return child.build(job, self.work)
        except (EOFError, OSError) as error:
            built = _left_by(child, job, self.work, started, error)
            return replace(built, record=replace(built.record, seconds=perf_counter() - clock))
        finally:
            child.end()
            with self._lock:
                self._busy.discard(child)

    def _take(self) -> _Child:
        with self._lock:
            child = self._waiting.popleft() if self._waiting else _Child(self.command)
            self._busy.add(child)
            while not self._is_closed and self._ahead > 0 and len(self._waiting) < self.most:
                self._ahead -= 1
                self._waiting.append(_Child(self.command))
            return child


class _Child:
    """One child process, and this end of the connection to it."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the run, which ends its children
            )
        self.connection: Connection[Any, Any] = Connection(ours.detach())

    def build(self, job: Job, work: Workplace) -> Built:
        """Have a job done.

        Raises:
            EOFError: The child ended before it was done.
            OSError: The connection broke, which means the same.
            BehindError: As the child raised it.
        """
        self.connection.send(Task(_portable(job), work.context))
        while True:
            said = self._hear()
            if said is Word.ENTER:
                self._let_in(work)
            elif isinstance(said, BuildEvent):
                work.tell(said)
            elif isinstance(said, BehindError):
                raise said
            else:
                built: Built = said
                return built

    def _let_in(self, work: Workplace) -> None:
        """Hold the gate open while the child commits, unless the run was interrupted."""
        try:
            with work.gate.open():
                self.connection.send(Word.GO)
                self._hear()
        except InterruptedRunError:
            self.connection.send(Word.STOP)

    def _hear(self) -> Any:
        """Return what the child says next.

        What the child started may keep its end of the connection open, so that it is not that
        alone which tells that the child has ended.
        """
        while not self.connection.poll(LOOK_SECONDS):
            if self.process.poll() is not None and not self.connection.poll(0):
                raise EOFError
        return self.connection.recv()

    def kill(self) -> None:
        """End the process with all that it started, and wait until it has ended."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """End the process, and let go of it."""
        self.kill()
        self.connection.close()

    def why_ended(self) -> str:
        """Say how the process ended, as a clause."""
        try:
            code = self.process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired:
            return "closed its connection to the run"
        if code < 0:
            with suppress(ValueError):
                name = signal.Signals(-code).name
                return f"was ended by {name}: {signal.strsignal(-code)}"
        return f"ended with exit code {code}"


def _portable(job: Job) -> Job:
    """Return a job without anything that is open in this process."""
    return replace(
        job,
        inputs={name: pin.pin for name, pin in job.inputs.items()},
        references={each: None if pin is None else pin.pin for each, pin in job.references.items()},
    )


def _left_by(
    child: _Child, job: Job, work: Workplace, started: datetime, error: Exception
) -> Built:
    """Say what became of a job whose child ended before it said so, and tidy up after it."""
    key = job.asset.key
    table = work.lakehouse.table(key)
    newest = table.open()
    since = () if newest is None else work.lakehouse.publications(newest)
    for published in takewhile(lambda each: job.known is None or each.version > job.known, since):
        if published.run_id == work.context.id:  # another run may have published after it
            return Built(published.record, work.lakehouse.pin(key, published.version))
    for each in (table, work.lakehouse.quarantine(key).table):
        _sweep(each, work.context.id)
    if work.gate.is_closed:
        record = AssetRecord(key, AssetStatus.SKIPPED, started, reasons=(INTERRUPTED,))
        return Built(record, None)
    ended = AssetError(
        f"the process that built it {child.why_ended()}",
        code="POL349",
        place=job.asset.place,
        hint="its code, or a library that it calls, crashed, ended the process, or took more "
        "memory than there is; see what it wrote above",
    )
    ended.__cause__ = error
    record = AssetRecord(
        key,
        AssetStatus.FAILED,
        started,
        reasons=job.reasons,
        fingerprint=job.fingerprint,
        error=failure(ended),
    )
    return Built(record, None)


def _sweep(table: Table, run_id: str) -> None:
    """Delete what a build of this run staged for a local table and no commit names."""
    if not table.store.is_local:
        return
    opened = table.open()
    named = set() if opened is None else {unquote(name) for name in opened.files["path"]}
    for file in Path(table.uri).rglob(f"*{run_id}-*.parquet"):
        if file.relative_to(table.uri).as_posix() not in named:
            with suppress(OSError):
                file.unlink()
