"""How rows of a result depend on rows of what it is made of, as Polars' optimizer proves it.

A function is *local by J* in one of its inputs if rows of its result with some values of J depend
only on rows of that input with these values. It is asked over sources without rows: if a filter on
J arrives at every scan of the input whole, then filter and function commute. Asked twice, for "in"
and for "not in", since a filter on what a left join adds makes it an inner one.

It is *row-local* if each row of the result is made of one row of the input. Then the source carries
one hidden column more, which no step computes with, and the filter is on that. A function mostly
begins with steps that are row-local; what they compute is a column like others to the steps after
them, so that a function may be local by what it computes itself.

Source of both: the predicate pushdown of Polars, `register_io_source`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

from polster.plans.fault import is_fault, raised_for
from polster.plans.obstacle import Obstacle, find_obstacle
from polster.plans.probes import (
    ROW,
    SCAN,
    Asked,
    Call,
    ProbeFrame,
    ask,
    followed,
    in_class,
    member,
    plainly,
    source,
)

KEEPS_ANY = "keep_strategy: Any"
"""In a plan: a step that keeps whichever row, so that every filter passes it."""
BESIDE = "UNION"
"""In a plan: rows of several frames, so that some may be made of no row of the one asked about."""
OPAQUE = "OPAQUE_PYTHON"
"""In a plan: `map_batches` of a frame, which filters pass if the user says so."""
SORT = "SORT BY"
"""In a plan: a sort."""
EACH_SORT = pl.QueryOptFlags(comm_subplan_elim=False, comm_subexpr_elim=False, sort_collapse=False)
"""So that a sort is left out only where nothing sees it."""
PLAIN = (pl.Boolean, pl.Date, pl.Datetime, pl.Duration, pl.Time, pl.String, pl.Decimal, pl.Enum)
"""What rows may be chosen by, beside integers: types in which equal is equal."""
CUT = "\0"
"""Stands for the step of a function that a source takes the place of; no parameter has the name."""
LATEST_STEPS = 3
"""Of the steps by which a function begins, so many are asked about, the last ones."""


class Reach(StrEnum):
    """Which rows of a result a change of one input can reach."""

    ROW_LOCAL = "row-local"
    LOCAL = "local"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Held:
    """Where the values of a column of the result stand for the rows of an input.

    Attributes:
        columns: Of the input, one a scan; or of what a step makes of it.
        step: Number of that step, from 0; None for the input itself.
    """

    columns: tuple[str, ...]
    step: int | None = None


@dataclass(frozen=True, slots=True)
class Locality:
    """How rows of a result depend on the rows of one input.

    Attributes:
        by: Columns of the result by each of which alone it is local, and where the input holds
            their values.
        why: Of :attr:`Reach.WHOLE`, what stands in the way, as a clause.
        obstacle: The step that does, if it is one.
    """

    reach: Reach
    by: Mapping[str, Held] = field(default_factory=dict)
    why: str = ""
    obstacle: Obstacle | None = None


def read_locality(
    call: Call, inputs: Mapping[str, pl.Schema], changed: Iterable[str] | None = None
) -> dict[str, Locality]:
    """Say how the result of a function depends on the rows of its inputs; nothing is computed.

    Args:
        call: The function; it is called a few times, over frames without rows.
        inputs: Columns by parameter.
        changed: Parameters that are asked about; all if not given.

    Returns:
        By parameter; what cannot be proved is :attr:`Reach.WHOLE`.
    """
    names = list(inputs if changed is None else changed)
    asked = {name: Asked() for name in inputs}
    try:
        result = call({name: source(schema, asked[name]) for name, schema in inputs.items()})
        columns = result.collect_schema()
        plan = result.explain(optimized=False)
    except (Exception, pl.exceptions.PanicException) as error:  # the user's code, without rows
        if is_fault(error, call, inputs):
            raise
        why = f"it cannot be called without rows: {type(raised_for(error)).__name__}"
        return dict.fromkeys(names, _whole(why))
    if any(each.filters for each in asked.values()):
        return dict.fromkeys(names, _whole("it collects rows while it is called"))
    if KEEPS_ANY in plan:
        why = '`unique` keeps whichever row; write keep="first", maintain_order=True after a sort'
        return dict.fromkeys(names, _whole(why))
    if OPAQUE in plan:
        return dict.fromkeys(names, _whole("`map_batches` of a frame may look at every row"))
    found: dict[str, Locality] = {}
    for name in names:
        marked = {**inputs, name: pl.Schema({**inputs[name], ROW: pl.Int64()})}
        is_row_local, computed = _from_its_steps(call, marked, name, columns)
        found[name] = Locality(Reach.ROW_LOCAL if is_row_local else Reach.WHOLE, computed)
    if all(each.reach is Reach.ROW_LOCAL and each.by for each in found.values()):
        return found
    passed: dict[str, dict[str, Held]] = {name: {} for name in names}
    for column, dtype in _to_choose_by(columns):
        for name, held_in in _local_by(result, asked, column, dtype, inputs).items():
            if name in passed:
                passed[name][column] = Held(held_in)
    lacks = any(
        local.reach is Reach.WHOLE and not local.by and not passed[name]
        for name, local in found.items()
    )
    obstacle = find_obstacle(result, _to_choose_by(columns)) if lacks else None
    return {name: _together(name, each, passed[name], obstacle) for name, each in found.items()}


def _together(
    name: str, local: Locality, passed: Mapping[str, Held], obstacle: Obstacle | None
) -> Locality:
    """Return what is known of an input with the columns that reach the result as they are."""
    by = {**local.by, **passed}
    if local.reach is Reach.ROW_LOCAL or by:
        reach = Reach.ROW_LOCAL if local.reach is Reach.ROW_LOCAL else Reach.LOCAL
        return Locality(reach, by)
    why = f"no column of the result tells which rows of `{name}` it needs"
    if obstacle is not None:
        why = obstacle.of(name)
    return Locality(Reach.WHOLE, why=why, obstacle=obstacle)


def minds_order(call: Call, inputs: Mapping[str, pl.Schema], name: str) -> bool:
    """Tell whether other rows may come of it if those of an input stand in another order.

    Polars is asked: it leaves out a sort that nothing after it can see.

    Args:
        call: The function.
        inputs: Columns by parameter.
        name: The input.
    """

    def sorts(frames: Mapping[str, pl.LazyFrame]) -> int:
        result = call(frames)
        rows = pl.LazyFrame.group_by(result, result.collect_schema().names())
        return rows.agg(pl.len().alias(ROW)).explain(optimizations=EACH_SORT).count(SORT)

    frames = {each: source(schema, Asked()) for each, schema in inputs.items()}
    before = pl.LazyFrame.sort(frames[name], pl.first(), maintain_order=True)
    return sorts({**frames, name: in_class(ProbeFrame, before)}) != sorts(frames)


def needed_columns(
    call: Call, inputs: Mapping[str, pl.Schema], columns: Sequence[str]
) -> dict[str, set[str]]:
    """Return which columns of each input ``columns`` of the result depend on, filters included."""
    asked = {name: Asked() for name in inputs}
    result = call({name: source(schema, asked[name]) for name, schema in inputs.items()})
    if not ask(plainly(result, columns), asked):
        return {name: set(schema) for name, schema in inputs.items()}
    return {name: each.needed for name, each in asked.items()}


def slice_values(
    call: Call,
    inputs: Mapping[str, pl.Schema],
    name: str,
    rows: pl.LazyFrame,
    column: str,
    held: Held,
) -> pl.LazyFrame:
    """Return the values of a column of the result that some rows of an input can reach.

    Args:
        call: The function.
        inputs: Columns by parameter.
        name: The input.
        rows: The rows of it.
        column: Name of the one column returned.
        held: Where the input holds the values.
    """
    if held.step is not None:
        frames = {each: source(schema, Asked()) for each, schema in inputs.items()}
        frames[name], made = followed(rows)
        call(frames)
        rows = made[held.step]
    parts = [plainly(rows, [each]).rename({each: column}) for each in held.columns]
    return pl.concat(parts).unique()


def narrowed(
    call: Call, frames: Mapping[str, pl.LazyFrame], name: str, step: int, rows: pl.Expr
) -> pl.LazyFrame:
    """Return the result of a function of which one step is filtered.

    Args:
        call: The function.
        frames: What it reads, by parameter.
        name: The input that the step is made of.
        step: Its number.
        rows: Which of its rows are left.
    """

    def filtered(number: int, frame: pl.LazyFrame) -> pl.LazyFrame:
        return in_class(pl.LazyFrame, frame).filter(rows) if number == step else frame

    return in_class(pl.LazyFrame, call({**frames, name: followed(frames[name], filtered)[0]}))


def _whole(why: str) -> Locality:
    return Locality(Reach.WHOLE, why=why)


def may_choose(dtype: pl.DataType) -> bool:
    """Tell whether rows may be chosen by a column of a type."""
    return dtype.is_integer() or isinstance(dtype, PLAIN)


def _to_choose_by(columns: pl.Schema) -> Iterator[tuple[str, pl.DataType]]:
    for column, dtype in columns.items():
        if column != ROW and may_choose(dtype):
            yield column, dtype


def _local_by(
    result: pl.LazyFrame,
    asked: Mapping[str, Asked],
    column: str,
    dtype: pl.DataType,
    inputs: Mapping[str, pl.Schema],
) -> dict[str, tuple[str, ...]]:
    """Return in which inputs a result is local by ``column``, and what it is called there."""
    held: dict[str, dict[str, None]] = {name: {} for name in inputs}
    out: set[str] = set()
    for negated in (False, True):
        try:
            if not ask(result.filter(member(column, dtype, negated=negated)), asked):
                return {}
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            return {}
        for name, schema in inputs.items():
            filters = asked[name].filters
            names = [_arrived(each, schema, dtype, negated=negated) for each in filters]
            if not names or None in names:
                out.add(name)
            held[name] |= dict.fromkeys(each for each in names if each)
    return {name: tuple(names) for name, names in held.items() if name not in out}


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
        # what a `select` renames is asked for as `col("a").alias("b")`
        if part.meta.undo_aliases().meta.eq(_as_asked(names[0], dtype, negated=negated)):
            return names[0]
    return None


def _as_asked(column: str, dtype: pl.DataType, *, negated: bool) -> pl.Expr:
    """Return the question as Polars hands it to a source when nothing is in between."""
    asked = Asked()
    plain = source({column: dtype}, asked)
    ask(plain.filter(member(column, dtype, negated=negated)), {column: asked})
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


def _from_its_steps(
    call: Call, inputs: Mapping[str, pl.Schema], name: str, columns: pl.Schema
) -> tuple[bool, dict[str, Held]]:
    """Tell whether the result is row-local in an input, and by what it computes it is local.

    Args:
        call: The function.
        inputs: Columns by parameter, those of ``name`` with the hidden one.
        name: The input.
        columns: Of the result.
    """
    asked = {each: Asked() for each in inputs}
    frames = {each: source(schema, asked[each]) for each, schema in inputs.items()}
    frames[name], made = followed(frames[name])
    try:
        result = call(frames)
        steps = tuple(made)  # each question is one more
        if _is_row_local(result, asked, name, columns, inputs[name]):
            last = len(steps) - 1
            ends_it = bool(steps) and result is steps[last]
            alone = ends_it and _is_row_local(
                result, asked, name, columns, inputs[name], alone=True
            )
            every = _to_choose_by(columns) if alone else ()
            return True, {column: Held((column,), last) for column, _ in every}
        begins = [
            (number, step)
            for number, step in enumerate(steps)
            if _is_row_local(step, asked, name, None, inputs[name], alone=True)
        ]
    except (Exception, pl.exceptions.PanicException) as error:  # as of one column more
        if is_fault(error):
            raise
        return False, {}
    for number, step in begins[: -LATEST_STEPS - 1 : -1]:
        there = step.collect_schema()
        if computed := dict(_local_after(call, inputs, name, number, there, columns)):
            return False, computed
    return False, {}


def _local_after(
    call: Call,
    inputs: Mapping[str, pl.Schema],
    name: str,
    step: int,
    there: pl.Schema,
    columns: pl.Schema,
) -> Iterator[tuple[str, Held]]:
    """Yield by which columns the result is local in what a step makes of an input."""
    begun = pl.Schema({each: dtype for each, dtype in there.items() if each != ROW})
    unasked = {each: Asked() for each in inputs}
    frames = {each: source(schema, unasked[each]) for each, schema in inputs.items()}
    asked = Asked()

    def cut(number: int, frame: pl.LazyFrame) -> pl.LazyFrame:
        return source(begun, asked) if number == step else frame

    frames[name] = followed(frames[name], cut)[0]
    try:
        result = call(frames)
    except (Exception, pl.exceptions.PanicException) as error:  # the user's code
        if is_fault(error):
            raise
        return
    for column, dtype in _to_choose_by(columns):
        begins = {**unasked, CUT: asked}
        found = _local_by(result, begins, column, dtype, {CUT: begun})
        if CUT in found and not unasked[name].filters:  # nothing else is made of the input
            yield column, Held(found[CUT], step)


def _is_row_local(
    result: pl.LazyFrame,
    asked: Mapping[str, Asked],
    name: str,
    columns: pl.Schema | None,
    schema: pl.Schema,
    *,
    alone: bool = False,
) -> bool:
    """Tell whether each row of a result is made of one row of ``name``, read once.

    Args:
        result: Of a function, or a step of it.
        asked: What its sources are asked.
        name: The input that has the hidden column.
        columns: Of the result, without the hidden one; None for those that it has.
        schema: Of the input.
        alone: Whether it must be made of nothing else.
    """
    there = pl.LazyFrame.collect_schema(result)
    plain = {each: dtype for each, dtype in there.items() if each != ROW}
    if ROW not in there or (columns is not None and plain != dict(columns)):
        return False
    plan = result.explain(optimized=False)
    if BESIDE in plan or (alone and plan.count(SCAN) > 1):
        return False
    for negated in (False, True):
        is_whole = ask(result.filter(member(ROW, pl.Int64(), negated=negated)), asked)
        filters = asked[name].filters
        if not is_whole or len(filters) != 1:
            return False
        if _arrived(filters[0], schema, pl.Int64(), negated=negated) != ROW:
            return False
    # a step over all columns may have looked at the hidden one, too
    return ask(plainly(result, plain), asked) and ROW not in asked[name].needed
