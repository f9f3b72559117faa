"""Saying for each asset whether its table can be trusted now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from polster.model.asset import AssetKey
from polster.model.decision import TableState
from polster.model.layer import Layer
from polster.model.plan import Action, PlannedAsset, make_plan
from polster.model.record import AssetRecord, AssetStatus
from polster.model.standing import StandingWarning
from polster.operations.open_project import Session
from polster.project.fingerprints import read_fingerprints
from polster.runtime.aging import with_grown_old
from polster.runtime.states import appending, read_states, standing_warnings


class Freshness(StrEnum):
    """Whether a table is what a run would make of it now."""

    FRESH = "fresh"
    STALE = "stale"
    MISSING = "missing"
    GONE = "gone"  # it was published, and there is no table any more
    UNUSABLE = "unusable"  # its table is damaged, or no table of Polster's


@dataclass(frozen=True, slots=True)
class AssetState:
    """The state of one asset.

    Attributes:
        freshness: Bronze is fresh once it has landed: only its source knows better.
        reasons: Why it is stale, missing or unusable, and what another program did to a table of
            bronze; else empty.
        last: What the last run that looked at it did; None if none did.
        published: What the run that published the current version did, where that is known.
        version: The table's current version; None if there is no table.
        warnings: What is amiss in the current version, acknowledged or not.
        last_commit: Of the ledger, with ``last``; -1 where that is not known.
    """

    asset: AssetKey
    freshness: Freshness
    reasons: tuple[str, ...]
    last: AssetRecord | None
    published: AssetRecord | None
    version: int | None
    warnings: tuple[StandingWarning, ...] = ()
    last_commit: int = -1

    @property
    def open_warnings(self) -> tuple[StandingWarning, ...]:
        """Return the warnings that nobody has acknowledged."""
        return tuple(warning for warning in self.warnings if warning.is_open)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Return what the joins of the current version keep, as far as nobody counted it."""
        return self.published.uncounted if self.published else ()

    @property
    def last_status(self) -> AssetStatus | None:
        """Return how the last run ended for the asset."""
        return self.last.status if self.last else None

    @property
    def published_at(self) -> datetime | None:
        """Return when the current version was published."""
        return self.published.started_at if self.published else None


def status(session: Session) -> list[AssetState]:
    """Return the state of every asset, upstream first.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    graph = session.graph
    lakehouse = session.lakehouse
    codes = read_fingerprints(session.root, graph, graph.assets)
    states = read_states(lakehouse, graph.assets, every_file=appending(graph))
    latest = lakehouse.ledger.latest()
    grown_old = with_grown_old(graph, states, datetime.now(UTC))
    warnings = standing_warnings(lakehouse, grown_old, graph.assets)
    found = []
    for planned in make_plan(
        graph, graph.assets.keys(), codes, states.tables, deleted=states.deleted
    ):
        key = planned.asset
        table = states.tables.get(key)
        freshness = Freshness.GONE if key in states.deleted else _freshness(planned, table)
        found.append(
            AssetState(
                key,
                freshness,
                _reasons(planned, freshness, table),
                latest[key].record if key in latest else None,
                states.published.get(key),
                table.version if table else None,
                warnings.get(key, ()),
                latest[key].commit if key in latest else -1,
            )
        )
    return found


def _reasons(
    planned: PlannedAsset, freshness: Freshness, table: TableState | None
) -> tuple[str, ...]:
    if table is not None and table.why_unsound:
        return (table.why_unsound,)
    if freshness is Freshness.FRESH:
        return (table.changes,) if table is not None and table.changes else ()
    return planned.reasons


def _freshness(planned: PlannedAsset, table: TableState | None) -> Freshness:
    if table is None:
        return Freshness.MISSING
    if not table.is_sound:
        return Freshness.UNUSABLE
    if planned.action is Action.UNCHANGED or planned.asset.layer is Layer.BRONZE:
        return Freshness.FRESH
    return Freshness.STALE
