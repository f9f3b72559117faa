"""Bringing returned columns to the types of the contract, without losing a value in silence."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

import polars as pl

ORIGINAL = "__polster_original__"
"""Prefix of the column that holds the value before a cast."""


class CastKind(Enum):
    """What a cast may do to a value."""

    SAFE = auto()  # every value survives, such as Int32 to Int64
    CHECKED = auto()  # a value survives if casting it back gives the same value
    PARSED = auto()  # text is read; the text itself cannot be got back
    IMPOSSIBLE = auto()


def cast_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    """Tell what casting ``source`` to ``target`` does.

    >>> cast_kind(pl.Float64(), pl.Int64())
    <CastKind.CHECKED: 2>
    >>> cast_kind(pl.String(), pl.Date())
    <CastKind.IMPOSSIBLE: 4>
    """
    if source == pl.Null:
        return CastKind.SAFE
    if _is_number(source) and _is_number(target):
        return CastKind.SAFE if source.is_float() and target.is_float() else CastKind.CHECKED
    if source == pl.String:
        if target.is_numeric() or isinstance(target, pl.Enum | pl.Categorical | pl.Binary):
            return CastKind.PARSED
        return CastKind.IMPOSSIBLE
    if target == pl.String:
        return CastKind.IMPOSSIBLE if source.is_nested() or source == pl.Duration else CastKind.SAFE
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Datetime):
        same_kind = (source.time_zone is None) == (target.time_zone is None)
        return CastKind.SAFE if same_kind else CastKind.IMPOSSIBLE
    if isinstance(source, pl.Enum | pl.Categorical) and isinstance(
        target, pl.Enum | pl.Categorical
    ):
        return CastKind.PARSED
    if isinstance(source, pl.Date | pl.Datetime) and isinstance(target, pl.Date | pl.Datetime):
        return CastKind.CHECKED
    if isinstance(source, pl.Duration) and isinstance(target, pl.Duration):
        return CastKind.CHECKED
    if source.is_nested() and type(source) is type(target):
        return _nested_kind(source, target)
    if isinstance(source, pl.List | pl.Array) and isinstance(target, pl.List | pl.Array):
        return _nested_kind(source, target)
    return CastKind.IMPOSSIBLE


def cast_hint(column: str, source: pl.DataType, target: pl.DataType) -> str:
    """Say how the user converts ``column`` themselves, where a plain cast cannot."""
    methods = {pl.Date: "str.to_date()", pl.Datetime: "str.to_datetime()", pl.Time: "str.to_time()"}
    for kind, method in methods.items():
        if source == pl.String and isinstance(target, kind):
            return f'parse it in the function: pl.col("{column}").{method}'
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Datetime):
        if source.time_zone is None:
            return (
                f'say which zone it is in: pl.col("{column}").dt.replace_time_zone("UTC"); '
                "then the contract's zone"
            )
        return f'drop the zone in the function: pl.col("{column}").dt.replace_time_zone(None)'
    return f"return {target} for `{column}`, or change its type in the contract"


@dataclass(frozen=True, slots=True)
class Cast:
    """One column that has to change its type.

    Attributes:
        kind: Not ``IMPOSSIBLE``.
    """

    column: str
    source: pl.DataType
    target: pl.DataType
    kind: CastKind

    @property
    def original(self) -> str:
        """Return the name under which the value before the cast is kept beside."""
        return ORIGINAL + self.column

    def value(self) -> pl.Expr:
        """Return the cast value: null where the cast fails."""
        return pl.col(self.column).cast(self.target, strict=False)

    def failed(self) -> pl.Expr:
        """Return whether a value is lost, over a frame with the cast and the original value.

        A number that changes on the way (2.7 to 2) is lost just as one that becomes null.
        """
        before, after = pl.col(self.original), pl.col(self.column)
        became_null = before.is_not_null() & after.is_null()
        if self.kind is CastKind.CHECKED:
            return became_null | before.ne_missing(after.cast(self.source, strict=False))
        return became_null

    def undone(self) -> pl.Expr:
        """Return the original value again, of a kind other than ``PARSED``."""
        return pl.col(self.column).cast(self.source, strict=False)


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean


def _nested_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    try:
        pl.Series([None], dtype=source).cast(target)
    except pl.exceptions.PolarsError:
        return CastKind.IMPOSSIBLE
    return CastKind.CHECKED
