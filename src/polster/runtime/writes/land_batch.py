"""Landing a batch: rows are added to what is there, and nothing of that ever goes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.expected import Surprise
from polster.contracts.judge import Terms, settle_terms
from polster.errors import AssetError, ConflictError, LakehouseError
from polster.lakehouse.change import Change
from polster.lakehouse.quarantine import RUN_COLUMN
from polster.lakehouse.quick_check import data_damage
from polster.lakehouse.rewriting import finish_rewrite
from polster.lakehouse.set_aside import SetAside, SourceNotes
from polster.lakehouse.sharing import share
from polster.lakehouse.table import ATTEMPTS, wait_for_others
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import BATCH_COLUMN, Load, Repeated
from polster.model.event import BatchTaken
from polster.model.reason import Reason, Why
from polster.model.record import Counted
from polster.model.secrets import without_secrets
from polster.model.set_aside import SetAsideFile
from polster.runtime.call import Returned, batches_of, together
from polster.runtime.empty_batch import NOTHING_YET, with_columns_known
from polster.runtime.gate import Gate
from polster.runtime.job import BehindError, Job, Workplace
from polster.runtime.stage import Staged
from polster.runtime.states import lost
from polster.runtime.writes.cursor import Cursor, Marks, fit_to_be_read_again, with_source
from polster.runtime.writes.evolving import evolve, settle, settle_again, types_of_batch, widen
from polster.runtime.writes.kept import kept_rows
from polster.runtime.writes.landing import (
    INGESTED_COLUMN,
    SOURCE_COLUMN,
    BatchLanding,
    LandingPlan,
    new_batch,
    plan_landing,
)
from polster.runtime.writes.repeats import check_load, forgotten, repeated, was_cut_short
from polster.runtime.writes.rescue import rescue
from polster.runtime.writes.tally import Tally
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Departures, Shape, Unneeded
from polster.sources.frame import FrameSource
from polster.sources.source import BadFile, Batch, CursorSource, Known

if TYPE_CHECKING:
    import dataframely as dy

NOTHING_NEW = Reason(Why.NOTHING_NEW)


class LandBatch:
    """How bronze is written; see :class:`Write`."""

    def __init__(self, job: Job, target: Target, work: Workplace, marks: Marks) -> None:
        self.job = job
        self.marks = marks
        self.cursor: Cursor | None = None
        self.asset = job.asset
        self.target = target
        self.work = work
        self.began: datetime | None = None
        self.batches: tuple[str, ...] = ()
        self.brought: frozenset[str] = frozenset()
        self.memory = ""
        self.aside: list[SetAsideFile] = []
        self.is_asked = False
        self.is_given = False
        self.content = ""
        self.terms: Terms | None = None
        self.landing: BatchLanding | None = None
        self.landing_plan: LandingPlan | None = None
        self.checks: list[Callable[[], None]] = []
        self.notes: tuple[str, ...] = ()
        self.tally = Tally(job.asset, (), ())
        self.counted: Mapping[str, Counted] = {}
        self.amiss: tuple[Surprise, ...] = ()

    def newest(self) -> TableVersion | None:
        """Open the newest version; where a kill left new types half done, do the rest.

        Raises:
            LakehouseError: Rows that were added are damaged.
        """
        current = self._whole()
        if current is not None and not self._is_snapshot and self.work.lakehouse.store.is_local:
            damage = data_damage(current)
            if damage:
                raise LakehouseError.of(lost(damage, current.uri))
        return current

    def _whole(self) -> TableVersion | None:
        table = self.target.table
        for attempt in range(ATTEMPTS):
            current = table.open()
            if current is None:
                return None
            published = self.target.published(current)
            if published is not None:
                current = replace(current, types=published.types)
            left = self.work.lakehouse.unfinished(current, published)
            if left is None:
                return current
            run_id, check = self.target.run_id, self.work.gate.check
            with suppress(ConflictError):
                done = finish_rewrite(table, current, left, run_id=run_id, check=check)
                return replace(done, types=current.types)
            wait_for_others(attempt)
        return table.open()

    def admit(self, current: TableVersion) -> Unneeded | None:
        """Refuse a table that was loaded otherwise."""
        check_load(self.asset, current, self.target.published(current))
        return None

    def take(
        self,
        returned: Returned,
        contract: type[dy.Schema] | None,
        current: TableVersion | None,
        *,
        began: datetime,
    ) -> pl.LazyFrame | Unneeded:
        """Take what is new; a frame is a source of one batch, and may have no columns."""
        self.began = began
        if isinstance(returned, CursorSource) and returned.is_all and not self._is_snapshot:
            raise AssetError(
                "its source gives all rows each time, which would be added to those that are there",
                code="POL373",
                place=self.asset.place,
                hint='write cursor="updated_at", by which what is new is told; or load="snapshot"',
            )
        if isinstance(returned, CursorSource) and returned.since is not None:
            self.is_given = True
            mark = self.marks.tell(returned.since)
            returned = returned.read(returned.since.after(mark))
            if current is not None:
                returned, self.amiss = rescue(self.asset, returned, contract, current)
        said = returned if isinstance(returned, Batch) else None
        returned = returned.frame if isinstance(returned, Batch) else returned
        source = returned
        self.is_asked = not isinstance(source, pl.LazyFrame)
        if self.is_asked and self.marks.asked:
            raise with_source(self.asset)
        if isinstance(source, pl.LazyFrame):
            source = FrameSource(source, is_whole=self._is_snapshot)
        given, bad = batches_of(self.asset, source.ask(self._known(current)))
        self._set_aside(bad)
        if said is not None:
            given = [replace(said, memory=each.memory) for each in given]
        self.checks = [batch.check for batch in given]
        self.notes += tuple(note for batch in given for note in batch.notes)
        if not given and self.notes:
            return Unneeded(NOTHING_NEW, current, self.notes)
        if not given:
            return Unneeded(NOTHING_NEW, current)
        self.batches = tuple(new_batch(began) for _ in given)
        self.memory = given[-1].memory
        self.tally = Tally(self.asset, given, self.batches)
        for batch in self.batches:
            self.work.tell(BatchTaken(self.asset.key, batch, datetime.now(UTC)))
        if isinstance(returned, pl.LazyFrame):
            root: Path = self.work.root
            known = with_columns_known(returned, self.asset, contract, current, root)
            if known is None:
                self.tally.settle()
                return Unneeded(NOTHING_NEW, current, (NOTHING_YET,))
            return self._since(known, contract, current) if self.marks.asked else known
        if current is not None:
            rescues = [rescue(self.asset, batch, contract, current) for batch in given]
            given = [batch for batch, _ in rescues]
            self.amiss = tuple(each for _, found in rescues for each in found)
        frame = together(given, None if len(given) == 1 else self.batches)
        if not frame.collect_schema():  # no records, of a source that knows no columns without
            known = with_columns_known(frame, self.asset, contract, current, self.work.root)
            if known is None:
                self.tally.settle()
            return Unneeded(NOTHING_NEW, current, (NOTHING_YET,)) if known is None else known
        self.brought = frozenset(frame.collect_schema()) & {SOURCE_COLUMN, BATCH_COLUMN}
        return frame

    def _since(
        self,
        frame: pl.LazyFrame,
        contract: type[dy.Schema] | None,
        current: TableVersion | None,
    ) -> pl.LazyFrame | Unneeded:
        """Take the rows that did not come before, of a function that asked for its mark."""
        assert self.marks.asked is not None  # noqa: S101 - nobody calls it then
        returned = frame.collect_schema()
        self.brought = frozenset(returned) & {SOURCE_COLUMN} if self.is_given else frozenset()
        terms = settle_terms(self.asset, contract, returned, brought=self.brought)
        self.cursor = Cursor(self.asset, self.marks.asked, self.marks.mark, terms)
        self.cursor.check(current)
        if current is None:
            return frame
        rows = fit_to_be_read_again(frame, self)
        self.tally.see_all(rows)
        self.tally.settle()  # before rows that came before are dropped
        new, dropped = self.cursor.new_rows(rows, current, partial(self._kept_out, current))
        if not dropped:
            return new
        if dropped == rows.select(pl.len()).collect(engine="streaming").item():
            return Unneeded(NOTHING_NEW, current)
        said = "row had" if dropped == 1 else "rows had"
        self.notes += (f"{dropped} {said} come before, and came again",)
        return new

    def _kept_out(
        self, current: TableVersion, column: str, values: pl.Series
    ) -> pl.LazyFrame | None:
        """Return the rows that runs which published quarantined by the same code and contract."""
        rows = self.work.lakehouse.quarantine(self.asset.key).of_values(column, values)
        if rows is None:
            return None
        runs = rows.select(pl.col(RUN_COLUMN).unique()).collect(engine="streaming").to_series()
        found = self.work.lakehouse.published_by(list(runs), current, self.job.fingerprint)
        return rows.filter(pl.col(RUN_COLUMN).is_in(found)) if found else None

    def shape(self, terms: Terms, current: TableVersion | None) -> Shape:
        """Stage the columns of the batch as the table holds them, and the audit columns."""
        plan = plan_landing(self.asset, terms.schema, current, self.batches[0])
        self.terms, self.landing_plan = terms, plan
        self.landing = BatchLanding(
            self.batches[0],
            self.work.context.time,
            without_secrets(self.asset.options.source or self.asset.file),
            BATCH_COLUMN in plan.partition,
            self.tally,
            plan.file_schema,
        )
        looks_beside = current is not None and not self._is_snapshot and terms.rules.need_table
        kept = kept_rows(current, terms) if current is not None and looks_beside else None
        return Shape(plan.partition, plan.file_schema, self.landing, kept)

    def settle(self, staged: Staged, current: TableVersion | None, *, again: bool = False) -> None:
        """Fit the batch to the types of the table, or find types that hold both.

        Raises:
            AssetError: As for every write; or the source is not what it was when it was asked.
        """
        for check in self.checks:
            check()
        if not again:
            self.counted = self.tally.settle()
        if current is not None:
            plan, arriving = self._plan, self._terms.schema
            if again:
                plan = settle_again(self.asset, arriving, plan, current, staged, self.batches[0])
            else:
                plan = settle(self.asset, arriving, plan, current, staged)
            self.landing_plan = plan
        if not again and self.landing is not None:
            self.content = self.landing.digest.text(staged.schema)
        if again:
            return
        if self.cursor is not None:
            self.cursor.check_landing(staged)
        if current is not None and self._is_snapshot and not self.holds(staged, current):
            self._share(staged, current)

    def _share(self, staged: Staged, current: TableVersion) -> None:
        """Leave out what the snapshot has in common with the one before, where that is possible."""
        published = self.target.published(current)
        if published is None or not published.batch or not self.work.lakehouse.store.is_local:
            return
        if BATCH_COLUMN not in self._plan.partition:
            return
        before = replace(current, batch=published.batch)
        staged.files = share(
            staged.staging, staged.files, staged.schema, before, apart_from=[INGESTED_COLUMN]
        )

    @property
    def departures(self) -> Departures:
        """How the batch differs from the table."""
        plan = self._plan
        emptied = tuple(name for name in plan.existing if name not in plan.types)
        told = self.cursor.notes if self.cursor else ()
        return Departures((*self.notes, *told, *plan.notes), plan.absent, emptied, self.amiss)

    def _set_aside(self, files: Sequence[BadFile]) -> None:
        """Keep files that cannot be read before anything lands, so that a kill loses none.

        A standing warning tells of them for as long as the source has them.
        """
        context = self.work.context
        kept = SetAside.of(self.work.lakehouse.store, self.asset.key)
        at = context.time.isoformat(timespec="seconds")
        met = {file.digest: file.name for file in files}
        for each in self.aside:
            if each.is_open and each.digest not in met:
                ended = replace(each, ended=context.id)
            elif not each.is_open and each.digest in met:  # it is another warning now
                name = met[each.digest]
                ended = replace(each, name=name, run_id=context.id, at=at, ended="")
            else:
                continue
            with self.work.gate.open():
                kept.write(ended)
        known = {each.digest for each in self.aside}
        files = [file for file in files if file.digest not in known]
        for file in files:
            with self.work.gate.open():
                kept.keep(
                    file.path,
                    file.name,
                    file.digest,
                    file.reason,
                    run_id=context.id,
                    at=at,
                )

    def repeated(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Tell whether what is added was added last time, where that counts twice."""
        if self._is_snapshot or not self._is_repeated(staged, current):
            return None
        published = self.target.published(current)
        if self.asset.options.repeated_batch is Repeated.SKIP:
            return Unneeded(Reason(Why.SAME_BATCH), current)
        ledger = self.work.lakehouse.ledger
        if published and was_cut_short(ledger, self.asset.key, published):
            return Unneeded(Reason(Why.LANDED_BY, (published.run_id,)), current)
        raise repeated(self.asset, staged.returned)

    def holds(self, staged: Staged, current: TableVersion) -> bool:
        """Tell whether the newest batch holds the same rows, or there are none to add."""
        if not self._is_snapshot:
            return not staged.returned or self._is_repeated(staged, current)
        published = self.target.published(current)
        if published is None or published.content != self.content:
            return False
        # another contract may let other rows of the same batch pass
        is_same_code = published.record.fingerprint == self.job.fingerprint
        return self.asset.options.contract is None or is_same_code

    def overtaken(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Yield to the same rows, and to a snapshot of which the reading began later."""
        if self.holds(staged, current):
            return Unneeded(Reason(Why.LANDED_BESIDE), current)
        is_beside = self.is_asked or self.cursor or self._terms.rules.need_table
        if not self._is_snapshot and is_beside:
            raise BehindError({})  # it was asked, or keys were judged, for what was there before
        if not self._is_snapshot:
            return None
        # another program may have committed on top of what is newer
        published = next(self.work.lakehouse.publications(current), None)
        if published is None or self.began is None:
            return None
        if published.record.started_at <= self.began:
            return None
        return Unneeded(Reason(Why.READ_LATER, (published.run_id,)), current)

    def prepare(self, staged: Staged, current: TableVersion, gate: Gate) -> TableVersion:
        """Give the table the columns and the types that the batch brings."""
        del staged
        table, plan = self.target.table, self._plan
        current = widen(plan, table, current, run_id=self.target.run_id, gate=gate)
        with gate.open():
            return evolve(table, current, plan, newest_wins=self._is_snapshot)

    def plan(self, staged: Staged, current: TableVersion | None) -> Change:
        """Add the batch; an append-only table is made if there is none."""
        plan = self._plan
        before = pl.Schema() if current is None else current.stored_schema
        metadata = {
            "batch": self.batches[0] if self._is_snapshot else "",
            "content": self.content,
            "source": self.memory,
            "asked": self.is_asked,
            "types": json.dumps(self._types_beside(current)),
        }
        return Change(
            staged.files,
            pl.Schema({**before, **plan.table_columns}),
            types=plan.types,
            metadata=metadata,
            partition_by=tuple(plan.partition),
            append_only=True,
        )

    def as_read(
        self, table: TableVersion, staged: Staged, sent: frozenset[str] | None
    ) -> TableVersion:
        """Return the newest batch of a snapshot, and all that was ever added."""
        if not self._is_snapshot:
            return table
        of_batch = self._types_beside(table)
        return replace(table, batch=self.batches[0], counted=staged.rows, sent=sent, types=of_batch)

    @property
    def _is_snapshot(self) -> bool:
        return self.asset.options.load is Load.SNAPSHOT

    @property
    def _plan(self) -> LandingPlan:
        assert self.landing_plan is not None, "`shape` comes first"  # noqa: S101
        return self.landing_plan

    @property
    def _terms(self) -> Terms:
        assert self.terms is not None, "`shape` comes first"  # noqa: S101
        return self.terms

    def _types_beside(self, table: TableVersion | None) -> dict[str, str]:
        """Return the types of a snapshot that are not those that its table remembers, as text."""
        return types_of_batch(table, self._plan) if table and self._is_snapshot else {}

    def _known(self, current: TableVersion | None) -> Known:
        """Return what the newest batch let the table remember, and whether that still counts.

        Raises:
            AssetError: Nobody knows it any more, and what is added would be added twice.
        """
        if current is None:
            return self._nothing_known()
        published = self.target.published(current)
        if published is None and self.is_asked:  # another program may have committed since
            lakehouse = self.work.lakehouse
            published = next(lakehouse.publications(current), None)
            changes = lakehouse.origin(current).changes
            is_kept = published is not None and all(each.startswith("WRITE") for each in changes)
            if not is_kept and not self._is_snapshot:
                why = f"{', '.join(changes)} came from another program" if changes else ""
                raise forgotten(self.asset, current, why)
        if published is not None and self.is_asked and not (self._is_snapshot or published.asked):
            raise forgotten(self.asset, current, "its rows came as a frame, of no source")
        if published is None:
            return self._nothing_known()
        is_current = (
            not self.job.reread
            and self.asset.options.expect.fresh_within is None  # the same rows grow old
            and published.record.fingerprint == self.job.fingerprint
        )
        return replace(
            self._nothing_known(),
            memory=published.source,
            is_current=is_current,
            columns=() if self._is_snapshot else tuple(current.schema),
        )

    def _nothing_known(self) -> Known:
        if not self.is_asked:
            return Known()
        store, key = self.work.lakehouse.store, self.asset.key
        self.aside = SetAside.of(store, key).files()
        return Known(
            is_whole=self._is_snapshot,
            notes=SourceNotes.of(store, key),
            set_aside=frozenset(each.digest for each in self.aside),
        )

    def _is_repeated(self, staged: Staged, current: TableVersion) -> bool:
        """Tell whether bronze that appends was given the batch that it landed last once more."""
        if not staged.returned or self.asset.options.repeated_batch is Repeated.LAND:
            return False
        if self.cursor is not None:  # it compared each row with all that came before
            return False
        published = self.target.published(current)
        return published is not None and published.content == self.content
