"""Runs whose process ended without a word: what the next one says and records of them."""

from __future__ import annotations

from collections.abc import Sequence

from polster.lakehouse.lakehouse import Lakehouse, Published
from polster.lakehouse.ledger import Entry
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AssetKey
from polster.model.finding import Finding, Severity
from polster.model.live import LiveRun
from polster.model.record import VANISHED, AssetRecord, AssetStatus, Failure, RunRecord, RunStatus
from polster.runtime.states import States, unrecorded

CODE = "POL903"


def tell_vanished(run: LiveRun) -> Finding:
    """Say once that ``run`` vanished, and over what."""
    names = " and ".join(f"`{key}`" for key in run.running)
    doing = f"while building {names}" if names else "between two assets"
    return Finding(
        CODE,
        f"the run {run.run_id} vanished {doing}: its process, {run.process_id} on {run.host}, "
        "ended without a word",
        severity=Severity.WARNING,
        hint=f"it was killed, ran out of memory, or crashed; see what it did: "
        f"polster runs {run.run_id}",
    )


def vanished_record(run: LiveRun) -> RunRecord:
    """Return what the ledger keeps of ``run``: what it was building failed, the rest waits.

    What it finished is left out: it is in the commits, with more than ``run`` says.
    """
    failure = Failure(
        CODE,
        "the process of the run ended while it was built",
        hint="it was killed, ran out of memory, or crashed",
    )
    failed = [
        AssetRecord(
            key,
            AssetStatus.FAILED,
            begun,
            error=failure,
            seconds=max(0.0, (run.updated_at - begun).total_seconds()),
        )
        for key, begun in run.running.items()
    ]
    skipped = [
        AssetRecord(key, AssetStatus.SKIPPED, run.updated_at, reasons=(VANISHED,))
        for key in run.waiting
    ]
    return RunRecord(
        run.run_id,
        RunStatus.VANISHED,
        run.environment,
        run.started_at,
        (run.updated_at - run.started_at).total_seconds(),
        (*failed, *skipped),
        run.selection,
        run.full_refresh,
    )


def left_behind(
    lakehouse: Lakehouse, states: States, run: RunRecord, vanished: Sequence[LiveRun]
) -> list[Entry]:
    """Return what the ledger is to say of other runs before it says it of ``run``.

    That is what they published, as far as the ledger does not know it, and what those that
    vanished did not come to.
    """
    others = [*states.unrecorded, *_published_since(lakehouse, states, run, vanished)]
    published = {(found.run_id, found.record.asset): found for found in others}
    left = [Entry(each.run_id, each.environment, each.record) for each in published.values()]
    for other in vanished:
        told = vanished_record(other)
        known = lakehouse.ledger.run(other.run_id)
        recorded = {record.asset for record in known.assets} if known else set()
        left += [
            Entry(other.run_id, other.environment, record, told)
            for record in told.assets
            if record.asset not in recorded and (other.run_id, record.asset) not in published
        ]
    return left


def _published_since(
    lakehouse: Lakehouse, states: States, run: RunRecord, vanished: Sequence[LiveRun]
) -> list[Published]:
    """Return what other runs published after ``states`` were read and the ledger does not know.

    A run that was killed meanwhile has not recorded it. Below a version that the ledger knows
    nobody looks again, so that it is looked at where ``run`` published on top of others; and where
    runs vanished, of which the ledger will say that they did not come to what is not found.
    """
    ours = {
        record.asset: record.version
        for record in run.assets
        if record.status is AssetStatus.PUBLISHED and record.version is not None
    }
    of_vanished = {
        key
        for other in vanished
        for key in (*other.running, *other.waiting, *(each.asset for each in other.finished))
    }
    passed: dict[AssetKey, TableVersion] = {}
    for key, version in (ours | lakehouse.versions(of_vanished)).items():
        state = states.tables.get(key)
        known = (-1 if state is None else state.version) + (key in ours)
        table = lakehouse.table(key).open(version) if version > known else None
        if table is not None:
            passed[key] = table
    return [found for found in unrecorded(lakehouse, passed) if found.run_id != run.run_id]
