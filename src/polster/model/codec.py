"""Values of the model as JSON has them, and back, by the types of their fields.

What another version of Polster wrote is read, too: a field that it did not know has its default,
and one that is not known here is left out.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from polster.model.asset import AssetKey

T = TypeVar("T")
Reader = Callable[[Any], Any]


def to_json(value: Any, *names: str) -> Any:
    """Return ``value`` as what JSON knows.

    Args:
        value: A dataclass, or whatever may stand in a field of one; sets come out sorted.
        names: Of a dataclass, or of None, the fields and properties that are written; by default
            all fields.

    >>> to_json(AssetKey.parse("silver.orders"))
    'silver.orders'
    """
    if names and value is not None:
        return {name: to_json(getattr(value, name)) for name in names}
    kind: Any = type(value)
    return _writer(kind)(value)


def from_json(kind: type[T], value: Any) -> T:
    """Read what :func:`to_json` made of a ``kind``; parts that are values already stay.

    >>> str(from_json(AssetKey, "silver.orders"))
    'silver.orders'

    Raises:
        TypeError: It is something else, or lacks a field without a default.
        ValueError: It is something else.
    """
    return cast("T", _reader(cast("Any", kind))(value))


@cache
def _writer(kind: Any) -> Callable[[Any], Any]:
    if kind is AssetKey:
        return str
    if issubclass(kind, Enum):
        return lambda value: value.value
    if issubclass(kind, str | int | float | types.NoneType):
        return lambda value: value
    if issubclass(kind, datetime):
        return datetime.isoformat
    if is_dataclass(kind):
        names = tuple(each.name for each in fields(kind))
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    if issubclass(kind, Mapping):
        return lambda value: {to_json(name): to_json(each) for name, each in value.items()}
    if issubclass(kind, set | frozenset):
        return lambda value: [to_json(each) for each in sorted(value)]
    if issubclass(kind, list | tuple):
        return lambda value: [to_json(each) for each in value]
    raise TypeError(f"not a value of the model: {kind.__name__}")


@cache
def _reader(kind: Any) -> Reader:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: value
    if kind is AssetKey:
        return _key
    if kind is datetime:
        return lambda value: value if isinstance(value, datetime) else datetime.fromisoformat(value)
    if origin in (Union, types.UnionType):
        readers = [_reader(each) for each in inner if each is not types.NoneType]
        reader = _first_of(readers) if readers[1:] else readers[0]
        return _optional(reader) if types.NoneType in inner else reader
    if origin is Literal:
        return lambda value: inner[inner.index(value)]
    if origin is tuple and inner[1:] == (...,):
        return _all_of(tuple, _reader(inner[0]))
    if origin is frozenset:
        return _all_of(frozenset, _reader(inner[0]))
    if origin is Mapping:
        return _mapping(*map(_reader, inner))
    if is_dataclass(kind):
        return _dataclass(kind)
    if issubclass(kind, Enum):
        return cast("Reader", kind)
    return _scalar(float, int) if kind is float else _scalar(kind)


def _key(value: Any) -> AssetKey:
    key = value if isinstance(value, AssetKey) else AssetKey.parse(str(value))
    if key is None:
        raise ValueError(f"not an asset key: {value}")
    return key


def _scalar(kind: Any, *others: type) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is not kind and type(value) not in others:
            raise TypeError(f"not of {kind}: {value!r}")
        return value

    return read


def _optional(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _first_of(readers: Collection[Reader]) -> Reader:
    def read(value: Any) -> Any:
        for each in readers:
            try:
                return each(value)
            except (TypeError, ValueError):
                continue
        raise TypeError(f"of no type that may stand here: {value!r}")

    return read


def _all_of(kind: Callable[[Any], Any], reader: Reader) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, str):
            raise TypeError(f"not a list: {value!r}")
        return kind(map(reader, value))

    return read


def _mapping(of_name: Reader, of_value: Reader) -> Reader:
    def read(value: Any) -> Any:
        return {of_name(name): of_value(each) for name, each in _items(value)}

    return read


def _dataclass(kind: Any) -> Reader:
    def read(value: Any) -> Any:
        if isinstance(value, kind):
            return value
        readers = _readers(kind)
        return kind(
            **{name: readers[name](each) for name, each in _items(value) if name in readers}
        )

    return read


@cache
def _readers(kind: Any) -> Mapping[str, Reader]:
    """Return how the fields of a dataclass are read; later, as one may hold others of its kind."""
    hints = get_type_hints(kind)
    return {each.name: _reader(hints[each.name]) for each in fields(kind)}


def _items(value: Any) -> Collection[tuple[Any, Any]]:
    if type(value) is not dict and not isinstance(value, Mapping):
        raise TypeError(f"not a mapping: {value!r}")
    return value.items()
