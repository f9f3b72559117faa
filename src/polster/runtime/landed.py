"""Which columns the source of a bronze table sends."""

from __future__ import annotations

import polars as pl

from polster.contracts.judge import AUDIT_COLUMNS
from polster.lakehouse.table import TableVersion


def landed_columns(table: TableVersion) -> pl.Schema:
    """Return the columns of a bronze table without Polster's own.

    Of a snapshot these are the columns of the latest batch, which is all that readers get rows
    of: what the source does not send any more is gone for them.
    """
    return pl.Schema(
        {
            name: dtype
            for name, dtype in table.schema.items()
            if name not in AUDIT_COLUMNS and (table.sent is None or name in table.sent)
        }
    )
