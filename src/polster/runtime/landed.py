"""Which columns of a bronze table are not Polster's own."""

from __future__ import annotations

import polars as pl

from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AUDIT_COLUMNS


def landed_columns(table: TableVersion) -> pl.Schema:
    """Return the columns of a bronze table without Polster's own, as readers get them.

    What the source does not send any more is among them: readers get nulls.
    """
    return pl.Schema({n: dtype for n, dtype in table.schema.items() if n not in AUDIT_COLUMNS})
