"""Reading the rows of an open Delta table.

``pl.scan_delta`` asks the table for its files each time that Polars looks at a plan, in a thread
of its own, which is a good part of what a small asset takes. Where one local file holds the rows,
it is named at once, and read in the same way. Statistics in the log let readers skip files; of a
single one its own footer says as much.
"""

from __future__ import annotations

import polars as pl
from deltalake import DeltaTable

CASTS = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast=["upcast", "downcast"],
    datetime_cast=("nanosecond-downcast", "millisecond-upcast", "convert-timezone"),
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
    categorical_to_string="allow",
)
"""What ``scan_delta`` allows where a file has other types than its table."""


def scan_rows(
    delta: DeltaTable, part: tuple[str, str] | None = None, *, are_plain: bool
) -> pl.LazyFrame:
    """Return the rows of a table, lazy, in the types that they are stored in.

    Args:
        delta: The table, at the version to read.
        part: Column and value of the rows that are wanted; None for all.
        are_plain: Whether the files hold the rows as they are: nothing that the table asks of its
            readers says otherwise.
    """
    frame = _scan_file(delta, part) if are_plain else None
    if frame is None:
        frame = pl.scan_delta(delta)
    return frame if part is None else frame.filter(pl.col(part[0]) == part[1])


def _scan_file(delta: DeltaTable, part: tuple[str, str] | None) -> pl.LazyFrame | None:
    """Scan the one local file that holds the rows; None if it is not just that."""
    folders = delta.metadata().partition_columns
    if folders and (part is None or folders != [part[0]]):
        return None
    chosen = [(part[0], "=", part[1])] if part and folders else None
    paths = delta.file_uris(file_pruning_predicate=chosen)
    if len(paths) != 1 or "://" in paths[0]:
        return None
    schema = pl.Schema(delta.schema())
    return pl.scan_parquet(
        paths,
        glob=False,
        schema=schema,
        hive_schema={name: schema[name] for name in folders} if folders else None,
        hive_partitioning=bool(folders),
        cast_options=CASTS,
        missing_columns="insert",
        extra_columns="ignore",
    )
