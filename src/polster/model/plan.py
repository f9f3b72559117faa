"""What a run would do and why, from fingerprints alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from polster.model.asset import AssetKey
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import Fingerprint


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
    """

    version: int
    fingerprint: Fingerprint | None


@dataclass(frozen=True, slots=True)
class PlannedAsset:
    """One asset of a plan."""

    asset: AssetKey
    action: Action
    reasons: tuple[str, ...]


def reasons_to_run(
    current: Fingerprint, state: TableState | None, *, full_refresh: bool = False
) -> tuple[str, ...]:
    """Say why an asset of silver or gold has to run; empty if it need not.

    Args:
        current: What it would be made from now.
        state: What is published.
        full_refresh: Whether the user asked for everything anew.
    """
    if state is None:
        return ("it was never built",)
    if full_refresh:
        return ("a full refresh was asked for",)
    if state.fingerprint is None:
        return ("its table was changed by another program",)
    return current.changes_since(state.fingerprint)


def gone_inputs(
    upstream: Collection[AssetKey],
    state: TableState | None,
    states: Mapping[AssetKey, TableState],
) -> dict[AssetKey, int]:
    """Return what a table was made from that has no table any more, by the version it had.

    Args:
        upstream: What the asset reads now.
        state: What is published of the asset.
        states: What is published of all.
    """
    fingerprint = state.fingerprint if state else None
    made_from = fingerprint.inputs if fingerprint else {}
    return {
        other: made_from[str(other)]
        for other in upstream
        if other not in states and str(other) in made_from
    }


def is_gone(upstream: AssetKey) -> str:
    """Say as a reason that the table of ``upstream`` is gone."""
    return f"the table of {upstream}, which it reads, is gone"


def make_plan(
    graph: AssetGraph,
    chosen: Collection[AssetKey],
    codes: Mapping[AssetKey, Fingerprint],
    states: Mapping[AssetKey, TableState],
    *,
    full_refresh: bool = False,
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
        full_refresh: Whether the user asked for everything anew.
    """
    planned: dict[AssetKey, PlannedAsset] = {}
    for key in graph.assets:
        if key not in chosen:
            continue
        if key.layer is Layer.BRONZE:
            reason = "it was never built" if key not in states else "bronze asks its source"
            planned[key] = PlannedAsset(key, Action.RUN, (reason,))
            continue
        upstream = graph.upstream(key)
        rebuilt = [
            f"{other} runs first"
            for other in upstream
            if other in planned
            and other.layer is not Layer.BRONZE
            and planned[other].action is Action.RUN
        ]
        known = states.get(key)
        gone = gone_inputs(upstream, known, states)
        absent = tuple(
            (is_gone(other) if other in gone else f"{other}, which it reads, was never built")
            + ("" if other in chosen else ": this will fail")
            for other in upstream
            if other in gone or (other not in states and other not in chosen)
        )
        inputs = {str(other): states[other].version for other in upstream if other in states}
        inputs |= {str(other): version for other, version in gone.items()}
        current = Fingerprint(codes[key].code, codes[key].contract, codes[key].modules, inputs)
        reasons = reasons_to_run(current, known, full_refresh=full_refresh) + absent
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


def _names(names: list[str]) -> str:
    if len(names) > 3:
        return f"one of {len(names)} bronze assets"
    return " or ".join(names)
