"""Saying what a run would do and why, without running anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from polster.model.asset import AssetKey
from polster.model.decision import Build
from polster.model.layer import Layer
from polster.model.plan import PlannedAsset, make_plan
from polster.model.reason import ROWS_ALONE
from polster.operations.choose import select_or_raise
from polster.operations.keep_schemas import BronzeSchemas
from polster.operations.open_project import Session
from polster.project.fingerprints import read_fingerprints
from polster.project.schema_file import SCHEMA_FILE
from polster.runtime.states import appending, read_states
from polster.runtime.writes.repeats import other_load


def plan(
    session: Session,
    selection: Sequence[str] = (),
    *,
    full_refresh: bool = False,
) -> tuple[PlannedAsset, ...]:
    """Plan a run of the selected assets, upstream first.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The selection or the environment does not exist.
        LakehouseError: The lakehouse cannot be read.
        SettingsError: What is kept of the columns of bronze cannot be read.
    """
    graph = session.graph
    chosen = select_or_raise(graph, selection)
    name, lakehouse = session.environment.name, session.lakehouse
    codes = read_fingerprints(session.root, graph, chosen)
    states = read_states(lakehouse, graph.assets, every_file=appending(graph))
    schemas = BronzeSchemas(session, lakehouse)
    readable = {key for key, state in states.tables.items() if state.is_sound}
    departing = {
        key: f"its table in {name} departs from {SCHEMA_FILE}: {said}"
        for key, said in schemas.departing(chosen & readable).items()
    }
    for key in chosen & states.published.keys():
        made_from = states.published[key].fingerprint
        is_other = made_from is not None and made_from.code != codes[key].code
        if key.layer is Layer.BRONZE and is_other and key in readable:
            table = lakehouse.table(key).open()
            other = table and other_load(graph[key], table, lakehouse.published(table))
            if other:
                departing[key] = f'its table was loaded with load="{other}": this will fail'
    planned = make_plan(
        graph,
        chosen,
        codes,
        states.tables,
        deleted=states.deleted,
        full_refresh=full_refresh,
        departing=departing,
    )
    return tuple(_with_reach(session, each, readable) for each in planned)


def _with_reach(
    session: Session, planned: PlannedAsset, readable: Collection[AssetKey]
) -> PlannedAsset:
    """Say how much a run will make anew, if nothing but rows of inputs change."""
    reasons = planned.decision.reasons
    is_build = isinstance(planned.decision, Build) and planned.asset in readable
    if not is_build or not {reason.why for reason in reasons} <= ROWS_ALONE:
        return planned
    from polster.operations.reach import planned_reach  # most plans do not wait for it

    changed = [key for reason in reasons if (key := AssetKey.parse(reason.about[0]))]
    asset = session.graph[planned.asset]
    return replace(planned, reaches=planned_reach(session, session.graph, asset, changed))
