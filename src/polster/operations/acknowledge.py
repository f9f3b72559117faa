"""Acknowledging what is amiss in a published table: seen, and right so."""

from __future__ import annotations

from datetime import UTC, datetime

from polster.model.standing import StandingWarning
from polster.operations.choose import select_or_raise
from polster.operations.open_project import Session
from polster.operations.user import user_name
from polster.runtime.aging import with_grown_old
from polster.runtime.states import read_states, standing_warnings


def acknowledge(session: Session, asset: str) -> list[StandingWarning]:
    """Acknowledge the open warnings of the assets that ``asset`` selects.

    Who and when are recorded in the lakehouse; the warning opens again only if it goes away and
    comes back.

    Returns:
        What was acknowledged; empty if nothing was open.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The asset or the environment does not exist.
        LakehouseError: The lakehouse cannot be read or written.
    """
    chosen = select_or_raise(session.graph, [asset])
    lakehouse = session.lakehouse
    now = datetime.now(UTC)
    published = with_grown_old(session.graph, read_states(lakehouse, chosen), now)
    warnings = [
        warning
        for each in standing_warnings(lakehouse, published, chosen).values()
        for warning in each
        if warning.is_open
    ]
    if warnings:
        lakehouse.acknowledgements.write(warnings, by=user_name() or "unknown", at=now)
    return warnings
