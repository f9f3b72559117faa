"""Rules that need the whole table: keys, and rules that look at other rows.

They are judged over the table that will be: the staged good rows, and those that stay beside
them, which came first and are never rejected. The common case, nothing broken, is proved cheaply;
rows are split only when that fails. A key rejects as few rows as it can: the first row of a
group of equal keys stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from polster.contracts.reference_rules import orphans
from polster.contracts.rules import RULES_COLUMN, ReferenceRule, Rule, UniqueRule

ROUNDS = 100
"""How often keys and rules are asked again after a rejection before they count as unsettled."""
ROW = "__polster_row__"
LOST = "__polster_lost__"
"""Before a column's name: whether a row that stays has a value that its type now cannot hold."""
FEW_ROWS = 50_000
"""Below this many, starting the streaming engine costs more than it saves."""

BUCKET_ROWS = 10_000_000
"""Keys looked at in one go; more are split by hash, which bounds the memory."""


@dataclass(slots=True)
class TableVerdict:
    """Which staged rows break a rule that needs the whole table.

    Attributes:
        broken: Rows by rule.
        rejected: Row number and ``_rules: List(String)`` of every row to reject, unordered;
            None if there are none.
        met: Rows that are rejected since a key of theirs is among the rows that stay.
        unmet: Of a table without rows, the rules about the table as a whole that do not hold.
    """

    broken: Counter[str] = field(default_factory=Counter)
    rejected: pl.DataFrame | None = None
    unmet: tuple[str, ...] = ()
    met: int = 0


class UnsettledRulesError(Exception):
    """Each rejection made other rows break a rule, again and again."""


def judge_table(
    frame: pl.LazyFrame,
    rows: int,
    unique: Iterable[UniqueRule],
    tables: Iterable[Rule],
    *,
    rejects: Iterable[str],
    references: Iterable[ReferenceRule] = (),
    stored: pl.LazyFrame | None = None,
    kept: pl.LazyFrame | None = None,
) -> TableVerdict:
    """Judge ``frame``, whose row order is stable, by the rules that need the whole table.

    Args:
        frame: The staged good rows; read several times, few columns each.
        rows: How many there are.
        unique: Keys.
        tables: Other rules.
        rejects: Names of the rules whose breakers are rejected; the others are only counted.
        references: What values must stand in; judged first, so that of two rows with one key an
            orphan is not the one that stays.
        stored: The same rows as they are stored; None if that is no different.
        kept: What else the table will hold: the contract's columns in its types, null where there
            is no such value, and which are :data:`LOST`; None if that is nothing.

    Rules are asked again after each rejection, until the rows that stay satisfy all of them:
    rejecting a row can make another rule true or false.

    Raises:
        UnsettledRulesError: They never do, within reason.
    """
    rejecting = set(rejects)
    keys, others, references = list(unique), list(tables), list(references)
    verdict = TableVerdict()
    if not rows:
        if kept is None:
            unmet = [rule.name for rule in others if not _holds_of_nothing(rule, frame)]
            verdict.unmet = tuple(unmet)
        return verdict
    numbered = frame.with_row_index(ROW)
    plain = numbered if stored is None else stored.with_row_index(ROW)
    found: list[pl.DataFrame] = []
    refusing = [rule for rule in references if rule.name in rejecting]
    for _ in range(ROUNDS):
        while True:  # each round takes rows away, so that it ends
            step = _orphans(_without(plain, found), refusing, verdict)
            refusing = [rule for rule in refusing if rule.target is None]  # others do not change
            if step is None:
                break
            found.append(step)
        left = _without(numbered, found)
        count = rows - sum(step.height for step in found)
        step = _broken_key(
            left, count, [rule for rule in keys if rule.name in rejecting], verdict, kept
        )
        if step is None:
            table = _beside(left, kept)
            step = _broken_rules(
                table, [rule for rule in others if rule.name in rejecting], verdict
            )
        if step is None:
            break
        found.append(step)
    else:
        raise UnsettledRulesError
    for rule in keys:
        if rule.name not in rejecting:
            known = _known(left, rule.columns, kept)
            verdict.broken[rule.name] += len(_repeats(left, rule.columns, count, known))
    table = _beside(left, kept)
    _broken_rules(table, [rule for rule in others if rule.name not in rejecting], verdict)
    warned = [rule for rule in references if rule.name not in rejecting]
    _orphans(_without(plain, found), warned, verdict)
    verdict.rejected = pl.concat(found) if found else None
    return verdict


def _holds_of_nothing(rule: Rule, frame: pl.LazyFrame) -> bool:
    """Tell whether ``rule`` holds of ``frame``, which has no rows.

    A rule that says something of each row does; one that says a single thing of the table, such as
    ``pl.len() >= 5``, is asked.
    """
    said = frame.select(rule.columns).select(rule.holds) if rule.by_pattern else None
    answer = (frame.select(rule.holds) if said is None else said).collect()
    return answer.height != 1 or answer.fill_null(True).row(0).count(False) == 0


def keys_are_unique(frame: pl.LazyFrame, columns: tuple[str, ...], rows: int) -> bool:
    """Tell whether the values of ``columns`` are different in every row.

    A single column in strictly rising order is proved without a hash table.
    """
    if rows < 2:
        return True
    if len(columns) == 1 and rows > BUCKET_ROWS // 10 and _has_order(frame, columns[0]):
        column = pl.col(columns[0])
        rising = frame.select((column > column.shift()).sum() == rows - 1)
        if rising.collect(engine="streaming").item():
            return True
    key = pl.struct(columns) if len(columns) > 1 else pl.col(columns[0])
    parts = buckets(rows)
    engine: Literal["in-memory", "streaming"] = "in-memory" if rows < FEW_ROWS else "streaming"
    distinct = 0
    for bucket in range(parts):
        part = frame.select(columns)
        if parts > 1:
            part = part.filter(key.hash() % parts == bucket)
        distinct += part.select(key.n_unique()).collect(engine=engine).item()
    return distinct == rows


