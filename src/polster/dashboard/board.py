"""What the pages ask: one object that knows the project, and notices when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from polster.dashboard.asker import Asker
from polster.dashboard.checker import Check, Checker
from polster.dashboard.own_command import answer_of
from polster.dashboard.runner import Runner
from polster.errors import DefinitionError, PolsterError
from polster.model.asset import AssetKey
from polster.model.live import LiveRun
from polster.operations.open_project import Session, open_project
from polster.operations.overview import Condition, Overview, conditions
from polster.operations.readable_part import readable_part
from polster.operations.watch import (
    FileStates,
    LakehouseStamp,
    is_local,
    lakehouse_stamp,
    look,
    source_stamp,
)

POLL_SECONDS = 1.0
SLOW_POLL_SECONDS = 3.0
"""Between two looks into an object store, which cost a request each."""
ARRIVE_SECONDS = 1.0

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment; pages are drawn from one, so that they never mix two.

    Attributes:
        project: With mistakes in its source, what of it can be looked at all the same; None if
            there is none that can be opened any more.
        overview: The last one that could be made; None if none could.
        live: Runs in progress, newest first, those without a sign of life included.
        problem: Why the overview is old, or shows assets as they were before a mistake.
        revision: Grows with each change.
    """

    project: Session | None = None
    overview: Overview | None = None
    live: tuple[LiveRun, ...] = ()
    problem: PolsterError | None = None
    revision: int = 0

    @property
    def conditions(self) -> dict[AssetKey, Condition]:
        """Return the condition of each asset, runs in progress taken in."""
        return conditions(self.overview, self.live) if self.overview else {}


