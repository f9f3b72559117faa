"""Building one asset: call, stage, judge, commit, or leave everything as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeAlias, TypeVar

import polars as pl

from polster.contracts.judge import Terms, settle_terms
from polster.contracts.vanishing import Vanished
from polster.errors import AssetError, PolsterError
from polster.lakehouse.quick_check import has_whole_log
from polster.lakehouse.staging import Staging, prefix_after
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.written_records import to_metadata
from polster.model.asset import LATE
from polster.model.event import SliceStaged
from polster.model.layer import Layer
from polster.model.reason import texts
from polster.model.record import INTERRUPTED, AssetRecord, AssetStatus
from polster.model.scope import ScopeKind
from polster.model.since import SinceError
from polster.project.load import (
    LoadedAsset,
    is_ctrl_c,
    raised_in_polster,
)
from polster.project.shared_process import ReachedOutsideError, misuse_here
from polster.runtime.call import Handed
from polster.runtime.chosen_rows import Frozen, came_late, read_named, refused, thawed
from polster.runtime.drift import with_odd_file
from polster.runtime.failures import computing_failed, failure, failure_of, is_interrupt, misused
from polster.runtime.job import BehindError, Built, Job, Workplace
from polster.runtime.lineage import PlanRead, read_plan
from polster.runtime.lost_keys import lost_keys
from polster.runtime.making import Making
from polster.runtime.parameters import reads_at_once
from polster.runtime.partners import count_partners, fallen_shares
from polster.runtime.publish import publish
from polster.runtime.references import refer
from polster.runtime.refusal import RefusedError
from polster.runtime.slice import Slice, Whole
from polster.runtime.slices import is_trusted, why_distrusted, wrong_part
from polster.runtime.stage import Staged, Stager
from polster.runtime.verdict import Last, Passed, judge
from polster.runtime.writes.cursor import Marks, wrong
from polster.runtime.writes.difference import Hidden
from polster.runtime.writes.land_batch import NOTHING_NEW, LandBatch
from polster.runtime.writes.landing import vanished
from polster.runtime.writes.replace_slice import OtherShapeError, ReplaceSlice, WrongPartError
from polster.runtime.writes.replace_table import ReplaceTable
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Unneeded, Write

Made: TypeAlias = tuple[AssetRecord, TableVersion | None]
"""What is recorded of a build, and the table as readers get it."""
RAISED = ("POL303", "POL304", "POL305")
"""What is told of a function that raises, or returns no frame."""
NO_BATCH = {"batch": "", "content": "", "source": "", "asked": False, "types": "{}"}
"""In a commit's metadata: what a way of writing may say, and others do not."""


def build(job: Job, work: Workplace) -> Built:
    """Build one asset; a failure is a value, and leaves the published table as it was.

    Raises:
        BehindError: Another run published it from inputs that are in part newer.
    """
    started, clock = datetime.now(UTC), time.perf_counter()
    record = AssetRecord(
        job.asset.key,
        AssetStatus.FAILED,
        started,
        reasons=job.reasons,
        fingerprint=job.fingerprint,
    )
    table: TableVersion | None = None
    try:
        building = _Build(job, work, record, clock)
        record = building.record
        record, table = building.run()
    except BehindError:
        raise
    except RefusedError as error:
        record = replace(record, error=failure(error), **error.counted)
    except BaseException as error:  # such as a panic of Polars; the run must hear of it
        if is_ctrl_c(error):
            raise
        if is_interrupt(error, work.gate):
            record = replace(record, status=AssetStatus.SKIPPED, reasons=(INTERRUPTED,))
        else:
            failed = with_odd_file(failure_of(error, job.asset), job.asset, work.root)
            record = replace(record, error=failed)
    return Built(replace(record, seconds=time.perf_counter() - clock), table)


T = TypeVar("T")


