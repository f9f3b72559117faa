"""Building one asset: call, stage, judge, commit, or leave everything as it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

import polars as pl

from polster.contracts.expected import Surprise, surprises
from polster.contracts.judge import Terms, settle_terms
from polster.contracts.profile import LastVersion, Profile
from polster.errors import ConflictError, LakehouseError, PolsterError
from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.lakehouse import Published
from polster.lakehouse.quick_check import data_damage, has_whole_log
from polster.lakehouse.rewriting import finish_rewrite
from polster.lakehouse.staging import Staging
from polster.lakehouse.table import (
    ATTEMPTS,
    BATCH_COLUMN,
    Table,
    TableVersion,
    UncertainCommitError,
    wait_for_others,
)
from polster.lakehouse.written_records import to_metadata
from polster.model.asset import Load, Repeated
from polster.model.layer import Layer
from polster.model.record import INTERRUPTED, AssetRecord, AssetStatus
from polster.model.secrets import without_secrets
from polster.model.standing import StandingWarning, carried_on
from polster.project.load import (
    LoadedAsset,
    is_ctrl_c,
    raised_in_polster,
)
from polster.project.shared_process import ReachedOutsideError, misuse_here
from polster.runtime.call import Handed
from polster.runtime.drift import with_odd_file
from polster.runtime.empty_batch import NOTHING_YET, with_columns_known
from polster.runtime.evolving import evolve, settle, settle_again, types_of_batch, widen
from polster.runtime.failures import computing_failed, failure, failure_of, is_interrupt, misused
from polster.runtime.job import BehindError, Built, Job, Workplace
from polster.runtime.landing import BatchLanding, LandingPlan, plan_landing, vanished
from polster.runtime.lineage import frame_lineage
from polster.runtime.partners import count_partners, fallen_shares
from polster.runtime.references import refer
from polster.runtime.refusal import RefusedError, refusal
from polster.runtime.repeats import check_load, repeated, was_cut_short
from polster.runtime.source_file import source_digest
from polster.runtime.stage import Staged, Stager
from polster.runtime.states import lost

NOTHING_NEW = "its source holds nothing new"


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
        self.record = replace(record, rows_in=rows)
        self.table: Table = work.lakehouse.table(job.asset.key)
        self.landing: BatchLanding | None = None
        self.landing_plan: LandingPlan | None = None
        self.terms: Terms | None = None
        self.published: dict[int, Published | None] = {}
        self.source = ""
        self.is_unreadable = False

    def run(self) -> tuple[AssetRecord, TableVersion | None]:
        current = self._open()
        if current is not None and self.asset.key.layer is Layer.BRONZE:
            check_load(self.asset, current, self._published(current))
        elif current is not None and current.version != self.job.known:
            yielded = self._yield_to(current)
            if yielded:
                return yielded, self._pinned(current)
        loaded = self.work.load(self.asset)
        inputs = {name: Handed(str(table.key), table.scan()) for name, table in self.inputs.items()}
        if self.asset.key.layer is Layer.BRONZE:  # which of two reads began first is told by this
            self.record = replace(self.record, started_at=datetime.now(UTC))
        frame = self.work.call(loaded, inputs, self.work.context, self.work.root)
        if self._is_snapshot:
            self.source = self._compute(lambda: source_digest(frame))
            if current is not None and self._is_same_file(current):
                return self._unchanged(NOTHING_NEW, current), self._pinned(current)
        if self.asset.key.layer is Layer.BRONZE:
            contract, root = loaded.function.contract, self.work.root
            known = self._compute(
                lambda: with_columns_known(frame, self.asset, contract, current, root)
            )
            if known is None:
                self._refuse_misuse()
                reasons, notes = (NOTHING_NEW,), (NOTHING_YET,)
                unchanged = AssetStatus.UNCHANGED
                return replace(self.record, status=unchanged, reasons=reasons, notes=notes), None
            frame = known
        terms = self.terms = self._terms(loaded, frame)
        lineage = frame_lineage(self.asset.key, frame, terms.schema, self.inputs)
        self.record = replace(self.record, lineage=lineage)
        stager = self._stager(terms, current)
        self.work.stagers.add(stager)
        built = self._stage_and_publish(stager, frame, current)
        self.work.stagers.discard(stager)
        return built

    def _open(self) -> TableVersion | None:
        """Open the table; a damaged one whose log is not whole is to be begun anew."""
        is_local = self.work.lakehouse.store.is_local
        if self.job.is_damaged and is_local and not has_whole_log(self.table):
            self.is_unreadable = True
            return None
        current = self._newest()
        if current is not None and is_local and self.asset.options.load is Load.APPEND:
            damage = data_damage(current)
            if damage:
                raise LakehouseError.of(lost(damage, self.table.uri))
        return current

    def _stage_and_publish(
        self, stager: Stager, frame: pl.LazyFrame, current: TableVersion | None
    ) -> tuple[AssetRecord, TableVersion | None]:
        staged = self._compute(lambda: stager.stage(frame))
        try:
            self._settle(staged, current)
            notes = (*staged.notes, *(self.landing_plan.notes if self.landing_plan else ()))
            if not staged.returned:
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
            )
            self._refuse_misuse()
            content = self.landing.content(staged.schema) if self.landing else ""
            if current is not None and self._is_repeated(content, current):
                return self._unless_refused(current), self._pinned(current)
            self._judge(staged, current)
            self._count_partners(frame, current)
            return self._publish(staged, current, content)
        finally:
            staged.discard()

    def _refuse_misuse(self) -> None:
        """Fail if the code did what it must not, and went on as if nothing were."""
        if misuse := misuse_here():
            raise misused(misuse, self.asset)

    def _count_partners(self, frame: pl.LazyFrame, current: TableVersion | None) -> None:
        """Record what the joins kept of each upstream, and say where far less than before."""
        self.work.gate.check()
        matched = count_partners(frame, self.inputs, self.record.rows_in)
        if not matched:
            return
        published = None if current is None else self._published(current)
        before = {} if published is None else published.record.matched
        notes = (*self.record.notes, *fallen_shares(matched, before))
        self.record = replace(self.record, matched=matched, notes=notes)

    def _terms(self, loaded: LoadedAsset, frame: pl.LazyFrame) -> Terms:
        returned = self._compute(frame.collect_schema)
        terms = settle_terms(self.asset, loaded.function.contract, returned)
        return refer(terms, self.references)

    def _stager(self, terms: Terms, current: TableVersion | None) -> Stager:
        context = self.work.context
        staging = Staging(self.work.lakehouse.store, self.table.uri, context.id)
        schema: pl.Schema | None = None
        if self.asset.key.layer is Layer.BRONZE:
            plan = plan_landing(self.asset, terms.schema, current, context.id)
            self.landing_plan, schema = plan, plan.file_schema
            staging.partition = plan.partition
            self.landing = BatchLanding(
                context.id,
                context.time,
                without_secrets(self.asset.options.source or self.asset.file),
                BATCH_COLUMN in plan.partition,
                plan.file_schema,
            )
        return Stager(
            self.asset,
            terms,
            staging,
            self.work.lakehouse.quarantine(self.asset.key),
            run_id=context.id,
            at=context.time,
            landing=self.landing,
            table_schema=schema,
            check=self.work.gate.check,
        )

    def _newest(self) -> TableVersion | None:
        """Open the newest version; where a kill left new types half done, do the rest."""
        for attempt in range(ATTEMPTS):
            current = self.table.open()
            if current is None or self.asset.key.layer is not Layer.BRONZE:
                return current
            published = self._published(current)
            if published is not None:
                current = replace(current, types=published.types)
            left = self.work.lakehouse.unfinished(current, published)
            if left is None:
                return current
            run_id, check = self.work.context.id, self.work.gate.check
            with suppress(ConflictError):
                done = finish_rewrite(self.table, current, left, run_id=run_id, check=check)
                return replace(done, types=current.types)
            wait_for_others(attempt)
        return self.table.open()

    def _settle(self, staged: Staged, current: TableVersion | None, *, again: bool = False) -> None:
        """Fit staged rows of bronze to the table that they go to."""
        plan, terms = self.landing_plan, self.terms
        if plan is None or terms is None or current is None:
            return
        if again:
            batch = self.work.context.id
            plan = settle_again(self.asset, terms.schema, plan, current, staged, batch)
        else:
            plan = settle(self.asset, terms.schema, plan, current, staged)
        self.landing_plan = plan

    def _compute(self, step: Callable[[], T]) -> T:
        """Do what makes Polars compute the user's frame, and say so plainly if that fails."""
        try:
            return step()
        except (PolsterError, ReachedOutsideError):
            raise
        except BaseException as error:
            ended = is_ctrl_c(error) or is_interrupt(error, self.work.gate)
            if ended or raised_in_polster(error):
                raise
            raise computing_failed(
                error,
                self.asset,
                self.table,
                list(self.inputs.values()),
                [each for each in self.references.values() if each is not None],
                self.work.root,
            ) from error

    def _judge(self, staged: Staged, current: TableVersion | None) -> None:
        """Fail the asset where its contract or the last version says so; else note what is amiss.

        The bad rows of an asset that fails are kept to be looked at.
        """
        last = self._last_record(current)
        version = self._last_version(current, last)
        found = surprises(
            self.asset,
            staged.profile,
            version,
            self.terms.ages if self.terms else {},
            returned=staged.returned,
        )
        refused = refusal(self.asset, staged, found)
        if refused is None:
            nulls = staged.profile.nulls_beside(version, staged.schema)
            self._note_standing(staged.profile, nulls, found, last)
            return
        if staged.rejected:
            staged.rejected.commit({"asset": str(self.asset.key), "published": False})
        refused.counted = {
            "rows_returned": staged.returned,
            "rows_quarantined": staged.rows_rejected,
            "rules_broken": self.record.rules_broken,
            "notes": self.record.notes,
        }
        raise refused

    def _note_standing(
        self,
        profile: Profile,
        nulls: Mapping[str, int],
        found: list[Surprise],
        last: AssetRecord | None,
    ) -> None:
        """Record what the next version is compared with, and what is amiss in this one."""
        plan = self.landing_plan
        gone = plan.absent if plan else ()
        gone_columns = [name for name in plan.existing if name not in plan.types] if plan else []
        found += [vanished(self.asset, column) for column in gone]
        context = self.work.context
        warnings = [
            StandingWarning(
                self.asset.key,
                each.code,
                each.subject,
                each.message,
                each.hint,
                context.id,
                context.time,
            )
            for each in found
        ]
        self.record = replace(
            self.record,
            nulls={**nulls, **dict.fromkeys(gone_columns, max(profile.rows, 1))},
            newest=profile.newest,
            warnings=carried_on(warnings, last.warnings if last else ()),
        )

    def _last_record(self, current: TableVersion | None) -> AssetRecord | None:
        if current is None:
            return None
        if current.version == self.job.known:
            return self.job.last
        published = self._published(current)
        return published.record if published else None

    def _last_version(
        self, current: TableVersion | None, last: AssetRecord | None
    ) -> LastVersion | None:
        if current is None:
            return None
        if last is None:  # another program wrote it
            return LastVersion(self._pinned(current).rows, current.schema)
        return LastVersion(last.rows_published, current.schema, last.nulls, last.newest)

    def _is_repeated(self, content: str, current: TableVersion) -> bool:
        """Tell whether bronze that appends was given the batch that it landed last once more."""
        if self.landing is None or self._is_snapshot or not self.record.rows_returned:
            return False
        published = self._published(current)
        is_same = published is not None and published.content == content
        return is_same and self.asset.options.repeated_batch is not Repeated.LAND

    def _unless_refused(self, current: TableVersion) -> AssetRecord:
        """Return what becomes of a repeated batch that is not landed again.

        Raises:
            AssetError: It is not known to be the same load.
        """
        published = self._published(current)
        if self.asset.options.repeated_batch is Repeated.SKIP:
            return self._unchanged("its batch is the one that landed last", current)
        if published and was_cut_short(self.work.lakehouse.ledger, self.asset.key, published):
            reason = f"run {published.run_id}, which did not end well, landed the same batch"
            return self._unchanged(reason, current)
        raise repeated(self.asset, self.record.rows_returned)

    def _publish(
        self, staged: Staged, current: TableVersion | None, content: str
    ) -> tuple[AssetRecord, TableVersion | None]:
        """Make the rows visible; the quarantine first, so that a kill in between loses none."""
        if current is not None and self._landed_before(content, current):
            return self._unchanged(NOTHING_NEW, current), self._pinned(current)
        try:
            if staged.rejected:
                with self.work.gate.open():
                    staged.rejected.commit({"asset": str(self.asset.key), "published": True})
            plan = self.landing_plan
            for attempt in range(ATTEMPTS):
                with suppress(ConflictError):
                    if plan and current:
                        run_id, gate = self.work.context.id, self.work.gate
                        current = widen(plan, self.table, current, run_id=run_id, gate=gate)
                    with self.work.gate.open():
                        if self.is_unreadable:
                            self.table.set_log_aside(self.work.context.id)
                            self.is_unreadable = False
                        table = self._commit(staged, current, content)
                    staged.staging.keep()
                    return replace(self.record, version=table.version), table
                wait_for_others(attempt)
                current = self._newest()
                if current is not None:
                    if self._landed_before(content, current):
                        self._withdraw(staged)
                        reason = "another run landed the same at the same time"
                        return self._unchanged(reason, current), self._pinned(current)
                    if yielded := self._yield_to(current):
                        self._withdraw(staged)
                        return yielded, self._pinned(current)
                    self._settle(staged, current, again=True)
                    plan = self.landing_plan
        except UncertainCommitError:
            staged.keep()
            raise
        except BaseException:
            self._withdraw(staged)
            raise
        self._withdraw(staged)
        raise ConflictError(
            f"other writers were faster {ATTEMPTS} times",
            code="POL402",
            place=self.table.uri,
            hint="run it again when no other run is writing this table",
        )

    def _withdraw(self, staged: Staged) -> None:
        if staged.rejected:
            staged.rejected.withdraw()

    def _commit(self, staged: Staged, current: TableVersion | None, content: str) -> TableVersion:
        schema, types, mode = staged.schema, staged.types, "overwrite"
        of_batch: dict[str, str] = {}
        partition_by: tuple[str, ...] = ()
        if self.landing_plan is not None:
            plan, mode = self.landing_plan, "append"
            types = plan.types
            partition_by = tuple(plan.partition)
            if current is not None:
                current = evolve(self.table, current, plan, newest_wins=self._is_snapshot)
                schema = pl.Schema({**current.stored_schema, **plan.table_columns})
                of_batch = types_of_batch(current, plan) if self._is_snapshot else {}
            else:
                schema = plan.table_columns
        elif current is not None:
            current = self.table.allow_types(current, schema)
        version = 0 if current is None else current.version + 1
        record = replace(
            self.record,
            status=AssetStatus.PUBLISHED,
            version=version,
            seconds=time.perf_counter() - self.clock,
        )
        change = Change(
            staged.files,
            schema,
            EVERY_FILE if mode == "overwrite" else (),
            types=types,
            metadata={
                **to_metadata(record),
                "run_id": self.work.context.id,
                "environment": self.work.context.environment,
                "batch": self.work.context.id if self._is_snapshot else "",
                "content": content,
                "source": self.source,
                "types": json.dumps(of_batch),
            },
            partition_by=partition_by,
            append_only=self.landing_plan is not None,
        )
        table = self.table.commit(change, onto=current)
        self.record = record
        if self._is_snapshot:
            lineage = self.record.lineage
            sent = frozenset(lineage.columns) if lineage else None
            batch = self.work.context.id
            return replace(table, batch=batch, counted=staged.rows, sent=sent, types=of_batch)
        return table if mode == "append" else replace(table, counted=staged.rows)

    @property
    def _is_snapshot(self) -> bool:
        return self.asset.key.layer is Layer.BRONZE and self.asset.options.load is Load.SNAPSHOT

    def _is_same_file(self, current: TableVersion) -> bool:
        """Tell whether the batch landed last was read from the same bytes by the same code."""
        published = self._published(current)
        return (
            published is not None
            and not self.job.reread
            and self.asset.options.expect.fresh_within is None  # the same rows grow old
            and self.source != ""
            and published.source == self.source
            and published.record.fingerprint == self.job.fingerprint
        )

    def _landed_before(self, content: str, current: TableVersion) -> bool:
        """Tell whether ``current`` holds what this batch would bring; never in silver and gold."""
        if self.landing is None:
            return False
        if not self._is_snapshot:
            return not self.record.rows_returned or self._is_repeated(content, current)
        published = self._published(current)
        if published is None or published.content != content:
            return False
        ours, theirs = self.job.fingerprint, published.record.fingerprint
        # another contract may let other rows of the same batch pass
        return self.asset.options.contract is None or theirs == ours

    def _yield_to(self, current: TableVersion) -> AssetRecord | None:
        """After another run was faster: None if ours is to be published still, else theirs is.

        Two runs of one asset end as one of them. Of snapshots the one that began to be read later
        wins; in silver and gold the one whose inputs are newer, and with the same inputs and code
        the two are equal, so that the second need not be written.

        Raises:
            BehindError: Some inputs are newer here and others there, so that neither wins.
        """
        published = self._published(current)
        if published is None:
            return None
        if self.asset.key.layer is Layer.BRONZE:
            if self._is_snapshot and published.record.started_at > self.record.started_at:
                reason = f"run {published.run_id} began to read its source later, and landed first"
                return self._unchanged(reason, current)
            return None
        theirs, ours = published.record.fingerprint, self.job.fingerprint
        if theirs is None:
            return None
        here, there = ours.versions, theirs.versions
        newer = {name: v for name, v in there.items() if v > here.get(name, -1)}
        behind = {name: v for name, v in newer.items() if name in here}
        if behind and any(v > there[name] for name, v in here.items() if name in there):
            raise BehindError(behind)
        if theirs == ours or newer:
            return self._unchanged("another run published it at the same time", current)
        return None

    def _unchanged(self, reason: str, current: TableVersion) -> AssetRecord:
        return replace(
            self.record,
            status=AssetStatus.UNCHANGED,
            reasons=(reason,),
            rows_returned=0,
            rows_published=0,
            rows_quarantined=0,
            rules_broken={},
            version=current.version,
            notes=(),
            lineage=None,
            nulls=None,
            newest={},
            warnings=(),
            matched={},
        )

    def _pinned(self, current: TableVersion) -> TableVersion:
        return self.work.lakehouse.as_read(current, self._published(current))

    def _published(self, current: TableVersion) -> Published | None:
        """Return what the newest commit of ``current`` says of itself; read once a version."""
        if current.version not in self.published:
            self.published[current.version] = self.work.lakehouse.published(current)
        return self.published[current.version]
