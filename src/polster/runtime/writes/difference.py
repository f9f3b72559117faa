"""Where a table as a part of it would leave it differs from a whole build, but for rounding."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any

import polars as pl

from polster.lakehouse.row_changes import differing
from polster.model.secrets import HIDDEN, without_secrets

SHOWN = 3
"""Rows that are named."""
COLUMNS_SHOWN = 5
LONGEST = 40
MISSING = "was missing"
SPARE = "should not be there"
NEAR = 1e-9
NEAR_SHORT = 1e-6
"""How far floats may lie apart, of the larger: that much comes of adding up in another order."""
NEARLY_NOTHING = 1e-3
"""Of the greatest value of a column; what is less may be what was left of greater ones."""
DIGITS = 6
EXACT = "__polster_exact__"
NUMBER = "__polster_number__"
FLOAT = "__polster_float_{}__"
OTHER = "__polster_other__"

Row = Mapping[str, Any]
Hidden = Collection[str] | None
"""Columns whose values nobody is to be told; None if those of every column."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How rows differ from those of a whole build.

    Attributes:
        missing: How many of that are not there.
        spare: How many are there that are not in it.
        named: Some of them, in words.
    """

    missing: int
    spare: int
    named: str


def find_difference(
    ours: pl.LazyFrame,
    theirs: pl.LazyFrame,
    key: Sequence[str],
    *,
    hidden: Callable[[], Hidden],
) -> Difference | None:
    """Return how rows differ from those of a whole build; None if by nothing but rounding.

    Compared are multisets. Floats, in structs too, count as equal where adding up in another order
    may have made the one of the other.

    Args:
        ours: Rows.
        theirs: Those of the whole build, of the same columns.
        key: Columns whose values occur once; empty if there are none.
        hidden: Asked only where rows differ.
    """
    changes = differing(ours, theirs)
    if not changes.rows_added and not changes.rows_removed:
        return None
    values = list(_values(ours.collect_schema()))
    floats = [(value, dtype) for value, dtype in values if dtype.is_float()]
    exact = pl.struct(pl.lit(0), *(value for value, dtype in values if not dtype.is_float()))
    apart = _Apart.of(floats, theirs)
    wide = [
        rows.with_columns(exact.hash().alias(EXACT), *apart.columns)
        for rows in (changes.added, changes.removed)
    ]
    by = [*key] or [EXACT]
    few = dict.fromkeys([*by, EXACT, *apart.names])
    missing, spare = apart.unlike(*(rows.select(*few).collect(engine="streaming") for rows in wide))
    if missing.is_empty() and spare.is_empty():
        return None
    picked = pl.concat([missing.select(by), spare.select(by)]).unique().sort(by).head(SHOWN)
    near = (rows.join(picked.lazy(), on=by, how="semi", nulls_equal=True) for rows in wide)
    should, is_there = (
        rows.select(ours.collect_schema().names()).to_dicts()
        for rows in apart.unlike(*(rows.collect() for rows in near))
    )
    named = _by_key(should, is_there, key, hidden()) if key else _alone(should, is_there, hidden())
    return Difference(missing.height, spare.height, "; ".join(named))


@dataclass(frozen=True, slots=True)
class _Apart:
    """Tells rows apart whose floats are not the same but for rounding.

    Attributes:
        columns: The floats.
        near: How far two of them may lie apart, of the larger.
        least: What counts as the larger at least.
    """

    columns: list[pl.Expr]
    near: list[float]
    least: list[float]

    @classmethod
    def of(cls, floats: Sequence[tuple[pl.Expr, pl.DataType]], rows: pl.LazyFrame) -> _Apart:
        """Return what compares ``floats``; ``rows`` say how great they are."""
        columns = [value.alias(FLOAT.format(at)) for at, (value, _) in enumerate(floats)]
        finite = [each.filter(each.is_finite()).abs().max() for each in columns]
        greatest = rows.select(finite).collect(engine="streaming").row(0) if finite else ()
        near = [NEAR_SHORT if dtype == pl.Float32 else NEAR for _, dtype in floats]
        return cls(columns, near, [NEARLY_NOTHING * (most or 0) for most in greatest])

    @property
    def names(self) -> list[str]:
        return [FLOAT.format(at) for at in range(len(self.columns))]

    def unlike(self, some: pl.DataFrame, others: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Return of each the rows that have no partner in the other."""
        if not self.columns:
            return some, others
        some, others = self._numbered(some), self._numbered(others)
        on = [EXACT, NUMBER]
        pairs = some.join(others.select(*on, *self.names), on=on, suffix=OTHER)
        alike = pairs.filter(pl.all_horizontal(self._are_near())).select(on)
        return some.join(alike, on=on, how="anti"), others.join(alike, on=on, how="anti")

    def _numbered(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Number the rows that are exactly alike but for floats, in the order of these."""
        roughly = [pl.col(name).round_sig_figs(DIGITS) for name in self.names]
        ordered = rows.sort(*roughly, *self.names)
        return ordered.with_columns(pl.int_range(pl.len()).over(EXACT).alias(NUMBER))

    def _are_near(self) -> Iterator[pl.Expr]:
        for name, near, least in zip(self.names, self.near, self.least, strict=True):
            one, other = pl.col(name), pl.col(name + OTHER)
            larger = pl.max_horizontal(one.abs(), other.abs(), pl.lit(least))
            is_near = (one - other).abs() <= near * larger
            are_finite = one.is_finite() & other.is_finite()
            yield one.eq_missing(other) | (is_near & are_finite).fill_null(value=False)


def _values(schema: Mapping[str, pl.DataType]) -> Iterator[tuple[pl.Expr, pl.DataType]]:
    """Yield what a row holds, and of structs what these hold."""
    waiting: list[tuple[pl.Expr, Any]] = [(pl.col(name), each) for name, each in schema.items()]
    while waiting:
        value, dtype = waiting.pop(0)
        if isinstance(dtype, pl.Struct):
            yield value.is_null(), pl.Boolean()
            fields = ((value.struct.field(each.name), each.dtype) for each in dtype.fields)
            waiting += fields
        else:
            yield value, dtype


def _by_key(
    should: Sequence[Row], is_there: Sequence[Row], key: Sequence[str], hidden: Hidden
) -> Iterator[str]:
    ours = {_key(row, key): row for row in is_there}
    theirs = {_key(row, key): row for row in should}
    for each in sorted({**theirs, **ours}, key=repr):
        one, other = ours.get(each), theirs.get(each)
        where = " and ".join(
            f"`{name}` is {_text(name, value, hidden)}"
            for name, value in zip(key, each, strict=True)
        )
        if one is None or other is None:
            yield f"where {where}, the row {MISSING if one is None else SPARE}"
            continue
        other_values = [
            f"`{name}` was another"
            if _is_hidden(name, hidden)
            else f"`{name}` was {_text(name, one[name], hidden)}, not "
            f"{_text(name, other[name], hidden)}"
            for name in one
            if repr(one[name]) != repr(other[name])
        ]
        yield f"where {where}, {_some(other_values)}"


def _alone(should: Sequence[Row], is_there: Sequence[Row], hidden: Hidden) -> Iterator[str]:
    both = zip_longest(((MISSING, row) for row in should), ((SPARE, row) for row in is_there))
    for what, row in islice((each for pair in both for each in pair if each), SHOWN):
        values = [f"`{name}` {_text(name, value, hidden)}" for name, value in row.items()]
        yield f"the row with {_some(values)} {what}"


def _some(texts: Sequence[str]) -> str:
    more = len(texts) - COLUMNS_SHOWN
    return ", ".join([*texts[:COLUMNS_SHOWN], *([f"and {more} more"] if more > 0 else [])])


def _key(row: Row, key: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in key)


def _is_hidden(name: str, hidden: Hidden) -> bool:
    return hidden is None or name in hidden


def _text(name: str, value: object, hidden: Hidden) -> str:
    if _is_hidden(name, hidden):
        return HIDDEN
    said = without_secrets(repr(value) if isinstance(value, str) else str(value))
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"
