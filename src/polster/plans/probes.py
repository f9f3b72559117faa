"""Calling a function over frames that note what is made of them, step by step.

The methods of a lazy frame return frames of the class that they are called on, so that a class of
its own for one input sees each step that is made of it. What steps of several frames make, such as
`pl.concat`, and what follows a `group_by`, is of the plain class again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import polars as pl
import polars.selectors as cs
from polars.io.plugins import register_io_source

Call = Callable[[Mapping[str, pl.LazyFrame]], pl.LazyFrame]
"""The function of an asset: from its frames, by parameter, to its result.

What it raises, an :class:`polster.errors.AssetError` says; another exception is Polster's.
"""
ROW = "__polster_source_row__"
"""A column that a source has besides, and that no step computes with."""
CARRIED = pl.col(f"^{ROW}$")
SCAN = "PYTHON SCAN"
"""How a plan shows a source."""
ONLY_PUSHDOWN = pl.QueryOptFlags(comm_subplan_elim=False, comm_subexpr_elim=False)


@dataclass(slots=True)
class Asked:
    """What Polars asked of one source: columns, and the filter, for each scan."""

    columns: set[str] = field(default_factory=set)
    filters: list[pl.Expr | None] = field(default_factory=list)

    def clear(self) -> None:
        """Forget what was asked."""
        self.columns.clear()
        self.filters.clear()

    @property
    def needed(self) -> set[str]:
        """Return the columns that were asked for, those of filters with them."""
        named = (each.meta.root_names() for each in self.filters if each is not None)
        return self.columns.union(*named)


class ProbeFrame(pl.LazyFrame):
    """A frame whose plan carries the hidden column through `select`, and keeps no row at random.

    A key that `group_by` computes is computed one step before, under its own name.
    """

    def collect_schema(self) -> pl.Schema:
        """Return the columns without the hidden one, which a function must not act upon."""
        there = super().collect_schema()
        there.pop(ROW, None)
        return there

    def select(self, *exprs: Any, **named: Any) -> pl.LazyFrame:
        """Select, and keep the hidden column where the height is that of the rows."""
        every = [*_flat(exprs)]
        if any(_names_columns(each) for each in (*every, *named.values())):
            last = [*(_named(name, each) for name, each in named.items()), CARRIED]
            return super().select(*every, *last)  # in the place where `pl.concat` finds it
        return super().select(*every, **named)

    def unique(
        self, subset: Any = None, *, keep: Any = "any", maintain_order: bool = False
    ) -> pl.LazyFrame:
        """Keep the first row instead of whichever, which is one of the results allowed."""
        return super().unique(
            subset, keep="first" if keep == "any" else keep, maintain_order=maintain_order
        )

    def group_by(self, *by: Any, maintain_order: bool = False, **named_by: Any) -> Any:
        """Group by columns that are there already."""
        keys = [*_flat(by), *(_named(name, each) for name, each in named_by.items())]
        there = self.collect_schema()
        begun: pl.LazyFrame = self
        for place, key in enumerate(keys):
            if isinstance(key, pl.Expr) and _is_computed(key, there):
                begun = begun.with_columns(key)
                keys[place] = key.meta.output_name()
        return pl.LazyFrame.group_by(begun, *keys, maintain_order=maintain_order)


class _Steps(ProbeFrame):
    """A frame of one input; a class is derived for each call of a function."""

    made: ClassVar[list[pl.LazyFrame]]
    changed: ClassVar[Callable[[int, pl.LazyFrame], pl.LazyFrame]]

    @classmethod
    def _from_pyldf(cls, ldf: Any) -> Any:
        step = super()._from_pyldf(ldf)
        number = len(cls.made)
        cls.made.append(step)
        other = cls.changed(number, step)
        return step if other is step else in_class(cls, other)


def followed(
    frame: pl.LazyFrame,
    changed: Callable[[int, pl.LazyFrame], pl.LazyFrame] = lambda _, step: step,
) -> tuple[pl.LazyFrame, list[pl.LazyFrame]]:
    """Return a frame that notes its steps, and the list that they come to.

    Args:
        frame: What the steps begin with.
        changed: Puts another frame in the place of a step, by its number from 0.
    """
    made: list[pl.LazyFrame] = []
    own = type("Steps", (_Steps,), {"made": made, "changed": staticmethod(changed)})
    return in_class(own, frame), made


def source(schema: Mapping[str, pl.DataType], asked: Asked) -> pl.LazyFrame:
    """Return a frame of no rows that notes what Polars asks of it."""
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

    plain = register_io_source(read, schema=pl.Schema(schema), is_pure=True)
    return in_class(ProbeFrame, plain)


def member(column: str, dtype: pl.DataType, *, negated: bool) -> pl.Expr:
    """Return whether a value is one of some, or none of them; a null is a value like any other."""
    among = pl.col(column).is_in(pl.Series([None], dtype=dtype).implode(), nulls_equal=True)
    return ~among if negated else among


def plainly(frame: pl.LazyFrame, columns: Iterable[str]) -> pl.LazyFrame:
    """Select columns without the hidden one."""
    return pl.LazyFrame.select(frame, list(columns))


def ask(frame: pl.LazyFrame, asked: Mapping[str, Asked]) -> bool:
    """Have Polars ask the sources of ``frame`` for what it needs; tell whether it asked them all.

    A join with no rows on one side may not come to the other.

    Args:
        frame: Over sources.
        asked: What each of them is asked, filled anew.
    """
    for each in asked.values():
        each.clear()
    scans = frame.explain(optimizations=ONLY_PUSHDOWN).count(SCAN)
    frame.collect(optimizations=ONLY_PUSHDOWN)
    return scans == sum(len(each.filters) for each in asked.values())


def in_class(own: type[pl.LazyFrame], frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return the same frame as one of another class."""
    made = own.__new__(own)
    made._ldf = frame._ldf
    return made


def _names_columns(expression: object) -> bool:
    """Tell whether an argument of `select` has a row for each row of the frame, if any does."""
    if isinstance(expression, pl.Expr):
        meta = expression.meta
        return bool(meta.root_names()) or meta.has_multiple_outputs()
    return isinstance(expression, str) or cs.is_selector(expression)


def _flat(arguments: tuple[Any, ...]) -> Iterator[Any]:
    """Yield what is selected, or grouped by, also where it came as one list or generator."""
    if len(arguments) == 1 and not isinstance(arguments[0], str | pl.Expr):
        arguments = tuple(arguments[0]) if isinstance(arguments[0], Iterable) else arguments
    yield from arguments


def _named(name: str, key: Any) -> pl.Expr:
    """Return what a keyword argument of `select` or `group_by` means."""
    expression = key if isinstance(key, pl.Expr) else pl.col(key) if isinstance(key, str) else None
    return (pl.lit(key) if expression is None else expression).alias(name)


def _is_computed(key: pl.Expr, there: pl.Schema) -> bool:
    """Tell whether a key is no column, and its name is free for one."""
    if key.meta.has_multiple_outputs() or key.meta.is_column():
        return False
    return key.meta.output_name() not in there
