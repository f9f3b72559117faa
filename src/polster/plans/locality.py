"""How rows of a result depend on rows of what it is made of, as Polars' optimizer proves it.

A function is *local by J* in one of its inputs if rows of its result with some values of J depend
only on rows of that input with these values. It is asked over sources without rows: if a filter on
J arrives at every scan of the input whole, then filter and function commute. Asked twice, for "in"
and for "not in", since a filter on what a left join adds makes it an inner one.

It is *row-local* if each row of the result is made of one row of the input. Then the source carries
one hidden column more, which no step computes with, and the filter is on that. Source of both: the
predicate pushdown of Polars, `register_io_source`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl
from polars.io.plugins import register_io_source

Call = Callable[[Mapping[str, pl.LazyFrame]], pl.LazyFrame]
"""The function of an asset: from its frames, by parameter, to its result."""
ROW = "__polster_source_row__"
CARRIED = pl.col(f"^{ROW}$")
KEEPS_ANY = "keep_strategy: Any"
"""In a plan: a step that keeps whichever row, so that every filter passes it."""
BESIDE = "UNION"
"""In a plan: rows of several frames, so that some may be made of no row of the one asked about."""
ONLY_PUSHDOWN = pl.QueryOptFlags(comm_subplan_elim=False, comm_subexpr_elim=False)
PLAIN = (pl.Boolean, pl.Date, pl.Datetime, pl.Duration, pl.Time, pl.String, pl.Decimal, pl.Enum)
"""What rows may be chosen by, beside integers: types in which equal is equal."""


class Reach(StrEnum):
    """Which rows of a result a change of one input can reach."""

    ROW_LOCAL = "row-local"
    LOCAL = "local"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Locality:
    """How rows of a result depend on the rows of one input.

    Attributes:
        by: Columns of the result by each of which alone it is local, and the columns of the input
            that hold their values, one of each scan.
        why: Of :attr:`Reach.WHOLE`, what stands in the way.
    """

    reach: Reach
    by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    why: str = ""


@dataclass(slots=True)
class _Asked:
    """What Polars asked of one source: columns, and the filter, for each scan."""

    columns: set[str] = field(default_factory=set)
    filters: list[pl.Expr | None] = field(default_factory=list)


class _ProbeFrame(pl.LazyFrame):
    """A frame whose plan carries the hidden column through `select`, and keeps no row at random."""

    def select(self, *exprs: Any, **named: Any) -> pl.LazyFrame:
        """Select, and keep the hidden column where the height is that of the rows."""
        if any(_names_columns(each) for each in (*exprs, *named.values())):
            return super().select(*exprs, CARRIED, **named)
        return super().select(*exprs, **named)

    def unique(
        self, subset: Any = None, *, keep: Any = "any", maintain_order: bool = False
    ) -> pl.LazyFrame:
        """Keep the first row instead of whichever, which is one of the results allowed."""
        return super().unique(
            subset, keep="first" if keep == "any" else keep, maintain_order=maintain_order
        )


def read_locality(call: Call, inputs: Mapping[str, pl.Schema]) -> dict[str, Locality]:
    """Say for each input how the result depends on its rows; nothing is computed.

    Args:
        call: The function; it is called a few times, over frames without rows.
        inputs: Columns by parameter.

    Returns:
        By parameter; what cannot be proved is :attr:`Reach.WHOLE`.
    """
    try:
        _, plan, columns = _run(call, inputs, lambda frame: frame.limit(0))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return dict.fromkeys(inputs, _whole(f"its plan cannot be read: {type(error).__name__}"))
    if KEEPS_ANY in plan:
        why = '`unique` keeps whichever row; write keep="first", maintain_order=True after a sort'
        return dict.fromkeys(inputs, _whole(why))
    by: dict[str, dict[str, tuple[str, ...]]] = {name: {} for name in inputs}
    for column, dtype in columns.items():
        if not (dtype.is_integer() or isinstance(dtype, PLAIN)):
            continue
        for name, held_in in _local_by(call, inputs, column, dtype).items():
            by[name][column] = held_in
    found: dict[str, Locality] = {}
    for name in inputs:
        if _is_row_local(call, inputs, name, columns):
            found[name] = Locality(Reach.ROW_LOCAL, by[name])
        elif by[name]:
            found[name] = Locality(Reach.LOCAL, by[name])
        else:
            found[name] = _whole(f"no column of the result tells which rows of `{name}` it needs")
    return found


def needed_columns(
    call: Call, inputs: Mapping[str, pl.Schema], columns: Sequence[str]
) -> dict[str, set[str]]:
    """Return which columns of each input ``columns`` of the result depend on, filters included."""
    asked, _, _ = _run(call, inputs, lambda frame: _plainly(frame, columns))
    return {
        name: each.columns.union(
            *(one.meta.root_names() for one in each.filters if one is not None)
        )
        for name, each in asked.items()
    }


def slice_values(frame: pl.LazyFrame, held_in: Sequence[str], column: str) -> pl.LazyFrame:
    """Return the values of a column of the result that some rows of an input can reach.

    Args:
        frame: The rows.
        held_in: Where the input holds them, as :class:`Locality` says.
        column: Name of the one column returned.
    """
    parts = [frame.select(pl.col(name).alias(column)) for name in held_in]
    return pl.concat(parts).unique()


def _whole(why: str) -> Locality:
    return Locality(Reach.WHOLE, why=why)


def _names_columns(expression: object) -> bool:
    """Tell whether an argument of `select` has a row for each row of the frame, if any does."""
    if isinstance(expression, pl.Expr):
        meta = expression.meta
        return bool(meta.root_names()) or meta.has_multiple_outputs()
    if isinstance(expression, str):
        return True
    if isinstance(expression, list | tuple):
        return any(_names_columns(each) for each in expression)
    return False


def _plainly(frame: pl.LazyFrame, columns: Iterable[str]) -> pl.LazyFrame:
    """Select columns without the hidden one."""
    return pl.LazyFrame.select(frame, list(columns))


def _filtered_by(question: pl.Expr) -> Callable[[pl.LazyFrame], pl.LazyFrame]:
    return lambda frame: frame.filter(question)


def _run(
    call: Call,
    inputs: Mapping[str, pl.Schema],
    ask: Callable[[pl.LazyFrame], pl.LazyFrame],
    *,
    marked: str | None = None,
) -> tuple[dict[str, _Asked], str, pl.Schema]:
    """Call the function over sources, collect what ``ask`` makes of its result, and listen."""
    asked = {name: _Asked() for name in inputs}
    frames = {
        name: _source({**schema, ROW: pl.Int64()} if name == marked else schema, asked[name])
        for name, schema in inputs.items()
    }
    result = call(frames)
    schema = result.collect_schema()
    ask(result).collect(optimizations=ONLY_PUSHDOWN)
    return asked, result.explain(optimized=False), schema


def _source(schema: Mapping[str, pl.DataType], asked: _Asked) -> pl.LazyFrame:
    empty = pl.DataFrame(schema=schema)

    def read(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        del batch_size
        asked.columns.update(empty.columns if with_columns is None else with_columns)
        # a source that is told how many rows to give filters after it has counted
        asked.filters.append(predicate if n_rows is None else None)
        yield empty if with_columns is None else empty.select(with_columns)

    source = register_io_source(read, schema=pl.Schema(schema), is_pure=True)
    return _ProbeFrame._from_pyldf(source._ldf)


def _local_by(
    call: Call, inputs: Mapping[str, pl.Schema], column: str, dtype: pl.DataType
) -> dict[str, tuple[str, ...]]:
    """Return in which inputs the function is local by ``column``, and where they hold it."""
    held: dict[str, dict[str, None]] = {name: {} for name in inputs}
    out: set[str] = set()
    for negated in (False, True):
        question = _member(column, dtype, negated=negated)
        try:
            asked, _, _ = _run(call, inputs, _filtered_by(question))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return {}
        for name, each in asked.items():
            names = [_arrived(one, inputs[name], dtype, negated=negated) for one in each.filters]
            if not names or None in names:
                out.add(name)
            held[name] |= dict.fromkeys(one for one in names if one)
    return {name: tuple(names) for name, names in held.items() if name not in out}


def _member(column: str, dtype: pl.DataType, *, negated: bool) -> pl.Expr:
    among = pl.col(column).is_in(pl.Series([None], dtype=dtype).implode(), nulls_equal=True)
    return ~among if negated else among


def _arrived(
    predicate: pl.Expr | None, schema: pl.Schema, dtype: pl.DataType, *, negated: bool
) -> str | None:
    """Return the column of the source that the whole question is about by now; None if it is not.

    The function's own filters may stand beside it.
    """
    if predicate is None:
        return None
    for part in _conjuncts(predicate):
        names = part.meta.root_names()
        if len(names) != 1 or schema.get(names[0]) != dtype:
            continue
        if part.meta.eq(_as_asked(names[0], dtype, negated=negated)):
            return names[0]
    return None


def _as_asked(column: str, dtype: pl.DataType, *, negated: bool) -> pl.Expr:
    """Return the question as Polars hands it to a source when nothing is in between."""
    asked = _Asked()
    plain = _source({column: dtype}, asked)
    plain.filter(_member(column, dtype, negated=negated)).collect(optimizations=ONLY_PUSHDOWN)
    (predicate,) = asked.filters
    return pl.lit(value=False) if predicate is None else predicate


def _conjuncts(predicate: pl.Expr) -> list[pl.Expr]:
    """Take a filter apart where all of several conditions must hold."""
    parts = predicate.meta.pop()
    if len(parts) == 2:
        for left, right in (parts, parts[::-1]):
            if (left & right).meta.eq(predicate):
                return [*_conjuncts(left), *_conjuncts(right)]
    return [predicate]


def _is_row_local(
    call: Call, inputs: Mapping[str, pl.Schema], name: str, columns: pl.Schema
) -> bool:
    """Tell whether each row of the result is made of one row of ``name``, read once."""
    try:
        for negated in (False, True):
            question = _member(ROW, pl.Int64(), negated=negated)
            asked, plan, schema = _run(call, inputs, _filtered_by(question), marked=name)
            if {**schema} != {**columns, ROW: pl.Int64()} or len(asked[name].filters) != 1:
                return False
            if BESIDE in plan:
                return False
            marked = pl.Schema({**inputs[name], ROW: pl.Int64()})
            (predicate,) = asked[name].filters
            if _arrived(predicate, marked, pl.Int64(), negated=negated) != ROW:
                return False
        # a step over all columns may have looked at the hidden one, too
        asked, _, _ = _run(call, inputs, lambda frame: _plainly(frame, columns), marked=name)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return False
    (predicate,) = asked[name].filters
    seen = asked[name].columns.union([] if predicate is None else predicate.meta.root_names())
    return ROW not in seen
