"""The runs of a lakehouse: those in progress, and those that are recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime

from polster.errors import UsageError, nearest
from polster.model.finding import Finding
from polster.model.live import LiveRun
from polster.model.record import RunRecord, RunStatus, RunSummary
from polster.operations.open_project import Session
from polster.runtime.vanished import tell_vanished


def list_runs(
    session: Session,
    *,
    limit: int | None = None,
    before: str | None = None,
) -> list[RunSummary]:
    """List the recorded runs, newest first.

    Args:
        session: Whose lakehouse.
        limit: At most so many.
        before: Identifier of a run; those older than it are listed.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The ledger cannot be read.
    """
    lakehouse = session.lakehouse
    return lakehouse.ledger.runs(limit, before)


def all_runs(session: Session, *, limit: int | None = None) -> list[LiveRun | RunSummary]:
    """List the runs in progress, then all others, newest first; each run once.

    They stand in the order in which they were recorded; one that never will be stands before
    what was recorded when it began.

    Of a run without a record of how it ended, what it says of itself is listed, as long as that
    is there.

    Args:
        session: Whose lakehouse.
        limit: At most so many that are over.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    live = live_runs(session)
    known = {run.run_id for run in live}
    recorded = list_runs(session, limit=None if live else limit)
    ended = {run.run_id for run in recorded if run.status is not RunStatus.UNKNOWN}
    now = datetime.now(UTC)
    unrecorded = [run for run in live if run.run_id not in ended]
    in_progress = [run for run in unrecorded if not run.is_lost(now)]
    over: list[LiveRun | RunSummary] = [
        run for run in recorded if run.run_id in ended or run.run_id not in known
    ]
    for lost in reversed([run for run in unrecorded if run.is_lost(now)]):
        earlier = (at for at, run in enumerate(over) if _place(run) <= lost.ledger)
        over.insert(next(earlier, len(over)), lost)
    return [*in_progress, *over[:limit]]


def _place(run: LiveRun | RunSummary) -> int:
    """Return the commit of the ledger that ``run`` came with, or after."""
    return run.ledger if isinstance(run, LiveRun) else run.commit


def find_run(session: Session, run_id: str) -> LiveRun | RunRecord:
    """Return what is known of the run ``run_id``: how it ended, else how far it says that it is.

    Raises:
        UsageError: There is no such run or environment.
        LakehouseError: The lakehouse cannot be read.
    """
    live = next((run for run in live_runs(session) if run.run_id == run_id), None)
    try:
        recorded = recorded_run(session, run_id)
    except UsageError:
        if live is None:
            raise
        return live
    return live if live is not None and recorded.status is RunStatus.UNKNOWN else recorded


def recorded_of(session: Session, run_ids: Collection[str]) -> frozenset[str]:
    """Return which of these runs are recorded.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The ledger cannot be read.
    """
    lakehouse = session.lakehouse
    return lakehouse.ledger.known(run_ids)


def recorded_run(session: Session, run_id: str) -> RunRecord:
    """Return what the run ``run_id`` did; of its warnings nothing is recorded.

    Raises:
        UsageError: There is no such run or environment.
        LakehouseError: The ledger cannot be read.
    """
    lakehouse = session.lakehouse
    found = lakehouse.ledger.run(run_id)
    if found is None:
        known = [run.run_id for run in lakehouse.live.all()]
        known += [run.run_id for run in lakehouse.ledger.runs()]
        close = nearest(run_id, known)
        raise UsageError(
            f"there is no run `{run_id}`",
            code="POL408",
            hint=f"did you mean `{close}`?" if close else "see the runs with: polster runs",
        )
    return replace(found, release=run_id) if lakehouse.releases.holds(run_id) else found


def vanished_runs(session: Session) -> list[Finding]:
    """Say which runs ended without a word, as long as no run has recorded that.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    killed = [run for run in live_runs(session) if run.is_killed]
    recorded = recorded_of(session, [run.run_id for run in killed]) if killed else ()
    return [tell_vanished(run) for run in killed if run.run_id not in recorded]


def live_runs(session: Session) -> list[LiveRun]:
    """List the runs in progress, newest first, also those without a sign of life.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    lakehouse = session.lakehouse
    return lakehouse.live.all()
