"""What the pages ask: one object that knows the project, and notices when it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from polster.dashboard.checker import Checker
from polster.dashboard.runner import Runner
from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.model.live import LiveRun
from polster.operations.open_project import Project, open_project
from polster.operations.overview import Condition, Overview, conditions, overview
from polster.operations.runs import live_runs
from polster.operations.watch import LakehouseStamp, Stamp, lakehouse_stamp, source_stamp

POLL_SECONDS = 1.0
SLOW_POLL_SECONDS = 3.0
"""Between two looks into an object store, which cost a request each."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What is known at one moment; pages are drawn from one, so that they never mix two.

    Attributes:
        project: None if there is none that can be opened any more.
        overview: The last one that could be made; None if none could.
        live: Runs in progress, newest first, those without a sign of life included.
        problem: Why the overview is old, if it is.
        revision: Grows with each change.
    """

    project: Project | None = None
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
        self.checker = Checker(root, environment)
        self.viewers = 0
        self._source: Stamp = frozenset()
        self._lakehouse: LakehouseStamp | None = None
        self._looking = asyncio.Lock()

    async def ask(
        self,
        question: Callable[Concatenate[Project, Arguments], Answer],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Answer:
        """Ask an operation of the project, away from the thread that serves the pages.

        Raises:
            PolsterError: What the operation raises, or there is no project to ask.
        """
        project = (await self.current()).project
        if project is None:
            raise self.snapshot.problem or PolsterError("there is no project", code="POL101")
        return await asyncio.to_thread(question, project, *arguments, **options)

    async def current(self) -> Snapshot:
        """Return the newest snapshot, after a first look if there was none yet."""
        if self.snapshot.revision == 0:
            await self.look()
        return self.snapshot

    async def look(self) -> None:
        """Look whether anything changed, and take a new snapshot if so."""
        async with self._looking:
            self.snapshot = await asyncio.to_thread(self._look)

    async def watch(self) -> None:
        """Look again and again while somebody watches, until cancelled."""
        while True:
            if self.viewers or self.snapshot.revision == 0:
                await self.look()
            project = self.snapshot.project
            remote = project is not None and "://" in _lakehouse_of(project, self.environment)
            await asyncio.sleep(SLOW_POLL_SECONDS if remote else POLL_SECONDS)

    def _look(self) -> Snapshot:
        before = self.snapshot
        now = before
        source = source_stamp(self.root)
        source_changed = source != self._source
        try:
            if source_changed or now.project is None:
                now = replace(now, project=open_project(self.root))
            assert now.project is not None
            lakehouse = lakehouse_stamp(now.project, environment=self.environment)
            live = tuple(live_runs(now.project, environment=self.environment))
            if source_changed or now.problem or lakehouse != self._lakehouse:
                seen = overview(now.project, environment=self.environment)
                now = replace(now, overview=seen, problem=None)
            now = replace(now, live=live)
            self._lakehouse = lakehouse
        except PolsterError as problem:
            if repr(problem) != repr(before.problem):
                now = replace(now, problem=problem)
        self._source = source
        if now == before and before.revision:
            return before
        return replace(now, revision=before.revision + 1)


def _lakehouse_of(project: Project, environment: str | None) -> str:
    chosen = environment or project.settings.default_environment
    return project.settings.lakehouses.get(chosen, "")
