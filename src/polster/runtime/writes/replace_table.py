"""Replacing a table: what the function returns is all that it holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import Terms
from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.table_version import TableVersion
from polster.model.reason import Reason, Why
from polster.model.record import Counted
from polster.runtime.call import Returned
from polster.runtime.gate import Gate
from polster.runtime.job import BehindError, Job
from polster.runtime.stage import Staged
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Departures, Shape, Unneeded

if TYPE_CHECKING:
    import dataframely as dy

FASTER = Reason(Why.PUBLISHED_BESIDE)


class ReplaceTable:
    """How silver and gold are written; see :class:`Write`."""

    def __init__(self, job: Job, target: Target) -> None:
        self.job = job
        self.target = target

    def newest(self) -> TableVersion | None:
        """Open the newest version."""
        return self.target.table.open()

    def admit(self, current: TableVersion) -> Unneeded | None:
        """Tell whether another run has published since the inputs were pinned."""
        return None if current.version == self.job.known else self._yield_to(current)

    def take(
        self,
        returned: Returned,
        contract: type[dy.Schema] | None,
        current: TableVersion | None,
        *,
        began: datetime,
    ) -> pl.LazyFrame | Unneeded:
        """Take every frame; above bronze there is no source."""
        del contract, current, began
        assert isinstance(returned, pl.LazyFrame)  # noqa: S101
        return returned

    @property
    def batches(self) -> tuple[str, ...]:
        """What is replaced is no batch."""
        return ()

    @property
    def brought(self) -> frozenset[str]:
        """There are no audit columns."""
        return frozenset()

    def shape(self, terms: Terms, current: TableVersion | None) -> Shape:
        """Stage what the contract says."""
        del terms, current
        return Shape()

    def settle(self, staged: Staged, current: TableVersion | None, *, again: bool = False) -> None:
        """Nothing has to fit to what is replaced."""

    @property
    def departures(self) -> Departures:
        """Nothing differs from what is replaced."""
        return Departures()

    @property
    def counted(self) -> Mapping[str, Counted]:
        """There is no source that could say how much it has."""
        return {}

    def repeated(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Equal rows are published: they have other inputs or other code."""
        del staged, current
        return None

    def holds(self, staged: Staged, current: TableVersion) -> bool:
        """Tell nothing of equal rows, as above."""
        del staged, current
        return False

    def overtaken(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Yield to what was made of inputs that are newer, or of the same."""
        del staged
        return self._yield_to(current)

    def prepare(self, staged: Staged, current: TableVersion, gate: Gate) -> TableVersion:
        """Let the table hold moments without a zone, if these are the first."""
        with gate.open():
            return self.target.table.allow_types(current, staged.schema)

    def plan(self, staged: Staged, current: TableVersion | None) -> Change:
        """Put the staged files in the place of all others."""
        del current
        return Change(staged.files, staged.schema, EVERY_FILE, types=staged.types)

    def as_read(
        self, table: TableVersion, staged: Staged, sent: frozenset[str] | None
    ) -> TableVersion:
        """Return the table, whose rows are counted."""
        del sent
        return replace(table, counted=staged.rows)

    def _yield_to(self, current: TableVersion) -> Unneeded | None:
        """Yield if the inputs there are newer; with the same ones and code the two are equal."""
        published = self.target.published(current)
        theirs = None if published is None else published.record.fingerprint
        if theirs is None:
            return None
        ours = self.job.fingerprint
        here, there = ours.versions, theirs.versions
        newer = {name: v for name, v in there.items() if v > here.get(name, -1)}
        behind = {name: v for name, v in newer.items() if name in here}
        if behind and any(v > there[name] for name, v in here.items() if name in there):
            raise BehindError(behind)
        return Unneeded(FASTER, current) if theirs == ours or newer else None
