"""Which columns of its inputs a column needs, as Polars' optimizer sees it.

Projection pushdown asks each leaf for exactly the columns that matter. It sees into every
expression of Polars, but does not tell values from influences, and a Python function that takes
a whole frame asks for all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl


def projected(
    frame: pl.LazyFrame, columns: Iterable[str], asked: Mapping[str, set[str]]
) -> dict[str, frozenset[tuple[str, ...]]]:
    """Return the input columns that each of ``columns`` needs.

    Args:
        frame: Over named sources of no rows; computed once a column.
        columns: Columns of ``frame``.
        asked: For each input, the set that its named source fills.

    Returns:
        Pairs of input and column; a column that cannot be computed alone is left out.
    """
    found: dict[str, frozenset[tuple[str, ...]]] = {}
    for column in columns:
        for each in asked.values():
            each.clear()
        try:
            frame.select(pl.col(column)).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            continue
        found[column] = frozenset((name, each) for name, names in asked.items() for each in names)
    return found
