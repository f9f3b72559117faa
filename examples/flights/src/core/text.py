"""How silver reads the text that bronze keeps.

The casts are strict: text that is neither a value nor ``NA`` stops the asset and is named in the
error, and the table keeps its last good version. It never turns into a null that nobody sees.
"""

import polars as pl

MISSING = "NA"


def known(column: str) -> pl.Expr:
    """Read text; ``NA`` is null."""
    text = pl.col(column)
    return pl.when(text != MISSING).then(text).alias(column)


def whole(column: str) -> pl.Expr:
    """Read a whole number as Int16; ``NA`` is null."""
    return known(column).cast(pl.Int16)


def decimal(column: str) -> pl.Expr:
    """Read a number as Float64; ``NA`` is null."""
    return known(column).cast(pl.Float64)


def utc(column: str) -> pl.Expr:
    """Read a time such as ``2013-01-01T10:00:00Z`` as a UTC datetime."""
    return pl.col(column).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", time_zone="UTC")