class _Build:
    """One build, step by step."""

    def __init__(self, job: Job, work: Workplace, record: AssetRecord, clock: float) -> None:
        self.asset = job.asset
        self.job = job
        self.work = work
        self.clock = clock
        read = work.lakehouse.read
        self.inputs = {name: read(pin) for name, pin in job.inputs.items()}
        self.references = {
            each: None if pin is None else read(pin) for each, pin in job.references.items()
        }
        rows = {str(table.key): table.rows for table in self.inputs.values()}
        files = {str(table.key): table.digest for table in self.inputs.values()}
        self.record = replace(record, rows_in=rows, files_in=files)
        table = work.lakehouse.table(job.asset.key)
        self.target = Target(table, work.lakehouse, work.context.id)
        given = work.context.marks
        self.marks = Marks(self.asset, given if isinstance(given, Mapping) else {})
        self.context = replace(work.context, marks=self.marks)
        self.write = self._write_all()
        self.terms: Terms | None = None
        self.making: Making  # as soon as the function was called
        self.whole: Whole | None = None  # why all of the table is made anew

    @property
    def _part(self) -> Slice | None:
        return self.write.part if isinstance(self.write, ReplaceSlice) else None

    def run(self) -> Made:
        current = self._open()
        if current is not None and (unneeded := self.write.admit(current)):
            return self._unchanged(unneeded)
        loaded = self.work.load(self.asset)
        began = datetime.now(UTC)
        self.record = replace(self.record, started_at=began)
        self.marks.table = current
        if current is not None and self._may_do_without_rows(loaded):
            built = self._make_declared(loaded, current, began)
            if built is not None:
                return built
        frame = self._called(loaded, current, began)
        if isinstance(frame, Unneeded):
            self._refuse_misuse()
            return self._unchanged(frame)
        plan = self._begin(loaded, frame, current)
        if self.job.where:
            return self._build_where(plan, current)
        built = self._make_part(plan, current) if self.whole is None else None
        return built or self._make_all(plan, current)

    def _called(
        self,
        loaded: LoadedAsset,
        current: TableVersion | None,
        began: datetime,
        *,
        without_rows: bool = False,
    ) -> pl.LazyFrame | Unneeded:
        """Call the function, and take what it returns."""
        frames = {name: table.scan() for name, table in self.inputs.items()}
        inputs = {
            name: Handed(str(self.inputs[name].key), rows.clear() if without_rows else rows)
            for name, rows in frames.items()
        }
        returned = self.work.call(loaded, inputs, self.context, self.work.root)
        self.marks.is_over = True
        contract = loaded.function.contract
        return self._compute(lambda: self.write.take(returned, contract, current, began=began))

    def _begin(
        self,
        loaded: LoadedAsset,
        frame: pl.LazyFrame,
        current: TableVersion | None,
        *,
        is_whole: bool = True,
    ) -> PlanRead:
        """Settle how rows are judged, by what the function returned first; read its plan."""
        terms = self._terms(loaded, frame)
        plan = read_plan(self.asset.key, frame, terms.schema, self.inputs)
        self.record = replace(self.record, lineage=plan.lineage)
        before = self._last(current).record
        self.making = Making(
            self.job,
            self.work,
            loaded,
            self.inputs,
            self.context,
            frame,
            is_whole=is_whole,
            is_trusted=before is not None and is_trusted(before, self.job.fingerprint),
        )
        self.terms = terms if self.job.where else self.making.freeze(terms, current)
        return plan

    def _may_do_without_rows(self, loaded: LoadedAsset) -> bool:
        """Tell whether it may do to call the function for a part alone, whose rows it collects."""
        job = self.job
        if self.asset.options.slice_by is None or job.where or job.reread or job.is_damaged:
            return False
        return reads_at_once(self.asset, loaded.function.function)

    def _make_declared(
        self, loaded: LoadedAsset, current: TableVersion, began: datetime
    ) -> Made | None:
        """Make a part without calling the function for all rows; None if that cannot be."""
        try:
            frame = self._called(loaded, current, began, without_rows=True)
            assert isinstance(frame, pl.LazyFrame)  # noqa: S101 - above bronze
            plan = self._begin(loaded, frame, current, is_whole=False)
        except AssetError:  # the user's code may want rows; it is called with them next
            self.whole = Whole("it cannot be called without rows, nor for a part of them")
            return None
        return self._make_part(plan, current)

    def _make_part(self, plan: PlanRead, current: TableVersion | None) -> Made | None:
        """Make a part of the table anew; None if all of it is to be, as :attr:`whole` says."""
        making, terms = self.making, self._settled
        for part in making.possible_parts(terms, current, self.target):
            if isinstance(part, Whole):
                self.whole = part
                break
            try:
                narrowed = self._compute(partial(making.of_part, part))
                self.write = ReplaceSlice(self.job, self.target, part)
                compared = None
                if self.job.verifies or (part.is_declared and not part.is_trusted):
                    compared = making.of_all(terms, current)
                return self._stage_and_publish([narrowed], plan, current, whole=compared)
            except WrongPartError as error:
                self.whole = Whole(error.why, is_distrusted=True, named=error.named)
                break
            except OtherShapeError as error:
                self.whole = Whole(error.why)
            except AssetError as error:
                if not (part.is_declared and error.code in RAISED):
                    raise
                self.whole = Whole(f"its function fails over a part alone: {error.message}")
        return None

    def _make_all(self, plan: PlanRead, current: TableVersion | None) -> Made:
        """Make all of the table anew, but for what stays frozen."""
        if self._part is not None or self.making.frozen is not None:
            self.write = self._write_all(self.making.frozen)
        try:
            frames = self.making.of_all(self._settled, current)
            return self._stage_and_publish(frames, plan, current)
        except OtherShapeError as error:  # of what stays frozen
            raise thawed(self.asset, error.why, current) from error

    @property
    def _settled(self) -> Terms:
        assert self.terms is not None  # noqa: S101 - the function was called
        return self.terms

    def _write_all(self, frozen: Frozen | None = None) -> Write:
        """Return how all of the table is written, but for what stays frozen."""
        if self.asset.key.layer is Layer.BRONZE:
            return LandBatch(self.job, self.target, self.work, self.marks)
        if frozen is None:
            return ReplaceTable(self.job, self.target)
        part = Slice(ScopeKind.WHOLE, frozen.base, frozen=frozen)
        return ReplaceSlice(self.job, self.target, part)

    def _build_where(self, plan: PlanRead, current: TableVersion | None) -> Made:
        """Make the rows anew that the user named."""
        asset, sql, terms = self.asset, self.job.where, self._settled
        if current is None or self.job.is_damaged:
            why = "it was never built" if current is None else "its table is damaged"
            raise refused(asset, why)
        where = read_named(asset, sql, terms, current)
        casts = {cast.column: cast for cast in terms.casts if cast.column in where.columns}
        part = Slice(ScopeKind.WHERE, current, where=where, casts=casts)
        before = self._last(current).record
        if before is not None and (why := why_distrusted(before, self.job.fingerprint)):
            raise refused(asset, why)
        then = before.fingerprint if before else None
        if then is None or self.job.fingerprint.changes_since(then):
            self.record = replace(self.record, fingerprint=self.job.fingerprint.of_part)
        self.write = ReplaceSlice(self.job, self.target, part)
        try:
            return self._stage_and_publish([part.rows_named(self.making.frame)], plan, current)
        except OtherShapeError as error:
            raise refused(asset, error.why) from error

    def _compare(self, frames: Sequence[pl.LazyFrame], staged: Staged) -> None:
        """Build all of the table beside a part of it, and compare.

        Raises:
            WrongPartError: The part is not what that says.
        """
        part = self.write
        assert isinstance(part, ReplaceSlice)  # noqa: S101 - only a part is compared
        with self._staged(frames, self._write_all(self.making.frozen), None) as whole:
            part.compare(staged, whole, hidden=self._hidden)

    def _hidden(self) -> Hidden:
        return self.work.personal(self.asset.key)

    def _open(self) -> TableVersion | None:
        """Open the table; a damaged one whose log is not whole is to be begun anew."""
        is_local = self.work.lakehouse.store.is_local
        if self.job.is_damaged and is_local and not has_whole_log(self.target.table):
            self.target.is_unreadable = True
            return None
        return self.write.newest()

    def _stage_and_publish(
        self,
        frames: Sequence[pl.LazyFrame],
        plan: PlanRead,
        current: TableVersion | None,
        *,
        whole: Sequence[pl.LazyFrame] | None = None,
    ) -> Made:
        """Stage and publish; ``whole`` is what the function returns of which this is a part."""
        with self._staged(frames, self.write, current) as staged:
            if staged.met and self._part is not None and not self._part.is_all:
                raise OtherShapeError("rows of it have a key of rows that stay")
            self.write.settle(staged, current)
            if isinstance(self.write, ReplaceSlice) and staged.rows_beside:
                self.write.refuse_emptied(self._last(current).emptied_by(staged))
            if isinstance(self.write, ReplaceSlice):
                self.write.see_alike(staged, hidden=self._hidden)
            if whole is not None:
                self._compare(whole, staged)
            notes = (*staged.notes, *self.write.departures.notes)
            if not staged.returned and not staged.rows_beside:
                notes += ("the function returned no rows",)
            notes += tuple(
                f"the rule {rule} does not hold of a table without rows" for rule in staged.unmet
            )
            self.record = replace(
                self.record,
                rows_returned=staged.returned,
                rows_published=staged.rows,
                rows_quarantined=staged.rows_rejected,
                rules_broken=dict(sorted(staged.broken.items())),
                notes=notes,
                scope=self.making.scope(
                    staged, self._part, self.whole, is_verified=whole is not None
                ),
                source_counts=self.write.counted,
            )
            self._refuse_misuse()
            if current is not None and (unneeded := self.write.repeated(staged, current)):
                return self._unchanged(unneeded)
            self._judge(staged, current)
            self._count_partners(plan, current)
            if current is not None and self.write.holds(staged, current):
                return self._unchanged(Unneeded(NOTHING_NEW, current))
            return self._publish(staged, current)

    @contextmanager
    def _staged(
        self, frames: Sequence[pl.LazyFrame], write: Write, current: TableVersion | None
    ) -> Iterator[Staged]:
        """Stage rows as a way of writing has them; they go away unless they are published."""
        stager = self._stager(write, current)
        self.work.stagers.add(stager)
        staged = self._compute(lambda: stager.stage(*frames))
        try:
            yield staged
        finally:
            staged.discard()
        self.work.stagers.discard(stager)

    def _publish(self, staged: Staged, current: TableVersion | None) -> Made:
        context = self.work.context
        described = self.record

        def describe(version: int) -> dict[str, Any]:
            nonlocal described
            described = replace(
                self.record,
                status=AssetStatus.PUBLISHED,
                batches=self.write.batches,
                version=version,
                seconds=time.perf_counter() - self.clock,
            )
            return {
                **to_metadata(described),
                "run_id": context.id,
                "environment": context.environment,
                **NO_BATCH,
            }

        made = publish(
            self.write,
            staged,
            current,
            target=self.target,
            gate=self.work.gate,
            describe=describe,
        )
        if isinstance(made, Unneeded):
            return self._unchanged(made)
        lineage = described.lineage
        sent = frozenset(lineage.columns) if lineage else None
        return replace(described, version=made.version), self.write.as_read(made, staged, sent)

    def _refuse_misuse(self) -> None:
        """Fail if the code did what it must not, and went on as if nothing were."""
        if misuse := misuse_here():
            raise misused(misuse, self.asset)

    def _count_partners(self, plan: PlanRead, current: TableVersion | None) -> None:
        """Record what the joins kept of each upstream, and say where far less than before."""
        self.work.gate.check()
        if (
            self._part is not None and not self._part.is_all
        ):  # what was counted of the whole is the best that is known
            published = None if current is None else self.target.published(current)
            if published is not None:
                self.record = replace(self.record, matched=published.record.matched)
            return
        matched = count_partners(plan.followed, self.inputs, self.record.rows_in)
        if not matched:
            return
        published = None if current is None else self.target.published(current)
        before = {} if published is None else published.record.matched
        notes = (*self.record.notes, *fallen_shares(matched, before))
        self.record = replace(self.record, matched=matched, notes=notes)

    def _terms(self, loaded: LoadedAsset, frame: pl.LazyFrame) -> Terms:
        returned = self._compute(frame.collect_schema)
        contract, brought = loaded.function.contract, self.write.brought
        terms = settle_terms(self.asset, contract, returned, brought=brought)
        return refer(terms, self.references)

    def _stager(self, write: Write, current: TableVersion | None) -> Stager:
        terms, context, lakehouse = self._settled, self.work.context, self.work.lakehouse
        shape = write.shape(terms, current)
        prefix = prefix_after(None if current is None else current.version, context.id)
        return Stager(
            self.asset,
            terms,
            Staging(lakehouse.store, self.target.table.uri, prefix, shape.partition),
            lakehouse.quarantine(self.asset.key),
            run_id=context.id,
            at=context.time,
            landing=shape.landing,
            table_schema=shape.schema,
            kept=shape.kept,
            check=self.work.gate.check,
            told=self._tell_slice if write is self.write else None,
        )

    def _tell_slice(self, number: int, of: int, rows: int) -> None:
        self.work.tell(SliceStaged(self.asset.key, number, of, rows, datetime.now(UTC)))

    def _compute(self, step: Callable[[], T]) -> T:
        """Do what makes Polars compute the user's frame, and say so plainly if that fails."""
        try:
            return step()
        except (PolsterError, ReachedOutsideError):
            raise
        except SinceError as error:
            raise wrong(self.asset, error) from error
        except BaseException as error:
            ended = is_ctrl_c(error) or is_interrupt(error, self.work.gate)
            if ended or raised_in_polster(error):
                raise
            raise computing_failed(
                error,
                self.asset,
                self.target.table,
                list(self.inputs.values()),
                [each for each in self.references.values() if each is not None],
                self.work.root,
            ) from error

    def _judge(self, staged: Staged, current: TableVersion | None) -> None:
        """Fail the asset where its contract or the last version says so; else note what is amiss.

        The bad rows of an asset that fails are kept to be looked at.
        """
        departures, last = self.write.departures, self._last(current)
        found = [vanished(self.asset, column) for column in departures.absent]
        if late := staged.broken_now.get(LATE, 0):
            found.append(came_late(self.asset, late))
        found += departures.amiss
        if self.whole is not None and self.whole.is_distrusted:
            earlier = last.record.warnings if last.record else ()
            slice_by = self.asset.options.slice_by
            found.insert(0, wrong_part(self.whole, earlier, slice_by=slice_by))
        whole = (self.making.undivided, self.whole)
        stumbles = [each.amiss for each in whole if each and each.amiss]
        found = [*stumbles, *found]
        verdict = judge(
            self.asset,
            staged,
            last,
            ages=self.terms.ages if self.terms else {},
            departures=departures,
            found=found,
            run=self.work.context,
            is_part=self._part is not None,
            vanished=self._vanished(staged, current),
        )
        if isinstance(verdict, Passed):
            self.record = replace(
                self.record,
                nulls=verdict.nulls,
                newest=verdict.newest,
                warnings=verdict.warnings,
            )
            return
        if staged.rejected:
            staged.rejected.commit({"asset": str(self.asset.key), "published": False})
        verdict.counted = {
            "rows_returned": staged.returned,
            "rows_quarantined": staged.rows_rejected,
            "rules_broken": self.record.rules_broken,
            "notes": self.record.notes,
        }
        raise verdict

    def _vanished(self, staged: Staged, current: TableVersion | None) -> Vanished | None:
        """Count the keys that the table would go without; say where that cannot be known."""
        keys = self.terms.keys if self.terms else None
        if self.terms is None or keys is None or current is None:
            return None
        last = self.target.pinned(current)
        absent = [name for name in keys.columns if name not in last.schema]
        if not self.job.is_damaged and not absent:
            return lost_keys(self.terms, keys, staged, last, self._part)
        why = f"has no column `{absent[0]}`" if absent else "is damaged"
        note = f"`vanish` is not judged: the last version {why}"
        self.record = replace(self.record, notes=(*self.record.notes, note))
        return None

    def _last(self, current: TableVersion | None) -> Last:
        record = None
        if current is not None and current.version == self.job.known:
            record = self.job.last
        elif current is not None and (published := self.target.published(current)):
            record = published.record
        return Last.of(current, record, self.target)

    def _unchanged(self, unneeded: Unneeded) -> Made:
        current = unneeded.current
        record = replace(
            self.record,
            status=AssetStatus.UNCHANGED,
            reasons=texts([unneeded.reason]),
            rows_returned=0,
            rows_published=0,
            rows_quarantined=0,
            rules_broken={},
            version=None if current is None else current.version,
            notes=unneeded.notes,
            lineage=None,
            nulls=None,
            newest={},
            warnings=(),
            matched={},
            scope=None,
            source_counts={},
        )
        return record, None if current is None else self.target.pinned(current)
