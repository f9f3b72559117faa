"""Saying what a run would do and why, without running anything."""

from __future__ import annotations

from collections.abc import Sequence

from polster.model.plan import PlannedAsset, make_plan
from polster.operations.choose import select_or_raise
from polster.operations.environment import open_lakehouse
from polster.operations.open_project import Project
from polster.project.fingerprints import CodeReader
from polster.runtime.states import read_states


def plan(
    project: Project,
    selection: Sequence[str] = (),
    *,
    environment: str | None = None,
    full_refresh: bool = False,
) -> tuple[PlannedAsset, ...]:
    """Plan a run of the selected assets, upstream first.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The selection or the environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    graph = project.graph
    chosen = select_or_raise(graph, selection)
    _, lakehouse = open_lakehouse(project, environment)
    reader = CodeReader(project.root)
    codes = {key: reader.fingerprint(graph[key]) for key in chosen}
    states = read_states(lakehouse, graph.assets)
    return make_plan(graph, chosen, codes, states.tables, full_refresh=full_refresh)
