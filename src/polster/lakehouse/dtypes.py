"""The types of Polars as text, and back: what a table's columns were before they were stored."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import polars as pl


def dtype_text(dtype: pl.DataType) -> str | None:
    """Write ``dtype`` as Polars shows it; None if nobody could read it back, as of an Object.

    >>> dtype_text(pl.List(pl.Datetime("us", "Europe/Berlin")))
    "List(Datetime(time_unit='us', time_zone='Europe/Berlin'))"
    """
    text = str(dtype)
    try:
        read_dtype(text)
    except ValueError:
        return None
    return text


@lru_cache(maxsize=1024)
def read_dtype(text: str) -> pl.DataType:
    """Read what :func:`dtype_text` wrote; the text is looked at, never executed.

    >>> read_dtype("Struct({'at': Time, 'size': Decimal(precision=10, scale=2)})")
    Struct({'at': Time, 'size': Decimal(precision=10, scale=2)})

    Raises:
        ValueError: It is not the text of a type that a table can have.
    """
    try:
        found = _value(ast.parse(text, mode="eval").body)
        pl.Series(dtype=found)  # a zone that there is not, say, is no mistake until it is used
    except UNREADABLE as error:
        raise ValueError(f"not a type: {text}") from error
    if not isinstance(found, pl.DataType) or str(found) != text:
        raise ValueError(f"not a type: {text}")
    return found


def _value(node: ast.expr) -> Any:
    match node:
        case ast.Name(name):
            return _class(name)()
        case ast.Call(func=ast.Name(name)):
            named = {each.arg: _value(each.value) for each in node.keywords if each.arg}
            return _class(name)(*[_value(each) for each in node.args], **named)
        case ast.Dict():
            names = [ast.literal_eval(key) for key in node.keys if key is not None]
            return dict(zip(names, map(_value, node.values), strict=True))
    return ast.literal_eval(node)


def _class(name: str) -> type[pl.DataType]:
    found = TYPES.get(name)
    if found is None:
        raise ValueError(f"not a type: {name}")
    return found


UNREADABLE = (
    *(ArithmeticError, MemoryError, RecursionError, SyntaxError, TypeError, ValueError),
    *(pl.exceptions.PanicException, pl.exceptions.PolarsError),
)
TYPES: Mapping[str, type[pl.DataType]] = {
    each.__name__: each
    for each in vars(pl.datatypes).values()
    if isinstance(each, type)
    and issubclass(each, pl.DataType)
    and each not in (pl.Object, pl.Unknown)
}
