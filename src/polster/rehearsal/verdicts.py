"""Which rows break which rule, worked out apart from the judge that a run uses.

A rehearsal compares the two: what is said here of rows in memory must be what the runtime does
with them on their way to a table.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from polster.contracts.judge import Terms
from polster.contracts.rules import DTYPE_RULE, ReferenceRule, Rule
from polster.contracts.table_rules import ROW
from polster.lakehouse.types import storage_cast, storage_schema

ROUNDS = 20
BROKEN = "__polster_broken_"


def broken_rules(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    """Return one Boolean column a rule of ``terms``, True where a row of ``frame`` breaks it.

    Row rules count first, then references and keys among the rows that keep these, the first of
    equal keys being the good one, and rules that look at several rows last, until the rows that
    stay keep them all.
    """
    broken = broken_row_rules(terms, frame)
    typed = _typed(terms, frame).select(terms.columns)
    rejecting = [name for name in broken.columns if terms.rejects(name)]
    out = _any(broken.select(rejecting), frame.height)
    columns: dict[str, pl.Series] = {column.name: column for column in broken}
    references = terms.rules.references
    refusing = [rule for rule in references if terms.rejects(rule.name)]
    lost = [orphans(rule, typed) & ~out for rule in refusing if rule.target is not None]
    columns |= {each.name: each for each in lost}
    out = out | _any(pl.DataFrame(lost), frame.height)
    own = [rule for rule in refusing if rule.target is None]
    out = _without_own_orphans(typed, own, out, columns)
    for key in terms.rules.unique:
        left = typed.with_row_index(ROW).filter(~out)
        repeats = left.filter(~pl.struct(key.columns).is_first_distinct())[ROW]
        columns[key.name] = _marked(repeats, frame.height, key.name)
        if terms.rejects(key.name):
            out = out | columns[key.name]
    for _ in range(ROUNDS if terms.rules.tables or own else 0):
        before = int(out.sum())
        left = typed.with_row_index(ROW).filter(~out)
        for fails in _fails(left.drop(ROW), terms.rules.tables):
            found = _marked(left[ROW].filter(fails), frame.height, fails.name)
            columns[fails.name] = found | columns.get(fails.name, found)
        for rule in terms.rules.tables:
            if terms.rejects(rule.name):
                out = out | columns[rule.name]
        out = _without_own_orphans(typed, own, out, columns)
        if int(out.sum()) == before:
            break
    for reference in references:
        if not terms.rejects(reference.name):
            columns[reference.name] = orphans(reference, typed, out) & ~out
    return pl.DataFrame(list(columns.values()))


def _without_own_orphans(
    typed: pl.DataFrame,
    rules: Sequence[ReferenceRule],
    out: pl.Series,
    columns: dict[str, pl.Series],
) -> pl.Series:
    """Add to ``out`` the rows that refer to none that stays, until no row does; note them."""
    while True:
        found = [orphans(rule, typed, out) & ~out for rule in rules]
        for each in found:
            columns[each.name] = each | columns.get(each.name, each)
        if not any(each.any() for each in found):
            return out
        out = out | _any(pl.DataFrame(found), typed.height)


def orphans(rule: ReferenceRule, typed: pl.DataFrame, out: pl.Series | None = None) -> pl.Series:
    """Tell of each row whether its values, none of them null, are not where ``rule`` wants them.

    Args:
        rule: To which table; its own rows but for ``out``, if it names none.
        typed: Rows in the types of the contract.
        out: The rows that do not stay.
    """
    stored = storage_cast(typed, storage_schema(typed.schema, place=""))
    target = stored if out is None else stored.filter(~out)
    if rule.target is not None:
        target = rule.target.select(rule.target_columns).collect()
    known = set(target.select(rule.target_columns).iter_rows())
    return pl.Series(
        rule.name,
        [None not in row and row not in known for row in stored.select(rule.columns).iter_rows()],
        dtype=pl.Boolean,
    )


def broken_alone(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    """Do the same for the rules that one row decides, and for references to other tables."""
    typed = _typed(terms, frame).select(terms.columns)
    found = [orphans(rule, typed) for rule in terms.rules.references if rule.target is not None]
    return pl.DataFrame([*broken_row_rules(terms, frame), *found])


def broken_row_rules(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    """Do the same for the rules that one row decides, casts included."""
    work = _typed(terms, frame)
    lost = work.select(**{cast.column: cast.failed() for cast in terms.casts})
    found = [lost[name].alias(name + DTYPE_RULE) for name in lost.columns]
    for rule, fails in zip(
        terms.rules.rows, _fails(work.select(terms.columns), terms.rules.rows), strict=True
    ):
        known = fails
        for column in rule.columns:  # it saw a null in place of a value that cannot be cast
            if column in lost.columns:
                known = known & ~lost[column]
        found.append(known.alias(rule.name))
    return pl.DataFrame(found)


def keeps_every_rule(terms: Terms, frame: pl.DataFrame) -> pl.Series:
    """Tell of each row whether it breaks no rule at all, whatever becomes of it then."""
    return ~_any(broken_rules(terms, frame), frame.height)


def breaks_together(terms: Terms, frame: pl.DataFrame, rule: Rule) -> bool:
    """Tell whether any row of ``frame``, all of which keep the row rules, breaks ``rule``."""
    return bool(_fails(_typed(terms, frame).select(terms.columns), [rule])[0].any())


def _any(broken: pl.DataFrame, height: int | None = None) -> pl.Series:
    rows = broken.height if height is None else height
    none = pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
    for column in broken:
        none = none | column
    return none


def _typed(terms: Terms, frame: pl.DataFrame) -> pl.DataFrame:
    kept = [pl.col(cast.column).alias(cast.original) for cast in terms.casts]
    return frame.with_columns(kept).with_columns([cast.value() for cast in terms.casts])


def _fails(frame: pl.DataFrame, rules: Sequence[Rule]) -> list[pl.Series]:
    """Return for each of ``rules`` which rows break it, all of them asked at once."""
    names = [f"{BROKEN}{number}" for number in range(len(rules))]
    checks = {
        name: (~rule.holds.fill_null(True)).cast(pl.Boolean)
        for name, rule in zip(names, rules, strict=True)
    }
    broken = frame.with_columns(**checks)
    return [broken[name].alias(rule.name) for name, rule in zip(names, rules, strict=True)]


def _marked(rows: pl.Series, height: int, name: str) -> pl.Series:
    chosen = set(rows)
    return pl.Series(name, [row in chosen for row in range(height)], dtype=pl.Boolean)
