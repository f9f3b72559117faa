"""What the columns of a table were made of, read from the plan of the frame that a run computes."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import unquote

import polars as pl

from polster.lakehouse.table_version import TableVersion
from polster.model.asset import BATCH_COLUMN, AssetKey
from polster.model.layer import Layer
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef
from polster.plans.flow import read_flow
from polster.plans.lineage import lineage_from_flow, unknown_lineage
from polster.plans.partners import Followed, follow_rows
from polster.plans.visit import UnreadablePlanError, Visitor

NO_ROWS = Followed((), (), {}, {})


@dataclass(frozen=True, slots=True)
class PlanRead:
    """What the plan of an asset says.

    Attributes:
        lineage: What each column is made of.
        followed: What becomes of the rows of its inputs; or why nobody knows.
    """

    lineage: AssetLineage
    followed: Followed | str


def read_plan(
    asset: AssetKey,
    frame: pl.LazyFrame,
    columns: Iterable[str],
    inputs: Mapping[str, TableVersion],
) -> PlanRead:
    """Read what ``columns`` of ``frame`` are made of; nothing is computed, nothing is raised.

    A run must not fail because a plan cannot be read, so whatever goes wrong makes it unknown.

    Args:
        asset: Whose frame.
        frame: What its function returned.
        columns: Columns of the table that it becomes.
        inputs: What the function was handed, by parameter.
    """
    columns = list(columns)
    if asset.layer is Layer.BRONZE:  # it is made of what lies outside
        return PlanRead(AssetLineage(asset, dict.fromkeys(columns, ColumnOrigin())), NO_ROWS)
    keys = {str(table.key) for table in inputs.values()}
    name_of = namer(inputs.values())
    followed: Followed | str = NO_ROWS

    def follow(visitor: Visitor) -> None:
        nonlocal followed
        try:
            if len(inputs) > 1:  # of a single one nothing is counted
                followed = follow_rows(visitor, name_of, own_filters=(BATCH_COLUMN,))
        except (Exception, pl.exceptions.PanicException) as error:
            followed = _unreadable(error)

    try:
        flow = read_flow(frame, name_of=name_of, beside=follow)
        lineage = _without_batches(lineage_from_flow(asset, flow, columns, keys), inputs.values())
    except UnreadablePlanError as error:
        lineage = unknown_lineage(asset, columns, str(error))
        followed = _unreadable(error) if followed is NO_ROWS else followed
    except (Exception, pl.exceptions.PanicException) as error:
        lineage = unknown_lineage(asset, columns, _unreadable(error))
        followed = _unreadable(error) if followed is NO_ROWS else followed
    return PlanRead(lineage, followed)


def _unreadable(error: BaseException) -> str:
    return f"the plan cannot be read: {type(error).__name__}"


def namer(tables: Collection[TableVersion]) -> Callable[[list[str]], str | None]:
    """Return what tells whose files a scan reads, by the folder that they lie in."""
    folders = {
        folder: str(table.key)
        for table in tables
        for uri in (table.uri, table.delta.table_uri)
        for folder in _spellings(uri)
    }

    def name_of(paths: list[str]) -> str | None:
        if paths:
            return next((folders[f] for f in folders if paths[0].startswith(f)), None)
        empty = [table for table in tables if not table.delta.file_uris()]
        return str(empty[0].key) if len(empty) == 1 else None

    return name_of


def _spellings(uri: str) -> set[str]:
    """Return the beginnings that the path of a file in the folder ``uri`` may have."""
    folder = uri.removeprefix("file://").rstrip("/") + "/"
    return {folder, unquote(folder)}


def _without_batches(lineage: AssetLineage, tables: Iterable[TableVersion]) -> AssetLineage:
    """Leave out that readers of snapshot bronze get one batch, which is our filter, not theirs."""
    ours = {
        ColumnRef(table.key, BATCH_COLUMN)
        for table in tables
        if table.batch is not None and table.key is not None
    }
    if not ours:
        return lineage

    def without(origin: ColumnOrigin) -> ColumnOrigin:
        return replace(origin, influences=origin.influences - ours)

    columns = {name: without(origin) for name, origin in lineage.columns.items()}
    fields = {path: without(origin) for path, origin in lineage.fields.items()}
    return replace(lineage, columns=columns, fields=fields)