class Board:
    """The project that the dashboard shows, and what is done from its pages.

    Attributes:
        root: The project's folder.
        environment: The one asked for; None for the project's own choice.
        snapshot: The newest.
        runner: Starts runs.
        checker: Runs ``validate``.
    """

    def __init__(self, root: Path, environment: str | None) -> None:
        self.root = root
        self.environment = environment
        self.snapshot = Snapshot()
        self.runner = Runner(root, environment)
        self.checker = Checker(root, environment, lambda: self._recorded)
        self.viewers = 0
        self._asker = Asker()
        self._commands: set[asyncio.Task[dict[str, Any]]] = set()
        self._is_local = True
        self._source: FileStates = frozenset()
        self._opened: Session | None = None
        self._readable: Session | None = None  # what of it was looked at last, if that went well
        self._last_read: Session | None = None
        self._lakehouse: LakehouseStamp | None = None
        self._looking = asyncio.Lock()
        self._seen: object = None
        self._checked: object = None
        self._checking: asyncio.Task[None] | None = None
        self._arriving: asyncio.Task[None] | None = None  # held, or it might be forgotten halfway

    @property
    def judged(self) -> object:
        """Return what ``validate`` judges by: the source, and what is built."""
        return self._source, self._recorded

    @property
    def is_checked(self) -> bool:
        """Tell whether the newest check judged what is there now, and came to its end."""
        return self.judged == self._checked and isinstance(self.checker.newest, Check)

    @property
    def _recorded(self) -> int | None:
        return self._lakehouse.ledger if self._lakehouse else None

    async def ask(
        self,
        question: Callable[Concatenate[Session, Arguments], Answer],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Answer:
        """Ask an operation of the project, in another process than the one that serves the pages.

        Raises:
            PolsterError: What the operation raises, or there is no project to ask.
        """
        project = (await self.current()).project
        if project is None:
            raise self.snapshot.problem or PolsterError("there is no project", code="POL101")
        return await self._asker.ask(question, project, *arguments, **options)

    async def command(self, *command: str, seconds: float) -> dict[str, Any]:
        """Return what a command of Polster says of the project, see :func:`answer_of`.

        Raises:
            PolsterError: It could not be run to its end.
        """
        answer = answer_of(self.root, self.environment, *command, seconds=seconds)
        running = asyncio.create_task(answer)
        self._commands.add(running)
        running.add_done_callback(self._commands.discard)
        return await running

    async def current(self) -> Snapshot:
        """Return the newest snapshot, after a first look if there was none yet."""
        if self.snapshot.revision == 0:
            await self.look()
        return self.snapshot

    async def newest(self) -> Snapshot:
        """Return a snapshot of now, though nobody watched; waits for a slow lakehouse only a while.

        While somebody watches, it is new enough.
        """
        if not self.viewers:
            self._arriving = asyncio.create_task(self.look())
            old = self.snapshot.revision
            await asyncio.wait([self._arriving], timeout=ARRIVE_SECONDS if old else None)
        return self.snapshot

    async def look(self) -> None:
        """Look whether anything changed, and take a new snapshot if so."""
        async with self._looking:
            before = self.snapshot
            now = await self._look(before)
            if now != before or not before.revision:
                self.snapshot = replace(now, revision=before.revision + 1)

    async def watch(self) -> None:
        """Look again and again while somebody watches, until cancelled."""
        while True:
            if self.viewers or self.snapshot.revision == 0:
                await self.look()
                self._have_checked()
            self._asker.rest()
            await asyncio.sleep(POLL_SECONDS if self._is_local else SLOW_POLL_SECONDS)

    async def close(self) -> None:
        """Stop what runs, and wait until it has recorded what it did."""
        for running in self._commands:
            running.cancel()
        await asyncio.gather(self.runner.close(), self.checker.close())
        await asyncio.gather(*self._commands, return_exceptions=True)
        self._asker.close()

    def _have_checked(self) -> None:
        """Begin a check of what nobody changed since the last look, unless it was made."""
        now = self.judged
        is_quiet, self._seen = now == self._seen, now
        if is_quiet and now != self._checked and (self._checking is None or self._checking.done()):
            self._checking = asyncio.create_task(self._check(now))

    async def _check(self, judged: object) -> None:
        with suppress(PolsterError):  # which the checker keeps
            await self.checker.check()
        self._checked = judged

    async def _look(self, before: Snapshot) -> Snapshot:
        try:
            source = await asyncio.to_thread(source_stamp, self.root)
            if source != self._source or self._opened is None:
                self._opened = self._readable = None
                self._source = source
                self._opened = await asyncio.to_thread(
                    open_project, self.root, environment=self.environment
                )
                self._is_local = is_local(self._opened)
            known = self._lakehouse if self._readable is not None else None
            if known is not None and self._is_local:
                stamp = await asyncio.to_thread(lakehouse_stamp, self._opened)
                if stamp == known:
                    return before
            mistakes = _mistakes(self._opened)
            project = self._readable or await self._to_look_at(self._opened, mistakes)
            sight = await self._asker.ask(look, project, before=known)
        except Exception as error:
            self._readable = None
            problem = error if isinstance(error, PolsterError) else _stumbled(error)
            now = replace(before, project=self._opened)
            return now if _same(problem, before.problem) else replace(now, problem=problem)
        self._lakehouse = sight.stamp
        self._readable = self._last_read = project
        seen = sight.overview or before.overview
        told = before.problem if mistakes and _same(mistakes, before.problem) else mistakes
        return replace(before, project=project, overview=seen, live=sight.live, problem=told)

    async def _to_look_at(self, opened: Session, mistakes: DefinitionError | None) -> Session:
        """Return what can be looked at of a project: all of it, or what can be read.

        Raises:
            DefinitionError: It has mistakes, and nothing of it ever ran.
        """
        if mistakes is None:
            return opened
        part = await self._asker.ask(readable_part, opened, self._last_read)
        if part is None:
            raise mistakes
        return part


def _mistakes(project: Session) -> DefinitionError | None:
    found = project.discovery
    return DefinitionError(found.findings) if found.graph is None else None


def _stumbled(error: Exception) -> PolsterError:
    return PolsterError(
        f"Polster stumbled: {type(error).__name__}: {error}",
        code="POL900",
        hint="please report this as a bug of Polster, with what polster status says",
    )


def _same(problem: PolsterError, other: PolsterError | None) -> bool:
    """Tell whether two errors say the same."""
    if isinstance(problem, DefinitionError) and isinstance(other, DefinitionError):
        return problem.findings == other.findings
    said = (problem.code, problem.message, problem.place)
    return other is not None and said == (other.code, other.message, other.place)
