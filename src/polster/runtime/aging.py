"""What was new enough when it was published, and is not any more."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from polster.contracts.expected import Surprise, age_by_column, aged
from polster.model.asset import Asset, AssetKey
from polster.model.graph import AssetGraph
from polster.model.record import AssetRecord
from polster.model.standing import StandingWarning, carried_on
from polster.runtime.states import States


def grown_old(asset: Asset, published: AssetRecord | None, at: datetime) -> list[Surprise]:
    """Judge the newest moments that were recorded of a version as a build would at ``at``.

    What held no moment when it was published was told then.
    """
    expect = asset.options.expect
    if expect.fresh_within is None or published is None:
        return []
    allowed = age_by_column(expect.fresh_within, published.newest)
    return list(aged(expect, published.newest, allowed, at))


def with_grown_old(graph: AssetGraph, states: States, at: datetime) -> dict[AssetKey, AssetRecord]:
    """Return the record of each current version, what has grown too old among its warnings.

    Args:
        graph: Its assets say how old their values may be.
        states: What is published.
        at: The moment that ages are counted to.
    """
    records = dict(states.published)
    for key, record in states.published.items():
        old = [
            StandingWarning(
                key,
                each.code,
                each.subject,
                each.message,
                each.hint,
                states.runs[key],
                record.started_at,
            )
            for each in grown_old(graph[key], record, at)
        ]
        subjects = {(warning.code, warning.subject) for warning in old}
        others = [w for w in record.warnings if (w.code, w.subject) not in subjects]
        if old:
            warnings = (*others, *carried_on(old, record.warnings))
            records[key] = replace(record, warnings=warnings)
    return records