def _broken_key(
    frame: pl.LazyFrame,
    rows: int,
    unique: Iterable[UniqueRule],
    verdict: TableVerdict,
    kept: pl.LazyFrame | None,
) -> pl.DataFrame | None:
    """Return the rows to reject for the first key that is broken; None if none is."""
    for rule in unique:
        known = _known(frame, rule.columns, kept)
        repeats = _repeats(frame, rule.columns, rows, known)
        if len(repeats):
            verdict.met += len(known)
            verdict.broken[rule.name] += len(repeats)
            return _marked(repeats, rule.name)
    return None


def _orphans(
    frame: pl.LazyFrame, references: Iterable[ReferenceRule], verdict: TableVerdict
) -> pl.DataFrame | None:
    """Return the rows that refer to what is not there, and why; None if none does."""
    found = [_marked(orphans(rule, frame, ROW), rule.name) for rule in references]
    for rule, broken in zip(references, found, strict=True):
        if broken.height:
            verdict.broken[rule.name] += broken.height
    if not any(broken.height for broken in found):
        return None
    return pl.concat(found).group_by(ROW).agg(pl.col(RULES_COLUMN).list.explode())


def _repeats(
    frame: pl.LazyFrame, columns: tuple[str, ...], rows: int, known: pl.Series
) -> pl.Series:
    """Return the numbers of the rows that repeat a key seen before, ``known`` among them."""
    if keys_are_unique(frame, columns, rows):
        return known
    key = pl.struct(columns) if len(columns) > 1 else pl.col(columns[0])
    parts = buckets(rows)
    found = [known]
    for bucket in range(parts):
        part = frame.select(ROW, *columns)
        if parts > 1:
            part = part.filter(key.hash() % parts == bucket)
        found.append(
            part.sort(ROW).filter(~key.is_first_distinct()).select(ROW).collect().to_series()
        )
    return pl.concat(found).unique()


def _known(frame: pl.LazyFrame, columns: tuple[str, ...], kept: pl.LazyFrame | None) -> pl.Series:
    """Return the numbers of the rows whose key stays in the table; only these are held."""
    if kept is None:
        return pl.Series(ROW, [], pl.get_index_type())
    there = kept.collect_schema()
    lost = [f"{LOST}{name}" for name in columns if f"{LOST}{name}" in there]
    sound = kept.filter(~pl.any_horizontal(lost)) if lost else kept
    keys = frame.select(columns)
    met = sound.select(columns).join(keys, on=columns, how="semi", nulls_equal=True).unique()
    found = met.collect(engine="streaming").lazy()
    repeats = frame.select(ROW, *columns).join(found, on=columns, how="semi", nulls_equal=True)
    return repeats.select(ROW).collect(engine="streaming").to_series()


def _beside(frame: pl.LazyFrame, kept: pl.LazyFrame | None) -> pl.LazyFrame:
    """Return the table that will be: the rows that stay, which have no number, come first."""
    if kept is None:
        return frame
    columns = [name for name in kept.collect_schema() if not name.startswith(LOST)]
    number = pl.lit(None, pl.get_index_type()).alias(ROW)
    return pl.concat([kept.select(number, *columns), frame.select(ROW, *columns)])


def _broken_rules(
    frame: pl.LazyFrame, rules: Iterable[Rule], verdict: TableVerdict
) -> pl.DataFrame | None:
    """Return the rows that break any of ``rules``, and why; None if none does."""
    checks: dict[str, pl.Expr] = {}
    patterns: dict[str, pl.Expr] = {}
    columns: tuple[str, ...] = ()
    for rule in rules:
        breaks = ~rule.holds.fill_null(True)
        if rule.by_pattern:
            patterns[rule.name], columns = breaks, rule.columns
        else:
            checks[rule.name] = breaks
    if not checks and not patterns:
        return None
    parts = [frame.select(ROW, **checks)]
    if patterns:  # these would take the row number for a column of the contract
        parts.append(frame.select(columns).with_columns(**patterns).select(list(patterns)))
        checks |= patterns
    answers = pl.concat(parts, how="horizontal")
    broken = answers.filter(pl.any_horizontal(*checks), pl.col(ROW).is_not_null()).collect()
    if not broken.height:
        return None
    verdict.broken.update({name: int(broken[name].sum()) for name in checks})
    names = [pl.when(pl.col(name)).then(pl.lit(name)) for name in checks]
    return broken.select(ROW, pl.concat_list(names).list.drop_nulls().alias(RULES_COLUMN))


def _has_order(frame: pl.LazyFrame, column: str) -> bool:
    return not frame.collect_schema()[column].is_nested()


def _marked(rows: pl.Series, rule: str) -> pl.DataFrame:
    return pl.DataFrame({ROW: rows}).with_columns(pl.concat_list(pl.lit(rule)).alias(RULES_COLUMN))


def _without(frame: pl.LazyFrame, found: list[pl.DataFrame]) -> pl.LazyFrame:
    if not found:
        return frame
    gone = pl.concat(found).select(ROW)
    return frame.join(gone.lazy(), on=ROW, how="anti", maintain_order="left")


def buckets(rows: int) -> int:
    """Return in how many parts keys of so many rows are looked at."""
    return max(1, -(-rows // BUCKET_ROWS))
