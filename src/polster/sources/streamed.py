"""Rows that come a piece at a time, as a lazy frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import polars as pl
from polars.io.plugins import register_io_source


def streamed(pieces: Callable[[], Iterable[pl.DataFrame]], schema: pl.Schema) -> pl.LazyFrame:
    """Return the rows of all pieces, one after the other; they are asked for when they are read.

    Args:
        pieces: Begins anew at each call.
        schema: Of every piece.
    """

    def read(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        del batch_size
        left = n_rows
        for rows in pieces():
            if predicate is not None:
                rows = rows.filter(predicate)
            if left is not None:
                rows = rows.head(left)
                left -= rows.height
            yield rows if with_columns is None else rows.select(with_columns)
            if left == 0:
                return

    return register_io_source(read, schema=schema)
