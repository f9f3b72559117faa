"""Bringing returned columns to the types of the contract, without losing a value in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto

import polars as pl

ORIGINAL = "__polster_original__"
"""Prefix of the column that holds the value before a cast."""

YES = ("true", "t", "yes", "y", "1")
NO = ("false", "f", "no", "n", "0")
"""What text mostly says where it means a Boolean."""


class CastKind(Enum):
    """What a cast may do to a value."""

    SAFE = auto()  # every value survives, and can be cast back
    CHECKED = auto()  # a value survives if casting it back gives the same value
    ONE_WAY = auto()  # the value before cannot be got back, such as the text of a number
    IMPOSSIBLE = auto()


def cast_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    """Tell what casting ``source`` to ``target`` does.

    >>> cast_kind(pl.Float64(), pl.Int64())
    <CastKind.CHECKED: 2>
    >>> cast_kind(pl.String(), pl.Date())
    <CastKind.IMPOSSIBLE: 4>
    """
    if source in (pl.Null(), target):
        return CastKind.SAFE
    if source.is_nested() or target.is_nested():
        return _nested_kind(source, target)
    if _is_number(source) and _is_number(target):
        return _number_kind(source, target)
    if _is_text(source) and _is_text(target):
        return CastKind.ONE_WAY
    if source == pl.String:
        reads = target.is_numeric() or target == pl.Binary
        return CastKind.ONE_WAY if reads else CastKind.IMPOSSIBLE
    if target == pl.String:
        return CastKind.IMPOSSIBLE if source in (pl.Duration, pl.Binary) else CastKind.ONE_WAY
    return _time_kind(source, target)


def cast_hint(column: str, source: pl.DataType, target: pl.DataType) -> str:
    """Say how the user converts ``column`` themselves, where a plain cast cannot."""
    methods = {"Date": "str.to_date()", "Datetime": "str.to_datetime()", "Time": "str.to_time()"}
    method = methods.get(type(target).__name__)
    if method and isinstance(source, pl.String):
        return f'parse it in the function: pl.col("{column}").{method}'
    if isinstance(source, pl.String) and isinstance(target, pl.Boolean):
        return (
            f'say which text means what in the function: pl.col("{column}").str.strip_chars()'
            f".str.to_lowercase().replace_strict({dict.fromkeys(YES, True)} | "
            f"{dict.fromkeys(NO, False)}, return_dtype=pl.Boolean)"
        )
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Datetime):
        if source.time_zone is None:
            return (
                f'say which zone it is in: pl.col("{column}").dt.replace_time_zone("UTC"); '
                "then the contract's zone"
            )
        return f'drop the zone in the function: pl.col("{column}").dt.replace_time_zone(None)'
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Date):
        return f'take the local day in the function: pl.col("{column}").dt.date()'
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
        """Return the cast value: null where the cast fails; what no table can hold is left out."""
        column = pl.col(self.column)
        if isinstance(self.source, pl.Time):
            return column.dt.to_string("%H:%M:%S%.f")  # a cast to text forgets the fraction
        cast = _fitting(column, self.source, self.target).cast(self.target, strict=False)
        stored = kept(self.target)
        if stored == self.target:
            return cast
        return cast.cast(stored, strict=False).cast(self.target, strict=False)

    def failed(self) -> pl.Expr:
        """Return whether a value is lost, over a frame with the cast and the original value.

        A number that changes on the way (2.7 to 2) is lost just as one that becomes null.
        """
        before, after = pl.col(self.original), pl.col(self.column)
        lost = before.is_not_null() & after.is_null()
        if self.kind is CastKind.CHECKED:
            return lost | before.ne_missing(after.cast(self.source, strict=False))
        if self.source == pl.String and isinstance(self.target, pl.Decimal):
            return lost | _loses_digits(before, after, self.target.scale)
        if self.target.is_float() and self.source == pl.String:
            names_it = before.str.contains("(?i)inf")
            return lost | (after.is_infinite() & ~names_it).fill_null(False)
        if self.target.is_float():  # rounding is what the contract asks for, overflow is not
            return lost | (after.is_infinite() & before.is_finite()).fill_null(False)
        return lost

    def undone(self) -> pl.Expr:
        """Return the original value again, of a kind other than ``ONE_WAY``."""
        if self.source == pl.Null:
            return pl.lit(None).alias(self.column)
        return pl.col(self.column).cast(self.source, strict=False)


def kept(dtype: pl.DataType) -> pl.DataType:
    """Return ``dtype`` without what no table can hold: nanoseconds, and more than 38 digits.

    >>> kept(pl.List(pl.Datetime("ns", "UTC")))
    List(Datetime(time_unit='us', time_zone='UTC'))
    """
    match dtype:
        case pl.Datetime(time_unit="ns"):
            return pl.Datetime("us", dtype.time_zone)
        case pl.Duration(time_unit="ns"):
            return pl.Duration("us")
        case pl.Int128() | pl.UInt128():
            return pl.Decimal(38, 0)
        case pl.List():
            return pl.List(kept(_instance(dtype.inner)))
        case pl.Array():
            return pl.Array(kept(_instance(dtype.inner)), dtype.size)
        case pl.Struct():
            return pl.Struct({field.name: kept(_instance(field.dtype)) for field in dtype.fields})
    return dtype


def _fitting(value: pl.Expr, source: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Leave out values that Polars cannot cast at all, where it should give null.

    A float that is slightly too large for a Decimal raises, whether the cast is strict or not, and
    so does a list that has not the length of an Array.
    """
    if not _may_raise(source, target):
        return value
    match source, target:
        case ((pl.Float16() | pl.Float32() | pl.Float64()), pl.Decimal()):
            digits = (value.cast(pl.Float64).abs() * 10.0**target.scale).round()
            return pl.when(digits < 10.0**target.precision).then(value)
        case pl.List(), pl.Array():
            items = _fitting(value, source, pl.List(target.inner))
            return pl.when(value.list.len() == target.size).then(items)
        case ((pl.List() | pl.Array()), (pl.List() | pl.Array())):
            inner = _fitting(pl.element(), _instance(source.inner), _instance(target.inner))
            listed = value.arr if isinstance(source, pl.Array) else value.list
            return listed.eval(inner)
        case pl.Struct(), pl.Struct():
            targets = {field.name: _instance(field.dtype) for field in target.fields}
            return value.struct.with_fields(
                _fitting(pl.field(field.name), _instance(field.dtype), targets[field.name])
                for field in source.fields
                if field.name in targets
            )
    return value


