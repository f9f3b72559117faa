"""Leaves of a plan that have a name, columns and no rows."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from polars.io.plugins import register_io_source


def named_source(
    name: str,
    schema: pl.Schema,
    asked: set[str] | None = None,
    empty: pl.DataFrame | None = None,
) -> pl.LazyFrame:
    """Return a lazy frame of no rows that is known in the plan by its ``name``.

    Args:
        name: What the leaf stands for, such as an asset's key.
        schema: Its columns.
        asked: Filled with the columns that the optimizer asks for when the plan is computed.
        empty: A frame of ``schema`` without rows, if there is one already.
    """
    source = NamedSource(name, pl.DataFrame(schema=schema) if empty is None else empty, asked)
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
