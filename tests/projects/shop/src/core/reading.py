"""How text from the exports becomes numbers, days and codes."""

import polars as pl


def number(column: str) -> pl.Expr:
    """Read a number with a comma for decimals; what is none becomes null."""
    return pl.col(column).str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)


def day(column: str) -> pl.Expr:
    """Read a day written as 31.12.2025."""
    return pl.col(column).str.to_date("%d.%m.%Y", strict=False)


def code(column: str) -> pl.Expr:
    """Read a code: no blanks around it, upper case."""
    return pl.col(column).str.strip_chars().str.to_uppercase()
