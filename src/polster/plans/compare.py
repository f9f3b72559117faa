"""What differs between two plans although they read the same: series, frames and seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import polars as pl

from polster.plans.functions import function_name
from polster.plans.syntax import Syntax
from polster.plans.visit import (
    NOT_READ,
    Expression,
    UnreadablePlanError,
    Visitor,
    frame_in,
    look_at,
    series_in,
)

Content = pl.DataFrame | pl.Series | int | None
SEEDED = frozenset({"shuffle", "sample"})


@dataclass(frozen=True, slots=True)
class _Hidden:
    """Something in a plan that its text does not show."""

    what: str
    content: Content


def first_difference(one: pl.LazyFrame, other: pl.LazyFrame) -> str | None:
    """Return the first difference between two plans that their texts do not show.

    Args:
        one: A frame; nothing of it is computed.
        other: What the same function returned another time.

    Returns:
        What differs, as a clause; None if nothing does, or if Polars does not show the plans.
    """
    try:
        before, after = (
            look_at(frame, lambda visitor: list(_hidden(visitor))) for frame in (one, other)
        )
    except (UnreadablePlanError, *NOT_READ):
        return None
    for first, second in zip(before, after, strict=False):
        if first.what == second.what and not _is_same(first.content, second.content):
            return f"{first.what} is once {_shown(first.content)}, once {_shown(second.content)}"
    return None


def _hidden(visitor: Visitor) -> Iterator[_Hidden]:
    for identifier in visitor.order():
        node = visitor.node(identifier)
        if type(node).__name__ == "DataFrameScan":
            yield _Hidden("a frame in memory", frame_in(node))
        syntax = Syntax(visitor, identifier)
        for handles in _handles(node):
            waiting = visitor.expressions(identifier, handles)[::-1]
            while waiting:
                expression = waiting.pop()
                yield from _hidden_in(expression)
                waiting += syntax.inside(expression)[::-1]


def _handles(node: Any) -> Iterator[list[Any]]:
    """Yield the expressions of a node, whatever its kind, as the visitor's handles."""
    for name in sorted(each for each in dir(node) if not each.startswith("_")):
        said = getattr(node, name)
        several = said if isinstance(said, list) else [said]
        if several and all(hasattr(each, "output_name") for each in several):
            yield several


def _hidden_in(expression: Expression) -> Iterator[_Hidden]:
    series = series_in(expression)
    if series is not None:
        yield _Hidden("a series", series)
    if expression.kind == "Function":
        data = expression.fields.function_data
        name = function_name(data)
        if name in SEEDED:
            yield _Hidden(f"the seed of `{name}`", data[-1])


def _is_same(one: Content, other: Content) -> bool:
    if pl.Object in _types(one) or pl.Object in _types(other):
        return True  # objects of Python have no value that Polars could compare
    if isinstance(one, pl.DataFrame) and isinstance(other, pl.DataFrame):
        return one.schema == other.schema and one.equals(other)
    if isinstance(one, pl.Series) and isinstance(other, pl.Series):
        return one.dtype == other.dtype and one.equals(other)
    return one is other or (isinstance(one, int) and isinstance(other, int) and one == other)


def _types(content: Content) -> list[pl.DataType]:
    match content:
        case pl.DataFrame():
            return content.dtypes
        case pl.Series():
            return [content.dtype]
    return []


def _shown(content: Content) -> str:
    match content:
        case pl.DataFrame():
            return f"`{content.head(3).rows()!s:.80}`"
        case pl.Series():
            return f"`{content.head(3).to_list()!s:.80}`"
    return "not given" if content is None else f"`{content}`"
