"""Rows that refer to what is not there: the values of a reference, and the table it names.

Values are compared as they are stored, so that an enumeration meets the text that it is written
as. Only the columns of the reference are read, on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from polster.contracts.rules import ReferenceRule

VALUE = "__polster_value_"


def orphans(rule: ReferenceRule, rows: pl.LazyFrame, number: str) -> pl.Series:
    """Return the numbers of the rows that refer to nothing; a null in the key refers to none.

    Args:
        rule: What is referred to.
        rows: The columns as they are stored, and each row's number.
        number: The column that holds it.
    """
    target = rows if rule.target is None else rule.target
    referring = rows.select(number, *_values(rule.columns, rows, rule.target_columns, target))
    known = target.select(*_values(rule.target_columns, target, rule.columns, rows))
    names = [f"{VALUE}{place}" for place in range(len(rule.columns))]
    missing = referring.drop_nulls(names).join(known, on=names, how="anti")
    return missing.select(number).collect(engine="streaming").to_series()


def _values(
    columns: Sequence[str], frame: pl.LazyFrame, others: Sequence[str], other: pl.LazyFrame
) -> list[pl.Expr]:
    """Select ``columns`` under common names; integers in one width, where the widths differ."""
    own, theirs = frame.collect_schema(), other.collect_schema()
    return [
        (pl.col(name) if own[name] == theirs[meant] else pl.col(name).cast(pl.Int64())).alias(
            f"{VALUE}{place}"
        )
        for place, (name, meant) in enumerate(zip(columns, others, strict=True))
    ]
