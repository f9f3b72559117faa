"""What a run would do and why, from fingerprints alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType

from polster.model.asset import AssetKey
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import Failure, Fingerprint

NEVER_BUILT = "it was never built"


class Action(StrEnum):
    """What a run would do with an asset."""

    RUN = "run"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class TableState:
    """What is known of a published table.

    Attributes:
        version: Its current version, from 0.
        fingerprint: What Polster made that version from; None if another program wrote it.
        damage: Why its readers do not get it, as a clause; silver and gold are built anew.
        refusal: Why no run may touch it.
        changes: What another program did to a table of bronze, or that an earlier version was
            brought back, as a clause.
        is_told: Whether a run has told of ``changes`` already.
    """

    version: int
    fingerprint: Fingerprint | None
    damage: str | None = None
    refusal: Failure | None = None
    changes: str | None = None
    is_told: bool = False

    @property
    def is_sound(self) -> bool:
        """Tell whether it can be read and built on."""
        return self.damage is None and self.refusal is None

    @property
    def why_unsound(self) -> str | None:
        """Return why it cannot; None if it can."""
        return self.damage or (self.refusal.message if self.refusal else None)


@dataclass(frozen=True, slots=True)
class PlannedAsset:
    """One asset of a plan."""

    asset: AssetKey
    action: Action
    reasons: tuple[str, ...]


def why_absent(key: AssetKey, deleted: Mapping[AssetKey, int]) -> str:
    """Say as a reason that ``key`` has no table.

    Args:
        key: Whose.
        deleted: The version that was published last, by the key of a table that is gone.
    """
    return f"its table is gone, and had version {deleted[key]}" if key in deleted else NEVER_BUILT


def reasons_to_run(
    current: Fingerprint,
    state: TableState | None,
    *,
    absent: str = NEVER_BUILT,
    full_refresh: bool = False,
    landed: Collection[AssetKey] = (),
) -> tuple[str, ...]:
    """Say why an asset of silver or gold has to run; empty if it need not.

    Args:
        current: What it would be made from now.
        state: What is published.
        absent: The reason if nothing is.
        full_refresh: Whether the user asked for everything anew.
        landed: What was published since ``state`` was read, be its number an old one: a table
            that was put back counts from there.
    """
    if state is None:
        return (absent,)
    if state.damage is not None:
        return (state.damage,)
    if full_refresh:
        return ("a full refresh was asked for",)
    if state.fingerprint is None:
        return ("its table was changed by another program",)
    return current.changes_since(state.fingerprint.without_numbers([str(key) for key in landed]))


def gone_inputs(
    needed: Collection[AssetKey],
    state: TableState | None,
    states: Mapping[AssetKey, TableState],
) -> dict[AssetKey, int]:
    """Return what a table was made from that has no table any more, or a damaged one.

    By the version it had.

    Args:
        needed: What the asset reads and refers to now.
        state: What is published of the asset.
        states: What is published of all.
    """
    fingerprint = state.fingerprint if state else None
    made_from = fingerprint.versions if fingerprint else {}
    return {
        other: made_from[str(other)]
        for other in needed
        if (other not in states or states[other].damage) and str(other) in made_from
    }


def gone_reason(needed: AssetKey, verb: str, states: Mapping[AssetKey, TableState]) -> str:
    """Say as a reason that the table of ``needed``, which an asset reads, say, is not whole."""
    state = "damaged" if needed in states else "gone"
    return f"the table of {needed}, which it {verb}, is {state}"


def with_versions(
    code: Fingerprint, graph: AssetGraph, key: AssetKey, versions: Mapping[AssetKey, int]
) -> Fingerprint:
    """Return the fingerprint of ``key`` with the versions of what it reads and refers to."""
    inputs, references = (
        {str(other): versions[other] for other in some if other in versions}
        for some in (graph.upstream(key), graph.referred(key))
    )
    return replace(code, inputs=inputs, references=references)


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
        deleted: As for :func:`why_absent`.
        full_refresh: Whether the user asked for everything anew.
        departing: What is to be said of bronze beside the reason that it runs.
    """
    planned: dict[AssetKey, PlannedAsset] = {}
    for key in graph.assets:
        if key not in chosen:
            continue
        if key.layer is Layer.BRONZE:
            also = (departing[key],) if key in departing else ()
            why = _why_bronze(states.get(key), why_absent(key, deleted))
            planned[key] = PlannedAsset(key, Action.RUN, (why, *also))
            continue
        needed = graph.needs(key)
        rebuilt = [
            f"{other} runs first"
            for other in needed
            if other in planned
            and other.layer is not Layer.BRONZE
            and planned[other].action is Action.RUN
        ]
        known = states.get(key)
        if known is not None and known.refusal is not None:
            planned[key] = PlannedAsset(key, Action.RUN, (_will_fail(known.refusal.message),))
            continue
        gone = gone_inputs(needed, known, states)
        absent = tuple(
            _absent(
                other,
                graph.verb(key, other),
                states,
                is_gone=other in gone,
                is_chosen=other in chosen,
            )
            for other in needed
            if other in gone or (other not in states and other not in chosen)
        )
        versions = {other: states[other].version for other in needed if other in states} | gone
        current = with_versions(codes[key], graph, key, versions)
        why = why_absent(key, deleted)
        reasons = reasons_to_run(current, known, absent=why, full_refresh=full_refresh) + absent
        if known is not None:
            reasons += tuple(reason for reason in rebuilt if reason not in reasons)
        if reasons:
            planned[key] = PlannedAsset(key, Action.RUN, reasons)
            continue
        asked = sorted(
            str(other)
            for other in graph.ancestors([key])
            if other in planned and other.layer is Layer.BRONZE
        )
        waits = (f"nothing changed, unless {_names(asked)} lands new data",) if asked else ()
        planned[key] = PlannedAsset(key, Action.UNCHANGED, waits or ("nothing changed",))
    return tuple(planned.values())


def _why_bronze(state: TableState | None, absent: str) -> str:
    if state is None:
        return absent
    if state.refusal is not None:
        return _will_fail(state.refusal.message)
    return "bronze asks its source" + (f"; {state.changes}" if state.changes else "")


def _absent(
    needed: AssetKey,
    verb: str,
    states: Mapping[AssetKey, TableState],
    *,
    is_gone: bool,
    is_chosen: bool,
) -> str:
    never = f"{needed}, which it {verb}, was never built"
    reason = gone_reason(needed, verb, states) if is_gone else never
    return reason if is_chosen else _will_fail(reason)


def _will_fail(reason: str) -> str:
    return f"{reason}: this will fail"


def _names(names: list[str]) -> str:
    if len(names) > 3:
        return f"one of {len(names)} bronze assets"
    return " or ".join(names)
