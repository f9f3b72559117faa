"""Executing a run: in parallel, upstream first; a failure stops only what stands on it."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from polster.errors import ConflictError, PolsterError
from polster.lakehouse.pin import Pin
from polster.lakehouse.table import ATTEMPTS
from polster.model.asset import AssetKey
from polster.model.decision import (
    Blocked,
    Course,
    Need,
    Skip,
    TableState,
    Unchanged,
    decide,
)
from polster.model.event import AssetBegan, AssetEnded, BatchTaken, Listener, SliceStaged
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.plan import absence
from polster.model.reason import texts
from polster.model.record import INTERRUPTED, AssetRecord, AssetStatus, Failure, Fingerprint
from polster.model.reference import Reference
from polster.project.load import in_short, without_values
from polster.project.shared_process import shared_process
from polster.runtime.aging import grown_old
from polster.runtime.chosen_rows import made_before
from polster.runtime.executor import Completed, Executor, News, Started
from polster.runtime.failures import failure
from polster.runtime.job import BehindError, Built, Job, Workplace
from polster.runtime.refusal import by_surprise
from polster.runtime.states import States

ADOPTABLE = ("POL414", "POL415")
"""Codes of refusals that the user may overrule by taking the table over."""
TAKEN_OVER = "a table of another program was taken over; its rows are still in earlier versions"
GRACE_SECONDS = 3.0
"""How long an interrupted run waits for what is being computed; nothing of it is published."""
POLL_SECONDS = 0.1
"""Between two looks whether the user has interrupted the run from elsewhere."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run.

    Attributes:
        records: One an asset chosen, upstream first.
        interrupted: Whether the user stopped it.
    """

    records: tuple[AssetRecord, ...]
    interrupted: bool


@dataclass(frozen=True, slots=True)
class Named:
    """Rows that the user named.

    Attributes:
        where: The condition.
        keys: Of which tables.
    """

    where: str
    keys: frozenset[AssetKey]


def is_verified(run_id: str, key: AssetKey, share: float) -> bool:
    """Tell whether a run compares a part of a table with a whole build; a ``share`` of runs does.

    It is the same each time that it is asked, and says nothing of other runs and tables.
    """
    digest = hashlib.blake2b(f"{run_id} {key}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


class Execution:
    """One run in progress: decides on each asset once its upstream is done, and has it built."""

    def __init__(
        self,
        graph: AssetGraph,
        chosen: Collection[AssetKey],
        codes: Mapping[AssetKey, Fingerprint],
        states: States,
        work: Workplace,
        executor: Executor,
        *,
        full_refresh: bool,
        adopt: bool = False,
        verify: float = 0,
        named: Named | None = None,
        most_bytes: int | None = None,
        listener: Listener,
        interrupted: Callable[[], bool],
    ) -> None:
        self.graph = graph
        self.order = [key for key in graph.assets if key in chosen]
        self.codes = codes
        self.states = states
        self.work = work
        self.executor = executor
        self.full_refresh = full_refresh
        self.adopt = adopt
        self.verify = verify
        self.named = named
        self.most_bytes = most_bytes
        self.listener = listener
        self.interrupted = interrupted
        self.records: dict[AssetKey, AssetRecord] = {}
        self.tables: dict[AssetKey, Pin] = {}
        self.awaited: dict[AssetKey, tuple[AssetKey, ...]] = {}  # bronze without columns, by reader
        self.ready: deque[AssetKey] = deque()
        self.begun: set[AssetKey] = set()
        self.tries: Counter[AssetKey] = Counter()
        self.notes: dict[AssetKey, tuple[str, ...]] = {}  # of what is being built
        chosen_set = set(self.order)
        self.waiting = {
            key: {other for other in graph.needs(key) if other in chosen_set} for key in self.order
        }
        self.readers: dict[AssetKey, list[AssetKey]] = {key: [] for key in self.order}
        for key, needed in self.waiting.items():
            for other in needed:
                self.readers[other].append(key)

    def run(self) -> Outcome:
        """Run everything chosen."""
        with shared_process(self.work.root):
            return self._run()

    def _run(self) -> Outcome:
        self.ready.extend(key for key in self.order if not self.waiting[key])
        interrupted = False
        try:
            while len(self.records) < len(self.order):
                while self.ready:
                    self._look_for_interrupt()
                    self._begin(self.ready.popleft())
                self._look_for_interrupt()
                for news in self.executor.as_completed(POLL_SECONDS):
                    self._take(news)
                    if self.ready:
                        break
        except KeyboardInterrupt:
            interrupted = True
            self._interrupt()
        finally:
            self.work.gate.close()
            self.executor.cancel()
        return Outcome(tuple(self.records[key] for key in self.order), interrupted)

    def _look_for_interrupt(self) -> None:
        if self.interrupted():
            raise KeyboardInterrupt

    def _begin(self, key: AssetKey) -> None:
        """Decide on an asset whose upstream is done, and have it built if there is a reason to."""
        try:
            decided = self._decide(key)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # such as a panic of delta-rs
            decided = _failed(key, error)
        if isinstance(decided, Job):
            self.executor.submit(decided)
        else:
            self._tell_begun(key)
            self._end(key, decided)

    def _take(self, news: News) -> None:
        """Take what the executor says."""
        match news:
            case Started(key):
                self._tell_begun(key)
            case BatchTaken() | SliceStaged():
                self.listener(news)
            case Completed(key, BehindError() as behind):
                self._catch_up(key, behind)
            case Completed(key, Built() as built):
                self._end(key, built)
            case Completed(key, BaseException() as error):
                self._end(key, _failed(key, error))

    def _catch_up(self, key: AssetKey, behind: BehindError) -> None:
        """Have an asset built again, of the newest that this run and those beside it read."""
        self.tries[key] += 1
        try:
            if self.tries[key] == ATTEMPTS:
                raise ConflictError(
                    f"other runs published it first {ATTEMPTS} times",
                    code="POL402",
                    place=self.work.lakehouse.table(key).uri,
                    hint="run it again when no other run is writing this table",
                )
            for name, version in behind.versions.items():
                other = AssetKey.parse(name)
                table = self.work.lakehouse.pin(other, version) if other else None
                if other is not None and table is not None:
                    self.tables[other] = table
        except PolsterError as error:
            self._end(key, _failed(key, error))
        else:
            self.ready.append(key)

    def _decide(self, key: AssetKey) -> Built | Job:
        """Return what is to be built, or why nothing is; its upstream is done by now."""
        now = datetime.now(UTC)
        needs = [self._need(key, other) for other in self.graph.needs(key)]
        state, notes = self._ours(key)
        where = self._where(key)
        decision = decide(
            key,
            self.codes[key],
            needs,
            state,
            absent=absence(key, self.states.deleted),
            full_refresh=self.full_refresh,
            where=where,
            made=made_before(self.work.lakehouse, key, where) if where else None,
        )
        reasons = texts(decision.reasons)
        match decision:
            case Skip():
                if awaited := tuple(dict.fromkeys(k for need in needs for k in need.awaited)):
                    self.awaited[key] = awaited
                return Built(AssetRecord(key, AssetStatus.SKIPPED, now, reasons=reasons), None)
            case Blocked():
                raise self._blocked(key, decision, state)
            case Unchanged():
                published = self.states.published.get(key)
                old = grown_old(self.graph[key], published, self.work.context.time)
                refused = by_surprise(self.graph[key], old)
                record = AssetRecord(
                    key,
                    AssetStatus.FAILED if refused else AssetStatus.UNCHANGED,
                    now,
                    reasons=reasons,
                    version=None if state is None else state.version,
                    notes=notes,
                    error=failure(refused) if refused else None,
                )
                return Built(record, None)
        self.notes[key] = notes
        return Job(
            self.graph[key],
            {name: self._pin(key, other) for name, other in self.graph.inputs[key].items()},
            decision.fingerprint,
            reasons,
            None if state is None else state.version,
            self.states.published.get(key),
            reread=self.full_refresh,
            is_damaged=state is not None and state.damage is not None,
            references=self._pin_references(key),
            verifies=is_verified(self.work.context.id, key, self.verify),
            where=where,
            most_bytes=self.most_bytes,
        )

    def _where(self, key: AssetKey) -> str:
        return self.named.where if self.named and key in self.named.keys else ""

    def _ours(self, key: AssetKey) -> tuple[TableState | None, tuple[str, ...]]:
        """Return the state of the asset's own table, and what is to be told of it."""
        state = self.states.tables.get(key)
        if state is None:
            return None, ()
        if state.refusal is not None and self.adopt and state.refusal.code in ADOPTABLE:
            return self._taken_over(key, state), (TAKEN_OVER,)
        return state, (state.changes,) if state.changes and not state.is_told else ()

    def _need(self, key: AssetKey, other: AssetKey) -> Need:
        """Say how ``other`` is, which ``key`` needs, now that the run is done with it."""
        state, record = self.states.tables.get(other), self.records.get(other)
        match record and record.status:
            case AssetStatus.PUBLISHED:
                course = Course.PUBLISHED
            case AssetStatus.FAILED | AssetStatus.SKIPPED:
                course = Course.FAILED
            case _:
                course = Course.NONE
        table = self.tables.get(other) or state
        version = table.version if table else None
        awaited = self.awaited.get(other, ())
        return Need(other, self.graph.verb(key, other), state, course, version, awaited)

    def _blocked(self, key: AssetKey, decision: Blocked, state: TableState | None) -> PolsterError:
        need = decision.need
        if need is None and state is not None and state.refusal is not None:
            return PolsterError.of(state.refusal)
        if need is None or need.state is None:
            return self._never_built(key, need.key if need else key)
        return self._unsound(key, need.key, need.state)

    def _taken_over(self, key: AssetKey, state: TableState) -> TableState:
        """Make a table of another program the asset's.

        Raises:
            LakehouseError: It cannot be.
        """
        with self.work.gate.open():
            table = self.work.lakehouse.table(key).adopt(
                run_id=self.work.context.id, append_only=key.layer is Layer.BRONZE
            )
        return TableState(state.version if table is None else table.version, None)

    def _pin(self, key: AssetKey, other: AssetKey) -> Pin:
        table = self.tables.get(other)
        if table is None:
            table = self.work.lakehouse.pin(other, self.states.tables[other].version)
        if table is None:  # it was deleted since the run started
            raise self._never_built(key, other)
        self.tables[other] = table
        return table

    def _pin_references(self, key: AssetKey) -> dict[Reference, Pin | None]:
        """Pin what ``key`` refers to; None stands for the rows that it is about to publish."""
        targets = self.graph.references.get(key, {}).items()
        return {each: None if other == key else self._pin(key, other) for each, other in targets}

    def _unsound(self, key: AssetKey, needed: AssetKey, state: TableState) -> PolsterError:
        refusal = state.refusal
        return PolsterError(
            f"`{needed}`, which it {self.graph.verb(key, needed)}, cannot be read: "
            f"{state.why_unsound}",
            code=refusal.code if refusal else "POL413",
            place=self.work.lakehouse.table(needed).uri,
            hint=refusal.hint if refusal else f"build it anew with: polster run {needed}",
        )

    def _never_built(self, key: AssetKey, needed: AssetKey) -> PolsterError:
        return PolsterError(
            f"`{needed}`, which it {self.graph.verb(key, needed)}, was never built",
            code="POL308",
            place=self.graph[key].place,
            hint=f"polster run {needed}, or both with: polster run +{key}",
        )

    def _tell_begun(self, key: AssetKey) -> None:
        if key not in self.begun:  # it may be built again
            self.begun.add(key)
            self.listener(AssetBegan(key, datetime.now(UTC)))

    def _end(self, key: AssetKey, built: Built) -> None:
        """Take what became of an asset; those that waited for it may be ready now."""
        notes = self.notes.pop(key, ())
        record = replace(built.record, notes=(*notes, *built.record.notes))
        self.records[key] = record
        if built.table is not None:
            self.tables[key] = built.table
        elif record.status is AssetStatus.UNCHANGED and record.version is None:
            self.awaited[key] = (key,)
        for reader in self.readers[key]:
            self.waiting[reader].discard(key)
            if not self.waiting[reader]:
                self.ready.append(reader)
        self.listener(AssetEnded(record))

    def _interrupt(self) -> None:
        """Stop: no commit begins any more; what is computed gets a moment to end."""
        self.work.gate.close()
        self.executor.cancel()
        for news in self.executor.as_completed(GRACE_SECONDS):
            self._take(news)
        for key in self.order:
            if key not in self.records:
                self.records[key] = AssetRecord(
                    key, AssetStatus.SKIPPED, datetime.now(UTC), reasons=(INTERRUPTED,)
                )


def _failed(key: AssetKey, error: BaseException) -> Built:
    """Return what becomes of an asset that no build has a word on."""
    if isinstance(error, PolsterError):
        said = Failure(error.code, error.message, error.hint, error.place)
    else:
        said = Failure(
            "POL900",
            f"Polster stumbled: {in_short(error)}",
            hint="please report this as a bug of Polster",
            kept=f"Polster stumbled: {without_values(error)}",
        )
    return Built(AssetRecord(key, AssetStatus.FAILED, datetime.now(UTC), error=said), None)
