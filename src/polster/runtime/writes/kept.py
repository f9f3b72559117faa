"""The rows that stay in a table beside those that a build adds, as the rules of today see them."""

from __future__ import annotations

import polars as pl

from polster.contracts.casts import Cast, CastKind, cast_kind
from polster.contracts.judge import Terms
from polster.contracts.table_rules import LOST
from polster.lakehouse.table_version import TableVersion


def kept_rows(table: TableVersion, terms: Terms) -> pl.LazyFrame | None:
    """Return what ``table`` holds in the types of the contract; None if that is nothing.

    Earlier rows were judged by the contract of their day: a value that the type of today cannot
    hold is null, and stands beside no value of a row that is judged now.
    """
    if not table.rows:
        return None
    rows = table.scan()
    types = rows.collect_schema()
    casts = [
        Cast(name, types[name], dtype, cast_kind(types[name], dtype))
        for name, dtype in terms.schema.items()
        if name in types and types[name] != dtype
    ]
    possible = [cast for cast in casts if cast.kind is not CastKind.IMPOSSIBLE]
    unknown = [cast for cast in casts if cast.kind is CastKind.IMPOSSIBLE]
    absent = [name for name in terms.columns if name not in types]
    judged = (
        rows.with_columns(pl.col(cast.column).alias(cast.original) for cast in possible)
        .with_columns(
            *[cast.value() for cast in possible],
            *[pl.lit(None, terms.schema[name]).alias(name) for name in absent],
            *[pl.lit(None, cast.target).alias(cast.column) for cast in unknown],
        )
        .with_columns(
            *[cast.failed().alias(f"{LOST}{cast.column}") for cast in possible],
            *[pl.lit(value=True).alias(f"{LOST}{cast.column}") for cast in unknown],
        )
    )
    lost = [f"{LOST}{cast.column}" for cast in casts if cast.column in terms.columns]
    return judged.select(*terms.columns, *lost)
