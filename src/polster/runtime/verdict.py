"""Whether staged rows may be published, by the contract and beside the last version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from polster.contracts.expected import Surprise, surprises
from polster.contracts.profile import LastVersion
from polster.contracts.vanishing import Vanished
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset, Load
from polster.model.context import RunContext
from polster.model.layer import Layer
from polster.model.record import AssetRecord
from polster.model.standing import StandingWarning, carried_on
from polster.runtime.refusal import RefusedError, refusal
from polster.runtime.stage import Staged
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Departures


@dataclass(frozen=True, slots=True)
class Passed:
    """Rows that may be published; attributes as in :class:`AssetRecord`."""

    nulls: Mapping[str, int]
    newest: Mapping[str, datetime]
    warnings: tuple[StandingWarning, ...]


@dataclass(frozen=True, slots=True)
class Last:
    """What the staged rows take the place of, or stand beside.

    Attributes:
        record: What the run that published it recorded, where it is known.
        version: What is known of its rows; None if there is no table.
    """

    record: AssetRecord | None
    version: LastVersion | None

    @classmethod
    def of(cls, current: TableVersion | None, record: AssetRecord | None, target: Target) -> Last:
        """Return what is known of the newest version."""
        if current is None:
            return cls(record, None)
        if record is None:  # another program wrote it
            return cls(None, LastVersion(target.pinned(current).rows, current.schema))
        version = LastVersion(record.rows_now, current.schema, record.nulls, record.newest)
        return cls(record, version)

    def emptied_by(self, staged: Staged) -> list[str]:
        """Return the columns that held values and hold none in the staged rows."""
        profile, version = staged.profile, self.version
        if version is None:
            return []
        return [
            name
            for name in staged.schema
            if profile.nulls.get(name, 0) == profile.rows and version.was_filled(name)
        ]


def judge(
    asset: Asset,
    staged: Staged,
    last: Last,
    *,
    ages: Mapping[str, timedelta],
    departures: Departures,
    found: Sequence[Surprise],
    run: RunContext,
    is_part: bool,
    vanished: Vanished | None,
) -> Passed | RefusedError:
    """Say why nothing of the staged rows may be published, or what is to be recorded of them.

    Args:
        asset: Whose rows.
        staged: The rows.
        last: What was published before.
        ages: How old the newest value of a column may be.
        departures: How the rows differ from the table.
        found: What is amiss besides.
        run: Who publishes.
        is_part: Whether other rows stay in the table beside them, as ``staged`` counts them.
        vanished: Keys that the table would go without, if that is asked.
    """
    amiss = surprises(
        asset,
        staged.profile,
        last.version,
        ages,
        returned=staged.returned,
        beside=staged.rows_beside if is_part else None,
        vanished=vanished,
    )
    if refused := refusal(asset, staged, amiss):
        return refused
    profile = staged.profile
    nulls = profile.nulls_beside(
        last.version,
        staged.schema,
        is_added=asset.options.load is Load.APPEND,
        beside=staged.rows_beside,
    )
    newest = dict(profile.newest)
    if is_part and last.record is not None:
        for column, moment in last.record.newest.items():
            newest[column] = max(moment, newest.get(column, moment))
    warnings = [
        StandingWarning(
            asset.key, each.code, each.subject, each.message, each.hint, run.id, run.time
        )
        for each in (*amiss, *found)
    ]
    return Passed(
        {**nulls, **dict.fromkeys(departures.emptied, max(profile.rows, 1))},
        newest,
        carried_on(
            warnings,
            last.record.warnings if last.record else (),
            rows_stay=asset.key.layer is Layer.BRONZE and asset.options.load is Load.APPEND,
        ),
    )
