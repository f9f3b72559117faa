"""One option of the decorators: what values it takes, and how it is spoken of."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from polster.model.expect import Expect
from polster.model.layer import LAYERS, Layer
from polster.model.reference import Reference

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Option:
    """What is to be known of an option.

    Attributes:
        check: Turns what is written into its value, or raises ValueError that says what it must be.
        hint: How it is written.
        words: What a change of it is a change of.
        layers: Whose decorators take it.
        is_descriptive: Whether it is for people alone, so that another value changes no row.
    """

    check: Callable[[object], Any]
    hint: str
    words: str
    layers: frozenset[Layer]
    is_descriptive: bool


def option(
    default: Any,
    check: Callable[[object], Any],
    hint: str,
    words: str,
    *,
    layers: Collection[Layer] = tuple(Layer),
    is_descriptive: bool = False,
) -> Any:
    """Return the field of an option; the arguments are those of :class:`Option`."""
    found = Option(check, hint, words, frozenset(layers), is_descriptive)
    return field(default_factory=lambda: default, metadata={"option": found})


def one_of(kind: type[E]) -> Callable[[object], E]:
    """Return what takes the values of ``kind`` alone."""

    def check(value: object) -> E:
        if value not in list(kind):
            raise ValueError("must be one of " + ", ".join(f'"{each}"' for each in kind))
        return kind(str(value))

    return check


def text(value: object) -> str:
    """Take a text that says something."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Take a list of words."""
    if not isinstance(value, list | tuple) or not all(
        isinstance(tag, str) and tag for tag in value
    ):
        raise ValueError("must be a list of texts")
    return tuple(value)


def share(value: object) -> float | None:
    """Take a share, 0 to 1, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a share between 0 and 1")
    return float(value)


def yes_or_no(value: object) -> bool:
    """Take True or False."""
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def expectation(value: object) -> Expect:
    """Take an expectation; None expects nothing."""
    if value is None:
        return Expect()
    if not isinstance(value, Expect):
        raise ValueError("must be an Expect(…)")
    return value


def referred(value: object) -> tuple[Reference, ...]:
    """Take what columns refer to, by column or columns."""
    if not isinstance(value, dict):
        raise ValueError("must be a mapping from column to the column that it refers to")
    found = [_reference(columns, target) for columns, target in value.items()]
    if len({reference.rule for reference in found}) < len(found):
        raise ValueError("names the same columns twice")
    return tuple(found)


def _reference(columns: object, target: object) -> Reference:
    own, meant = (side if isinstance(side, tuple) else (side,) for side in (columns, target))
    if not own or not all(isinstance(each, str) and each for each in (*own, *meant)):
        raise ValueError("must name columns as texts")
    if len(own) != len(meant):
        raise ValueError(f"refers with {len(own)} of its columns to {len(meant)}")
    pairs = [_asset_and_column(str(each)) for each in meant]
    if len({asset for asset, _ in pairs}) > 1:
        raise ValueError("refers with several columns to several tables at once")
    return Reference(tuple(map(str, own)), pairs[0][0], tuple(column for _, column in pairs))


def _asset_and_column(text: str) -> tuple[str, str]:
    """Split ``[layer.]asset.column``; what stands behind the asset's name is the column's."""
    layer, _, rest = text.partition(".")
    asset, _, column = (rest if layer in LAYERS else text).partition(".")
    if not asset or not column:
        raise ValueError(f"must name an asset and its column, not `{text}` alone")
    return (f"{layer}.{asset}" if layer in LAYERS else asset), column
