"""A bronze batch without rows and columns: what clients make of an empty answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import AUDIT_COLUMNS
from polster.contracts.rules import contract_columns
from polster.errors import AssetError
from polster.lakehouse.table import TableVersion
from polster.model.asset import Asset

if TYPE_CHECKING:
    import dataframely as dy


def with_columns_known(
    frame: pl.LazyFrame,
    asset: Asset,
    contract: type[dy.Schema] | None,
    table: TableVersion | None,
) -> pl.LazyFrame:
    """Give a frame that has neither rows nor columns the columns that it would have with rows.

    Args:
        frame: What the function returned; any other frame comes back as it is.
        asset: A bronze asset.
        contract: Its contract, which names columns.
        table: What was landed so far, whose columns are known, too.

    Returns:
        The columns of the contract and the table, no rows; lazy.

    Raises:
        AssetError: Nobody knows any column.
    """
    if frame.collect_schema() or frame.select(pl.len()).collect().item():
        return frame
    known: dict[str, pl.DataType] = {}
    if contract is not None:
        known |= {name: column.dtype for name, column in contract_columns(contract).items()}
    if table is not None:
        known |= {n: dtype for n, dtype in table.schema.items() if n not in AUDIT_COLUMNS}
    if known:
        return pl.LazyFrame(schema=known)
    raise AssetError(
        "the function returns no rows and no columns, and nothing was landed yet that would tell "
        "them",
        code="POL320",
        place=asset.place,
        hint='name the columns, such as pl.DataFrame(rows, schema={"id": pl.Int64}), or run it '
        "again when its source has rows",
    )
