"""Standing warnings: what is amiss in a published table until it is mended or acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from polster.model.asset import AssetKey

OF_ROWS = "POL367"
"""Says of rows what is amiss in them, for as long as they are in the table."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has seen a standing warning, and it is right so.

    Attributes:
        by: The user's name on the machine where it was acknowledged.
        at: Timezone-aware UTC.
    """

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StandingWarning:
    """What is not as it was in a table that was published all the same.

    Each version carries its own; what is still so in the next version is the same warning.

    Attributes:
        code: Stable code, described among the errors.
        subject: What it is about: a column, or an expectation.
        message: What is amiss, one clause.
        hint: One edit or one command that mends it.
        run_id: The run that published it first.
        since: When that run started, timezone-aware UTC.
        acknowledged: None while it is open.
    """

    asset: AssetKey
    code: str
    subject: str
    message: str
    hint: str
    run_id: str
    since: datetime
    acknowledged: Acknowledgement | None = None

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what it is known by: should it go away and come back, it is another one."""
        return str(self.asset), self.code, self.subject, self.run_id

    @property
    def is_open(self) -> bool:
        """Tell whether nobody has acknowledged it."""
        return self.acknowledged is None


def carried_on(
    found: Iterable[StandingWarning],
    earlier: Iterable[StandingWarning],
    *,
    rows_stay: bool = False,
) -> tuple[StandingWarning, ...]:
    """Return ``found``, each dated back to the run since which it stands.

    Args:
        found: Of the version that is published now.
        earlier: Of the version before it.
        rows_stay: Whether its rows are there still: what was amiss in them is so, too, and what is
            in those that came beside them is another warning.
    """
    found = tuple(found)
    known = {(warning.code, warning.subject): warning for warning in earlier}
    if rows_stay:
        of_rows = [known.pop(each) for each in [*known] if each[0] == OF_ROWS]
        now = {(warning.code, warning.subject) for warning in found}
        found += tuple(each for each in of_rows if (each.code, each.subject) not in now)
    return tuple(
        replace(warning, run_id=before.run_id, since=before.since)
        if (before := known.get((warning.code, warning.subject)))
        else warning
        for warning in found
    )
