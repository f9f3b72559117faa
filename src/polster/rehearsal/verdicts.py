"""Which rows break which rule, worked out apart from the judge that a run uses.

A rehearsal compares the two: what is said here of rows in memory must be what the runtime does
with them on their way to a table.
"""

from __future__ import annotations

import polars as pl

from polster.contracts.judge import DTYPE_RULE, Terms
from polster.contracts.rules import Rule
from polster.contracts.table_rules import ROW

ROUNDS = 20


def broken_rules(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    """Return one Boolean column a rule of ``terms``, True where a row of ``frame`` breaks it.

    Row rules count first, keys among the rows that keep these, the first of equal keys being the
    good one, and rules that look at several rows last, until the rows that stay keep them all.
    """
    broken = broken_row_rules(terms, frame)
    typed = _typed(terms, frame).select(terms.columns)
    out = _any(broken.select([name for name in broken.columns if terms.rejects(name)]))
    columns: dict[str, pl.Series] = {column.name: column for column in broken}
    for key in terms.rules.unique:
        left = typed.with_row_index(ROW).filter(~out)
        repeats = left.filter(~pl.struct(key.columns).is_first_distinct())[ROW]
        columns[key.name] = _marked(repeats, frame.height, key.name)
        if terms.rejects(key.name):
            out = out | columns[key.name]
    for _ in range(ROUNDS if terms.rules.tables else 0):
        before = int(out.sum())
        left = typed.with_row_index(ROW).filter(~out)
        for rule in terms.rules.tables:
            fails = _fails(left.drop(ROW), rule)
            found = _marked(left[ROW].filter(fails), frame.height, rule.name)
            columns[rule.name] = found | columns.get(rule.name, found)
        for rule in terms.rules.tables:
            if terms.rejects(rule.name):
                out = out | columns[rule.name]
        if int(out.sum()) == before:
            break
    return pl.DataFrame(list(columns.values()))


def broken_row_rules(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    """Do the same for the rules that one row decides, casts included."""
    work = _typed(terms, frame)
    columns = {
        cast.column: work.select(cast.failed().alias(cast.column + DTYPE_RULE)).to_series()
        for cast in terms.casts
    }
    judged = work.select(terms.columns)
    found = list(columns.values())
    for rule in terms.rules.rows:
        fails = _fails(judged, rule)
        for column in rule.columns:  # it saw a null in place of a value that cannot be cast
            if column in columns:
                fails = fails & ~columns[column]
        found.append(fails.alias(rule.name))
    return pl.DataFrame(found)


def keeps_every_rule(terms: Terms, frame: pl.DataFrame) -> pl.Series:
    """Tell of each row whether it breaks no rule at all, whatever becomes of it then."""
    return ~_any(broken_rules(terms, frame), frame.height)


def breaks_together(terms: Terms, frame: pl.DataFrame, rule: Rule) -> bool:
    """Tell whether any row of ``frame``, all of which keep the row rules, breaks ``rule``."""
    return bool(_fails(_typed(terms, frame).select(terms.columns), rule).any())


def _any(broken: pl.DataFrame, height: int | None = None) -> pl.Series:
    rows = broken.height if height is None else height
    none = pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
    for column in broken:
        none = none | column
    return none


def _typed(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    kept = [pl.col(cast.column).alias(cast.original) for cast in terms.casts]
    return frame.with_columns(kept).with_columns([cast.value() for cast in terms.casts])


def _fails(frame: pl.DataFrame, rule: Rule) -> pl.Series:
    fails = frame.with_columns((~rule.holds.fill_null(True)).alias(rule.name))[rule.name]
    return fails.cast(pl.Boolean)


def _marked(rows: pl.Series, height: int, name: str) -> pl.Series:
    chosen = set(rows)
    return pl.Series(name, [row in chosen for row in range(height)], dtype=pl.Boolean)
