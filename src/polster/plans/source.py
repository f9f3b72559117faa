"""Leaves of a plan that have a name, columns and no rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import polars as pl
from polars.io.plugins import register_io_source


def named_source(
    name: str,
    schema: pl.Schema,
    asked: set[str] | None = None,
) -> pl.LazyFrame:
    """Return a lazy frame of no rows that is known in the plan by its ``name``.

    Args:
        name: What the leaf stands for, such as an asset's key.
        schema: Its columns.
        asked: Filled with the columns that the optimizer asks for when the plan is computed.
    """
    columns = [_no_values(dtype).alias(column) for column, dtype in schema.items()]
    source = NamedSource(name, pl.DataFrame(columns), asked)
    return register_io_source(source, schema=schema, validate_schema=False, is_pure=True)


class NamedSource:
    """What Polars calls for the rows of the leaf; it has none."""

    def __init__(self, name: str, empty: pl.DataFrame, asked: set[str] | None) -> None:
        self.name = name
        self.empty = empty
        self.asked = asked

    def __call__(
        self,
        with_columns: list[str] | None,
        *_: object,
    ) -> Iterator[pl.DataFrame]:
        """Yield one frame of no rows with the columns asked for."""
        columns = self.empty.columns if with_columns is None else with_columns
        if self.asked is not None:
            self.asked.update(columns)
        yield self.empty if with_columns is None else self.empty[columns]


@cache
def _no_values(dtype: pl.DataType) -> pl.Series:
    """Return an empty series; to make one anew takes several times as long as to rename it."""
    return pl.Series(dtype=dtype)
