"""How far a column of a table has come, and which of its files can hold some of its values.

Both are told by what the commits say of each file: the statistics stand in the commit that lands
the rows, so that the mark is there with them or not at all. They are bounds, which may be cut: the
values themselves are read, from the few files that matter. A file of which nothing is said is one.
"""

from __future__ import annotations

from typing import Any

import polars as pl

from polster.lakehouse.table_version import TableVersion

CUT = pl.duration(milliseconds=1)
"""By so much other writers may say of a moment that it is less than it is."""


def high_water_mark(table: TableVersion, column: str) -> Any:
    """Return the greatest value of a column; None if it has none.

    A NaN and an infinite number are none. It costs one column of the files that may hold it.
    """
    files = _bounded(table, column)
    least = files["least"].max()
    if least is not None:
        files = files.filter(pl.col("greatest").is_null() | (pl.col("greatest") >= least))
    dtype = table.schema[column]
    value = pl.col(column)
    rows = table.only(files["path"].to_list()).scan().select(value)
    if dtype.is_float():
        rows = rows.filter(value.is_finite())
    return rows.select(value.max()).collect(engine="streaming").item()


def files_that_may_hold(table: TableVersion, column: str, values: pl.Series) -> TableVersion | None:
    """Return the table as if it had no other files than those that can hold one of ``values``.

    None if there is no such file.

    Args:
        table: The table.
        column: One of its columns.
        values: Values of it, perhaps in another type; a null stands for rows without a value.
    """
    files = _bounded(table, column)
    sought = values.drop_nulls().cast(table.stored_schema[column], strict=False).drop_nulls()
    if files["least"].dtype != pl.Null and sought.dtype != files["least"].dtype:
        sought = sought.cast(files["least"].dtype, strict=False).drop_nulls()
    sought = sought.unique().sort()
    bounded = files.filter(pl.col("least").is_not_null() & pl.col("greatest").is_not_null())
    first = sought.search_sorted(bounded["least"], side="left")
    behind = sought.search_sorted(bounded["greatest"], side="right")
    paths = set(bounded.filter(behind > first)["path"])
    paths |= set(files["path"]) - set(bounded["path"])
    if values.null_count():
        paths |= set(files.filter(pl.col("nulls").fill_null(1) > 0)["path"])
    return table.only(paths) if paths else None


def _bounded(table: TableVersion, column: str) -> pl.DataFrame:
    """Return ``path``, ``least``, ``greatest`` and ``nulls`` of each file, null where unsaid."""
    files = table.files
    said = {"least": f"min.{column}", "greatest": f"max.{column}", "nulls": f"null_count.{column}"}
    bounds = files.select(
        "path",
        *[
            pl.col(name).alias(alias) if name in files.columns else pl.lit(None).alias(alias)
            for alias, name in said.items()
        ],
    )
    if bounds["greatest"].dtype.is_temporal() and bounds["greatest"].dtype != pl.Date():
        return bounds.with_columns(pl.col("greatest") + CUT)
    return bounds
