"""``polster validate`` for the pages: in a process of its own, remembered until it may change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from polster.dashboard.findings import findings_of
from polster.dashboard.own_command import answer_of
from polster.errors import PolsterError
from polster.model.finding import Finding
from polster.operations.watch import source_stamp

CHECK_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Check:
    """What one ``polster validate`` said.

    Attributes:
        findings: Errors and warnings.
        assets: How many assets could be read.
        unchecked: Why the columns of an asset could not be checked, by key.
        fixable: How many findings ``--fix`` mends.
        at: When it began, timezone-aware UTC.
    """

    findings: tuple[Finding, ...]
    assets: int
    unchecked: Mapping[str, str]
    fixable: int
    at: datetime

    @property
    def unseen(self) -> list[str]:
        """List the assets that could not be looked into, though no finding says why."""
        told = {finding.asset for finding in self.findings}
        return [asset for asset in self.unchecked if asset not in told]


class Checker:
    """Runs ``validate`` once for each state of the source and of what is built.

    Args:
        root: The project's folder.
        environment: As ``--env`` would say.
        recorded: Says something else after each run: what an asset reads may be known only then.

    Attributes:
        newest: What the last check that ended said, or why it could not; None before the first.
    """

    def __init__(self, root: Path, environment: str | None, recorded: Callable[[], object]) -> None:
        self.root = root
        self.environment = environment
        self._recorded = recorded
        self._lock = asyncio.Lock()
        self.newest: Check | PolsterError | None = None
        self._stamp: object = None
        self._check: Check | None = None
        self._asking: set[asyncio.Task[Check]] = set()

    async def check(self) -> Check:
        """Return what ``validate`` says now; who leaves does not stop it for the others.

        Raises:
            PolsterError: It could not be run to its end.
        """
        asking = asyncio.create_task(self._newest())
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)
        return await asyncio.shield(asking)

    async def close(self) -> None:
        """End what is being checked, and wait until it has ended."""
        for asking in self._asking:
            asking.cancel()
        if self._asking:
            await asyncio.wait(self._asking)

    async def _newest(self) -> Check:
        async with self._lock:
            stamp = (await asyncio.to_thread(source_stamp, self.root), self._recorded())
            if self._check is None or stamp != self._stamp:
                try:
                    self.newest = self._check = await self._run()
                except PolsterError as error:
                    self.newest = error
                    raise
                self._stamp = stamp
            return self._check

    async def _run(self) -> Check:
        at = datetime.now(UTC)
        told = await answer_of(self.root, self.environment, "validate", seconds=CHECK_SECONDS)
        return _check(told, at)


def _check(document: Mapping[str, Any], at: datetime) -> Check:
    """Read what ``polster validate --format json`` wrote."""
    return Check(
        tuple(findings_of(document)),
        document.get("assets", 0),
        document.get("unchecked", {}),
        sum(entry["fixable"] for entry in document["findings"]),
        at,
    )
