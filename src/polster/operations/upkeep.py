"""Upkeep: keeping the lakehouse small and quick over years."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime

from polster.errors import LakehouseError, PolsterError
from polster.lakehouse.upkeep import Upkeep, alone
from polster.model.asset import AssetKey
from polster.model.record import AssetStatus, RunRecord
from polster.model.upkeep import TableUpkeep, in_total
from polster.operations.open_project import Session

EVERY = 25
"""After so many versions of a table a run looks after it."""
COMMITS_OF_A_RUN = 2
"""So many the ledger gets at most: of what others left unrecorded, and of the run."""
FEWEST = 10
"""So many small files are worth it to a run."""
SECONDS = 5.0
"""A run begins with no further table after this time."""


def upkeep(session: Session, *, dry_run: bool = False) -> list[TableUpkeep]:
    """Merge small files, and remove what no kept release and no run needs.

    Args:
        session: Whose lakehouse.
        dry_run: Say what would be done, and do nothing.

    Returns:
        One entry for each table that exists.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The environment does not exist.
        LakehouseError: Another upkeep is at work, or the lakehouse cannot be read.
    """
    graph, lakehouse = session.graph, session.lakehouse
    with nullcontext(enter_result=True) if dry_run else alone(lakehouse) as is_alone:
        if not is_alone:
            raise LakehouseError(
                "another upkeep of this lakehouse is at work",
                code="POL380",
                place=lakehouse.store.root,
                hint="wait until it is done; nothing is lost meanwhile",
            )
        work = Upkeep(lakehouse, _identifier(), session.settings.retention, dry_run=dry_run)
        return [*(done for key in graph.assets for done in work.asset(key)), *work.own()]


@dataclass(frozen=True, slots=True)
class AfterRun:
    """What a run saw to.

    Attributes:
        note: What was done; empty if nothing was.
        problem: Why something could not be done; the run is none the worse.
    """

    note: str = ""
    problem: str = ""


def keep_up_after(session: Session, record: RunRecord, before: Mapping[AssetKey, int]) -> AfterRun:
    """Do what is due after a run, for a few seconds at most; cheap where nothing is.

    Args:
        session: Whose lakehouse.
        record: The run.
        before: The versions of the tables that it found.
    """
    lakehouse = session.lakehouse
    try:
        due = [
            each.asset
            for each in record.assets
            if each.status is AssetStatus.PUBLISHED
            and each.version is not None
            and each.version // EVERY != before.get(each.asset, 0) // EVERY
        ]
        commit = lakehouse.ledger.newest_commit()
        is_own_due = commit >= EVERY and commit % EVERY < COMMITS_OF_A_RUN
        if not due and not is_own_due:
            return AfterRun()
        with alone(lakehouse) as is_alone:
            done = _keep_up(session, due, own=is_own_due) if is_alone else []
    except PolsterError as error:
        return AfterRun(problem=error.message)
    except Exception as error:  # a run that did its work is not to fail for this
        return AfterRun(problem=f"{type(error).__name__}: {error}")
    problems = [f"{each.table}: {each.problem}" for each in done if each.problem]
    return AfterRun(_note(done), "; ".join(problems))


def _keep_up(session: Session, due: list[AssetKey], *, own: bool) -> list[TableUpkeep]:
    started = time.monotonic()
    work = Upkeep(session.lakehouse, _identifier(), session.settings.retention, fewest=FEWEST)
    done = work.own() if own else []
    for key in due:
        if time.monotonic() - started > SECONDS:
            break
        done += work.asset(key)
    return done


def _note(done: list[TableUpkeep]) -> str:
    total = in_total(done)
    if not total.is_change:
        return ""
    return (
        f"upkeep: {total.merged} small files became {total.into}, {total.removed} files and "
        f"{total.commits} entries of logs were removed"
    )


def _identifier() -> str:
    return f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(3)}-upkeep"
