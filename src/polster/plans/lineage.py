"""What the columns of an asset are made of, as the plan of its frame says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from polster.model.asset import AssetKey
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef
from polster.plans.flow import NOT_SHOWN, Flow, Origin, PlanFlow

EAGER = "rows were computed while the function ran"


def lineage_from_flow(
    asset: AssetKey,
    flow: PlanFlow,
    columns: Iterable[str],
    inputs: Collection[str],
) -> AssetLineage:
    """Return what each of ``columns`` is made of.

    Args:
        asset: Whose table the columns are of.
        flow: The plan, its inputs named by asset keys.
        columns: Of the table; one that the plan does not have is unknown.
        inputs: Keys of what the function was handed.
    """
    columns = list(columns)
    if is_cut_off(flow, inputs):
        return unknown_lineage(asset, columns, EAGER)
    flows = {name: flow.columns.get(name, Flow(unknown=NOT_SHOWN)) for name in columns}
    return lineage_from_flows(asset, flows, flow.fields)


def unknown_lineage(asset: AssetKey, columns: Iterable[str], why: str) -> AssetLineage:
    """Return the lineage of a table of which only the names of its columns are known."""
    return AssetLineage(asset, dict.fromkeys(columns, ColumnOrigin(unknown=why)), why)


def is_cut_off(flow: PlanFlow, inputs: Collection[str]) -> bool:
    """Tell whether the plan begins at rows in memory in the place of an input.

    An eager parameter, and a frame that was collected on the way, leave no trace in the plan.
    """
    read = {leaf.name for leaf in flow.leaves if leaf.kind == "input"}
    return any(leaf.kind == "memory" for leaf in flow.leaves) and not read.issuperset(inputs)


def lineage_from_flows(
    asset: AssetKey, flows: Mapping[str, Flow], fields: Mapping[tuple[str, ...], Flow]
) -> AssetLineage:
    """Return the flows of an asset's columns, and of fields in them, as its lineage."""
    columns = {name: _origin(flow) for name, flow in flows.items()}
    parts = {path: _origin(flow) for path, flow in fields.items() if path[0] in columns}
    return AssetLineage(asset, columns, fields=parts)


def _origin(flow: Flow) -> ColumnOrigin:
    return ColumnOrigin(_refs(flow.values), _refs(flow.influences), flow.unknown)


def _refs(origins: Iterable[Origin]) -> frozenset[ColumnRef]:
    return frozenset(
        ColumnRef(key, column, tuple(path))
        for name, column, *path in origins
        if (key := AssetKey.parse(name)) is not None
    )
