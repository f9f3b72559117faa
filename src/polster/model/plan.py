"""What a run would do and why, from fingerprints alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from polster.model.asset import AssetKey
from polster.model.decision import (
    NEVER_BUILT,
    Blocked,
    Build,
    Course,
    Decision,
    Need,
    Skip,
    TableState,
    Unchanged,
    decide,
)
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.reason import Reason, Why, texts
from polster.model.record import Fingerprint
from polster.model.scope import Reaches


class Action(StrEnum):
    """What a run would do with an asset."""

    RUN = "run"
    UNCHANGED = "unchanged"
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class PlannedAsset:
    """One asset of a plan.

    Attributes:
        decision: What the run will decide as well, as far as that can be known before.
        also: What is to be said beside its reasons, as clauses.
        reaches: How much is made anew, where nothing but rows of its inputs change; None if that
            is all of it, or nobody knows yet.
    """

    asset: AssetKey
    decision: Decision
    also: tuple[str, ...] = ()
    reaches: Reaches | None = None

    @property
    def action(self) -> Action:
        """Return what the run would do."""
        if isinstance(self.decision, Unchanged):
            return Action.UNCHANGED
        return Action.SKIP if isinstance(self.decision, Skip) else Action.RUN

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return why, as clauses for people."""
        said = texts(self.decision.reasons)
        if isinstance(self.decision, Blocked):
            said = tuple(f"{reason}: this will fail" for reason in said)
        return (*said, *self.also)


def absence(key: AssetKey, deleted: Mapping[AssetKey, int]) -> Reason:
    """Say why ``key`` has no table.

    Args:
        key: Whose.
        deleted: The version that was published last, by the key of a table that is gone.
    """
    return Reason(Why.TABLE_GONE, (str(deleted[key]),)) if key in deleted else NEVER_BUILT


def make_plan(
    graph: AssetGraph,
    chosen: Collection[AssetKey],
    codes: Mapping[AssetKey, Fingerprint],
    states: Mapping[AssetKey, TableState],
    *,
    deleted: Mapping[AssetKey, int] = MappingProxyType({}),
    full_refresh: bool = False,
    departing: Mapping[AssetKey, str] = MappingProxyType({}),
) -> tuple[PlannedAsset, ...]:
    """Plan a run of ``chosen`` in an order in which they can run.

    Bronze always runs: only its source knows whether there is something new. An asset above
    bronze that has no reason of its own is unchanged unless that bronze lands new data, which
    its reasons say.

    Args:
        graph: The pipeline.
        chosen: What is to run.
        codes: Fingerprints without inputs.
        states: What is published; a missing key means that nothing is.
        deleted: As for :func:`absence`.
        full_refresh: Whether the user asked for everything anew.
        departing: What is to be said of bronze beside the reason that it runs.
    """
    planned: dict[AssetKey, PlannedAsset] = {}
    asked: dict[AssetKey, set[AssetKey]] = {}  # bronze of this run that an asset stands on
    for key in graph.assets:
        if key not in chosen:
            continue
        needs = [
            Need(
                other,
                graph.verb(key, other),
                states.get(other),
                _course(planned.get(other), states.get(other)),
                states[other].version if other in states else None,
            )
            for other in graph.needs(key)
        ]
        state = states.get(key)
        asked[key] = {each for other in graph.needs(key) for each in asked.get(other, ())}
        if key.layer is Layer.BRONZE:
            asked[key] = {key}
        decision = decide(
            key,
            codes[key],
            needs,
            state,
            absent=absence(key, deleted),
            full_refresh=full_refresh,
        )
        if isinstance(decision, Unchanged) and asked[key]:
            decision = Unchanged((Reason(Why.NOTHING_UNLESS, (_names(asked[key]),)),))
        also = [departing[key]] if key in departing else []
        if key.layer is Layer.BRONZE and state is not None and state.changes:
            also.insert(0, state.changes)
        planned[key] = PlannedAsset(key, decision, tuple(also))
    return tuple(planned.values())


def _course(planned: PlannedAsset | None, state: TableState | None) -> Course:
    match planned and planned.decision:
        case Skip() | Blocked():
            return Course.WILL_FAIL
        case Build() if planned and (planned.asset.layer is not Layer.BRONZE or state is None):
            return Course.AHEAD
        case _:  # bronze that asks its source may find nothing new
            return Course.NONE


def _names(keys: Collection[AssetKey]) -> str:
    if len(keys) > 3:
        return f"one of {len(keys)} bronze assets"
    return " or ".join(map(str, sorted(keys)))