def _may_raise(source: pl.DataType, target: pl.DataType) -> bool:
    match source, target:
        case pl.List(), pl.Array():
            return True
        case ((pl.List() | pl.Array()), (pl.List() | pl.Array())):
            return _may_raise(_instance(source.inner), _instance(target.inner))
        case pl.Struct(), pl.Struct():
            targets = {field.name: _instance(field.dtype) for field in target.fields}
            return any(
                _may_raise(_instance(field.dtype), targets[field.name])
                for field in source.fields
                if field.name in targets
            )
    return source.is_float() and isinstance(target, pl.Decimal)


def _loses_digits(before: pl.Expr, after: pl.Expr, scale: int) -> pl.Expr:
    """Tell whether text has more decimals than ``scale``, trailing zeros apart."""
    decimals = before.str.extract(r"\.([0-9]*?)0*$").str.len_bytes()
    scientific = before.str.contains("(?i)e")
    changed = before.cast(pl.Float64, strict=False) != after.cast(pl.Float64)
    return pl.when(scientific).then(changed).otherwise(decimals > scale).fill_null(False)


def _number_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    if {type(source), type(target)} == {pl.Boolean, pl.Decimal}:
        return CastKind.IMPOSSIBLE  # from a Boolean Polars cannot, and so there is no way back
    if source.is_float() and target.is_float():
        return CastKind.SAFE if _bits(source) <= _bits(target) else CastKind.ONE_WAY
    return CastKind.CHECKED


def _time_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    if isinstance(source, pl.Datetime) and isinstance(target, pl.Datetime):
        same_kind = (source.time_zone is None) == (target.time_zone is None)
        return CastKind.CHECKED if same_kind else CastKind.IMPOSSIBLE
    for one, other in (source, target), (target, source):
        if isinstance(one, pl.Datetime) and isinstance(other, pl.Date):
            # elsewhere a day does not begin at midnight UTC, which is where a cast cuts
            plain = one.time_zone in (None, "UTC")
            return CastKind.CHECKED if plain else CastKind.IMPOSSIBLE
    if isinstance(source, pl.Duration) and isinstance(target, pl.Duration):
        return CastKind.CHECKED
    return CastKind.IMPOSSIBLE


def _nested_kind(source: pl.DataType, target: pl.DataType) -> CastKind:
    """Allow a nested cast only if what is inside can be cast there and back.

    Nothing but the way back shows whether a value inside was lost.
    """
    if isinstance(source, pl.Struct) and isinstance(target, pl.Struct):
        before = {field.name: _instance(field.dtype) for field in source.fields}
        pairs = [
            (before[field.name], _instance(field.dtype))
            for field in target.fields
            if field.name in before
        ]
        return _both_ways(pairs)
    if isinstance(source, pl.List | pl.Array) and isinstance(target, pl.List | pl.Array):
        inner, others = _instance(source.inner), _instance(target.inner)
        if isinstance(source, pl.Array) and isinstance(target, pl.Array):
            if source.shape != target.shape or (_has_categories(inner) and _has_categories(others)):
                return CastKind.IMPOSSIBLE  # from categories to others Polars cannot in an Array
        elif isinstance(target, pl.Array) and len(target.shape) > 1:
            return CastKind.IMPOSSIBLE
        return _both_ways([(inner, others)])
    return CastKind.IMPOSSIBLE


def _both_ways(pairs: Iterable[tuple[pl.DataType, pl.DataType]]) -> CastKind:
    for before, after in pairs:
        if before.is_float() and after.is_float() and _bits(before) > _bits(after):
            return CastKind.IMPOSSIBLE  # it would round, and so reject, nearly every row
        if before != pl.Null and CastKind.IMPOSSIBLE in (
            cast_kind(before, after),
            cast_kind(after, before),
        ):
            return CastKind.IMPOSSIBLE
    return CastKind.CHECKED


def _is_number(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype == pl.Boolean


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Categorical | pl.Enum)


def _has_categories(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.Categorical | pl.Enum)


def _bits(dtype: pl.DataType) -> int:
    return int(str(dtype).removeprefix("Float"))


def _instance(dtype: pl.DataType | pl.datatypes.DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()
