"""Saying before any run how much of a table is made anew when rows of its inputs change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import reduce

import polars as pl

from polster.checks.examine import Examination, examine
from polster.errors import PolsterError
from polster.lakehouse.dtypes import read_dtype
from polster.model.asset import Asset, AssetKey
from polster.model.context import RunContext
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.scope import Reaches, Scope, ScopeKind
from polster.operations.choose import select_or_raise
from polster.operations.history import asset_named
from polster.operations.open_project import Session
from polster.project.import_path import import_afresh
from polster.project.load import load_asset
from polster.project.shared_process import shared_process
from polster.runtime.reach import reaches

UNKNOWN = "its columns are not known: see polster validate"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a run makes anew of one table.

    Attributes:
        inputs: How far rows that change reach, by the input that they belong to; none for bronze.
        last: What the newest version was made by; None if there is none, or nobody knows.
    """

    asset: Asset
    inputs: Mapping[AssetKey, Reaches] = field(default_factory=dict)
    last: Scope | None = None


def explain_reach(session: Session, name: str) -> Explanation:
    """Explain how much of the asset ``name`` is made anew when its inputs change.

    Its function is called over zero rows; where an input was never built, so are those that it
    stands on.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: There is no such asset or environment.
        LakehouseError: The lakehouse cannot be read.
    """
    graph, lakehouse = session.graph, session.lakehouse
    asset = asset_named(session, name)
    if asset.key.layer is Layer.BRONZE:
        return Explanation(asset)
    table = lakehouse.pin(asset.key)
    published = lakehouse.published(table) if table else None
    found = _reaches_of(session, graph, [asset.key])[asset.key]
    return Explanation(asset, found, published.record.scope if published else None)


def reach_of_each(
    session: Session, selection: Sequence[str] = ()
) -> dict[AssetKey, Mapping[AssetKey, Reaches]]:
    """Say of each asset of silver and gold how far rows of its inputs reach that change.

    Their functions are called over zero rows.

    Args:
        session: Whose assets.
        selection: Terms as in :mod:`polster.model.selection`; everything without one.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The selection or the environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    graph = session.graph
    chosen = select_or_raise(graph, selection)
    above = [key for key in graph.assets if key in chosen and key.layer is not Layer.BRONZE]
    return _reaches_of(session, graph, above)


def _reaches_of(
    session: Session, graph: AssetGraph, keys: Sequence[AssetKey]
) -> dict[AssetKey, Mapping[AssetKey, Reaches]]:
    needed = {key: set(graph.inputs[key].values()) for key in keys}
    schemas = _schemas(session, graph, set().union(*needed.values()))
    found: dict[AssetKey, Mapping[AssetKey, Reaches]] = {}
    for key, inputs in needed.items():
        unknown = sorted(inputs - schemas.keys())
        found[key] = {each: Reaches(ScopeKind.WHOLE, why=UNKNOWN) for each in unknown}
        if not unknown:
            found[key] = reach_of(session, graph, graph[key], schemas)
    return found


def reach_of(
    session: Session, graph: AssetGraph, asset: Asset, schemas: Mapping[AssetKey, pl.Schema]
) -> dict[AssetKey, Reaches]:
    """Say how far rows of each input reach, by calling the function of an asset over zero rows.

    Args:
        session: Whose asset.
        graph: The pipeline.
        asset: Of silver or gold.
        schemas: The columns of what it reads.
    """
    inputs = {name: (key, schemas[key]) for name, key in graph.inputs[asset.key].items()}
    run = RunContext("", datetime.now(UTC), session.environment.name)
    try:
        with chdir(session.root), shared_process(session.root):
            return reaches(load_asset(asset), inputs, run, session.root)
    except PolsterError as error:
        whole = Reaches(ScopeKind.WHOLE, why=f"it cannot be called: {error.code}")
        return dict.fromkeys(graph.inputs[asset.key].values(), whole)


def planned_reach(
    session: Session, graph: AssetGraph, asset: Asset, changed: list[AssetKey]
) -> Reaches | None:
    """Say how much of a table a run will make anew where nothing but rows of inputs change.

    None if the columns of an input are not known yet.
    """
    needed = set(graph.inputs[asset.key].values())
    pinned = {key: session.lakehouse.pin(key) for key in needed}
    schemas = {key: table.schema for key, table in pinned.items() if table is not None}
    if needed - schemas.keys():
        return None
    import_afresh(session.root)
    found = reach_of(session, graph, asset, schemas)
    referred = Reaches(ScopeKind.WHOLE, why="what it refers to changes")
    return reduce(Reaches.beside, (found.get(key, referred) for key in changed))


def _schemas(session: Session, graph: AssetGraph, keys: set[AssetKey]) -> dict[AssetKey, pl.Schema]:
    """Return the columns of tables: those that are there, else as the functions say them."""
    pinned = {key: session.lakehouse.pin(key) for key in keys}
    found = {key: table.schema for key, table in pinned.items() if table is not None}
    import_afresh(session.root)
    if missing := keys - found.keys():
        place = session.environment
        asked = Examination(session.root, graph, missing, environment=place, lineage=False)
        for each in examine(asked):
            columns = each.columns or {one.name: one.dtype for one in each.contract or ()}
            if columns:
                types = {name: read_dtype(text) for name, text in columns.items()}
                found[each.asset] = pl.Schema(types)
    return found
