"""A bronze batch without rows and columns: what clients make of an empty answer."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.rules import contract_columns
from polster.lakehouse.dtypes import read_dtype
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AUDIT_COLUMNS, Asset, AssetKey
from polster.project.schema_file import read_schema_file

if TYPE_CHECKING:
    import dataframely as dy

NOTHING_YET = "its source has given no rows and no columns yet, so there is no table"


def with_columns_known(
    frame: pl.LazyFrame,
    asset: Asset,
    contract: type[dy.Schema] | None,
    table: TableVersion | None,
    root: Path,
) -> pl.LazyFrame | None:
    """Give a frame that has neither rows nor columns the columns that it would have with rows.

    Args:
        frame: What the function returned; any other frame comes back as it is.
        asset: A bronze asset.
        contract: Its contract, which names columns.
        table: What was landed so far, whose columns are known, too.
        root: The project's folder; where neither knows any, the columns committed there count.

    Returns:
        The columns that are known, no rows; lazy. None if nobody knows any.

    Raises:
        SettingsError: The committed columns are asked for and cannot be read.
    """
    if frame.collect_schema() or frame.select(pl.len()).collect().item():
        return frame
    known: dict[str, pl.DataType] = {}
    if contract is not None:
        known |= {name: column.dtype for name, column in contract_columns(contract).items()}
    if table is not None:
        known |= {n: dtype for n, dtype in table.schema.items() if n not in AUDIT_COLUMNS}
    known = known or _committed(asset.key, root)
    return pl.LazyFrame(schema=known) if known else None


def _committed(key: AssetKey, root: Path) -> dict[str, pl.DataType]:
    """Return the columns committed beside the code; none if another Polars wrote their types."""
    columns = read_schema_file(root).get(key, {})
    with suppress(ValueError):
        return {name: read_dtype(text) for name, text in columns.items()}
    return {}
