"""Running a pipeline: only what changed, judged, published and recorded."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import chdir, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from polster.errors import LakehouseError, SettingsError, UsageError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.ledger import Entry
from polster.model.asset import AssetKey
from polster.model.context import RunContext
from polster.model.event import Listener, RunBegan, RunEnded, RunEvent
from polster.model.finding import Finding, Severity
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, RunRecord, RunStatus, cancelled
from polster.model.release import Release
from polster.model.standing import StandingWarning
from polster.operations.choose import select_or_raise
from polster.operations.keep_schemas import BronzeSchemas
from polster.operations.open_project import Session
from polster.operations.upkeep import keep_up_after
from polster.plans.where import read_where
from polster.project.fingerprints import read_fingerprints
from polster.project.import_path import import_afresh
from polster.project.memory import memory_to_use
from polster.runtime.aging import with_grown_old
from polster.runtime.company import refuse_company
from polster.runtime.execute import Execution, Named, Outcome
from polster.runtime.executor import Executor
from polster.runtime.gate import Gate
from polster.runtime.job import Workplace
from polster.runtime.live import Beginning, LiveReport
from polster.runtime.states import States, read_states, standing_warnings
from polster.runtime.threads import ThreadExecutor
from polster.runtime.vanished import left_behind, tell_vanished

DEFAULT_THREADS = 4
LEDGER_SECONDS = 5.0
"""How long an interrupted run tries to record what it did."""


def run(
    session: Session,
    selection: Sequence[str] = (),
    *,
    listener: Listener,
    interrupted: Callable[[], bool] = lambda: False,
    interrupted_by: Callable[[], str] = lambda: "",
    full_refresh: bool = False,
    adopt: bool = False,
    verify: bool = False,
    where: str = "",
    isolate: bool = False,
    threads: int | None = None,
) -> RunRecord:
    """Run the selected assets of the project; everything without a selection.

    Args:
        session: Whose assets.
        selection: Terms as in :mod:`polster.model.selection`.
        listener: Told what happens.
        interrupted: Asked now and then whether to stop; ``KeyboardInterrupt`` stops a run, too.
        interrupted_by: Asked who stopped it, once it is: ``by ann with Ctrl-C``.
        full_refresh: Build silver and gold even if nothing changed.
        adopt: Take over tables of other programs that lie in the place of an asset's.
        verify: Build all of what is made anew in part, too, and compare; else a share of that, as
            the settings say.
        where: Rows of the selected tables to make anew, as a condition in SQL; what stands on them
            follows. Everything if empty.
        isolate: Build each asset in a process of its own.
        threads: Assets at a time; by default the machine's cores, at most 4.

    Raises:
        DefinitionError: The pipeline has mistakes; nothing was run.
        UsageError: The selection or the environment does not exist.
        LakehouseError: The lakehouse cannot be read, or the ledger not be written.
    """
    graph = session.graph
    chosen = select_or_raise(graph, selection)
    named = None
    if where:
        _refuse_where(where, selection, chosen, is_alone=not full_refresh and not verify)
        named = Named(where, frozenset(chosen))
        chosen = select_or_raise(graph, [f"{key}+" for key in chosen])
    name, lakehouse = session.environment.name, session.lakehouse
    started, clock = datetime.now(UTC), time.perf_counter()
    context = RunContext(_run_id(started), started, name)
    codes = read_fingerprints(session.root, graph, chosen)
    states = read_states(lakehouse, graph.assets)
    import_afresh(session.root)
    live = LiveReport(
        lakehouse.live,
        Beginning(
            context.id,
            name,
            started,
            tuple(selection),
            full_refresh,
            [key for key in graph.assets if key in chosen],
        ),
    )
    work = Workplace(
        session.root,
        lakehouse,
        context,
        Gate(),
        building=live.building,
        personal=lambda key: _personal(session, key),
    )

    def tell(event: RunEvent) -> None:
        listener(event)
        live.hear(event)

    most_bytes = session.settings.memory_limit or memory_to_use()
    at_once = threads or min(DEFAULT_THREADS, os.cpu_count() or 1)
    execution = Execution(
        graph,
        chosen,
        codes,
        states,
        work,
        _apart(work, at_once, len(chosen)) if isolate else ThreadExecutor(work, at_once),
        full_refresh=full_refresh,
        adopt=adopt,
        verify=1 if verify else session.settings.verify,
        named=named,
        most_bytes=most_bytes // min(at_once, len(chosen) or 1) if most_bytes else None,
        listener=tell,
        interrupted=interrupted,
    )
    with live:
        if not lakehouse.store.is_local:
            refuse_company(lakehouse, context.id)
        there = Path.cwd() == session.root  # within another run, whose assets forbid to move
        with nullcontext() if there else chdir(session.root):
            tell(RunBegan(context.id, name, tuple(execution.order), started))
            outcome = execution.run()
        seconds = time.perf_counter() - clock
        records = outcome.records
        if outcome.interrupted:
            records = cancelled(records, by=interrupted_by(), seconds=seconds)
        record = RunRecord(
            context.id,
            _status(outcome),
            name,
            started,
            seconds,
            records,
            tuple(selection),
            full_refresh,
        )
        record = _recorded(graph, lakehouse, context, states, record, live)
        if not outcome.interrupted:  # whoever interrupts wants it to end
            record = _with_schemas(record, BronzeSchemas(session, lakehouse), execution, states)
    work.discard_leftovers()
    if not outcome.interrupted and session.settings.keeps_up:
        record = _with_upkeep(session, record, states)
    listener(RunEnded(record))
    return record


def _refuse_where(
    where: str, selection: Sequence[str], chosen: Collection[AssetKey], *, is_alone: bool
) -> None:
    """See that rows can be named so.

    Raises:
        UsageError: They cannot.
    """
    bronze = sorted(str(key) for key in chosen if key.layer is Layer.BRONZE)
    message = hint = None
    if not selection:
        message, hint = "whose rows they are is not said", 'polster run gold.daily --where "..."'
    elif bronze:
        message = f"`{bronze[0]}` keeps what arrived"
        hint = "name tables of silver or gold"
    elif not is_alone:
        message = "it is said twice what is made anew"
        hint = "leave out --full-refresh or --verify"
    try:
        read_where(where)
    except ValueError as error:
        message = str(error)
        hint = "write a condition as in SQL: \"day >= '2024-01-01'\""
    if message:
        raise UsageError(f"`--where {where}`: {message}", code="POL106", hint=hint)


def _personal(session: Session, key: AssetKey) -> Collection[str] | None:
    """Return which columns may hold personal data, for who is about to tell of rows; few do."""
    from polster.operations.personal import personal  # other runs do not wait for it

    return personal(lambda: session, key)


def _apart(work: Workplace, at_once: int, jobs: int) -> Executor:
    """Return what builds each asset in a process of its own."""
    from polster.operations.build_alone import command  # who does without does not wait for them
    from polster.runtime.processes import ProcessExecutor

    start = command(work.root, work.context.environment)
    return ProcessExecutor(work, at_once, start, jobs=jobs)


def _with_schemas(
    record: RunRecord, schemas: BronzeSchemas, execution: Execution, states: States
) -> RunRecord:
    """Keep the columns of bronze; what was published stays published whatever comes of that."""
    try:
        notes = schemas.keep(execution.tables, states.tables, record.environment)
    except (SettingsError, LakehouseError) as error:
        finding = Finding(error.code, error.message, file=error.place, hint=error.hint)
        return replace(record, warnings=(*record.warnings, finding))
    return replace(record, notes=notes)


def _with_upkeep(session: Session, record: RunRecord, states: States) -> RunRecord:
    """See to what is due; whatever comes of that, the run is what it was."""
    done = keep_up_after(
        session, record, {key: state.version for key, state in states.tables.items()}
    )
    if done.problem:
        hint = "see more with: polster upkeep"
        finding = Finding("POL381", f"upkeep: {done.problem}", severity=Severity.WARNING, hint=hint)
        record = replace(record, warnings=(*record.warnings, finding))
    return replace(record, notes=(*record.notes, done.note)) if done.note else record


def _status(outcome: Outcome) -> RunStatus:
    if outcome.interrupted:
        return RunStatus.INTERRUPTED
    failed = any(record.status is AssetStatus.FAILED for record in outcome.records)
    return RunStatus.FAILED if failed else RunStatus.SUCCEEDED


def _recorded(
    graph: AssetGraph,
    lakehouse: Lakehouse,
    context: RunContext,
    states: States,
    record: RunRecord,
    live: LiveReport,
) -> RunRecord:
    """Write the ledger and, of a run that succeeded, a release; return what came of it."""
    try:
        if record.status is RunStatus.INTERRUPTED:
            _in_time(lambda: _record(lakehouse, states, record, ()))
            return record
        vanished = [run for run in live.vanished() if not _has_ended(lakehouse, run)]
        _record(lakehouse, states, record, vanished)
        live.forget(live.vanished())
        record = replace(
            record,
            standing=_standing(
                lakehouse, with_grown_old(graph, states, record.started_at), record.assets
            ),
            warnings=tuple(map(tell_vanished, vanished)),
        )
        if record.status is RunStatus.SUCCEEDED:
            return replace(
                record, release=_release(graph, lakehouse, context, states, record.assets)
            )
    except LakehouseError as error:  # what was published stays, so say it all the same
        finding = Finding(
            error.code,
            f"the run cannot be recorded: {error.message}",
            file=error.place,
            hint="mend that and run again: what was published is recorded then",
        )
        is_good = record.status is RunStatus.SUCCEEDED
        status = RunStatus.FAILED if is_good else record.status
        return replace(record, status=status, warnings=(*record.warnings, finding))
    return record


def _has_ended(lakehouse: Lakehouse, run: LiveRun) -> bool:
    """Tell whether ``run`` recorded how it ended, and was killed only after that."""
    found = lakehouse.ledger.run(run.run_id)
    return found is not None and found.status is not RunStatus.UNKNOWN


def _run_id(started: datetime) -> str:
    return f"{started:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}"


def _record(
    lakehouse: Lakehouse, states: States, run: RunRecord, vanished: Sequence[LiveRun]
) -> None:
    """Write the ledger: what other runs did and could not record, then this run.

    One commit each, since the order of commits is the order of runs.
    """
    lakehouse.ledger.append(left_behind(lakehouse, states, run, vanished))
    lakehouse.ledger.append(
        [Entry(run.run_id, run.environment, record, run) for record in run.assets]
    )


def _in_time(work: Callable[[], None]) -> None:
    """Do ``work``, but wait for it no longer than a moment.

    What was interrupted and did not end may hold all threads of Polars; the ledger waits for
    the next run then.
    """
    raised: list[LakehouseError] = []

    def watched() -> None:
        try:
            work()
        except LakehouseError as error:
            raised.append(error)

    thread = Thread(target=watched, name="polster-ledger", daemon=True)
    thread.start()
    thread.join(LEDGER_SECONDS)
    if raised:
        raise raised[0]


def _standing(
    lakehouse: Lakehouse,
    published: Mapping[AssetKey, AssetRecord],
    records: Sequence[AssetRecord],
) -> tuple[StandingWarning, ...]:
    """List the open warnings of the assets of this run, as their tables are now.

    Args:
        lakehouse: Where they lie.
        published: What was published when the run started.
        records: What the run did; an asset that failed for what is warned of has said so.
    """
    looked_at = {record.asset for record in records}
    failed = {(record.asset, record.error.code) for record in records if record.error}
    current = {key: published[key] for key in looked_at & published.keys()}
    current |= {
        record.asset: record for record in records if record.status is AssetStatus.PUBLISHED
    }
    return tuple(
        warning
        for warnings in standing_warnings(lakehouse, current, looked_at).values()
        for warning in warnings
        if warning.is_open and (warning.asset, warning.code) not in failed
    )


def _release(
    graph: AssetGraph,
    lakehouse: Lakehouse,
    context: RunContext,
    states: States,
    records: Sequence[AssetRecord],
) -> str | None:
    """Write a release if the run published anything and the tables belong together now.

    They do if each was made from the versions that stand beside it. After a run of a part of the
    pipeline, or beside another run, they may not; the next run that brings them together says so.

    Returns:
        The release's identifier; None if there is none.
    """
    published = {
        record.asset: record
        for record in records
        if record.status is AssetStatus.PUBLISHED and record.version is not None
    }
    if not published:
        return None
    names = {str(key) for key in published}  # their versions are new, be the numbers old ones
    sound = {key: state for key, state in states.tables.items() if state.is_sound}
    made = {
        key: (state.version, state.fingerprint and state.fingerprint.without_numbers(names))
        for key, state in sound.items()
    }
    made |= {key: (each.version or 0, each.fingerprint) for key, each in published.items()}
    there = lakehouse.versions(graph.assets, {key: version for key, (version, _) in made.items()})
    if there != {key: version for key, (version, _) in made.items()}:  # others published, too
        sound = read_states(lakehouse, graph.assets).tables
        made = {key: (each.version, each.fingerprint) for key, each in sound.items()}
    versions = {str(key): version for key, (version, _) in made.items()}
    needed = (each.versions.items() for _, each in made.values() if each is not None)
    if any(versions.get(name) != version for some in needed for name, version in some):
        return None
    lakehouse.releases.write(
        Release(context.id, context.time, {key: version for key, (version, _) in made.items()})
    )
    return context.id
