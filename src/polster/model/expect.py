"""What a new version of a table may be beside the last one: ``expect=Expect(…)``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

AGE = re.compile(r"(\d+) ?(m|h|d|w)")
UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
OUTCOMES = ("fail", "warn")
VALID_FROM, IS_CURRENT = "valid_from", "is_current"
"""Columns by which a table is known as a history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What the rows of a new version are expected to be, judged before anything is visible.

    Attributes:
        min_rows: Rows at least.
        max_rows: Rows at most.
        shrink: Share of the last version's rows, 0 to 1, that may be gone.
        grow: Share of the last version's rows that may be added: 0.5 is half as many again.
        vanish: Share of the last version's primary keys, 0 to 1, that may be gone; of a history
            (``valid_from`` in the key, ``is_current`` beside it), of the keys that are current.
        null_share: Share of nulls, 0 to 1, that a column may have, or a field of its structs,
            such as ``person.email``; 1.0 lets it be empty.
        fresh_within: How old the newest value of a column may be when the run starts:
            ``{"ordered_at": "26h"}``, or ``"26h"`` where one column alone holds dates or times.
            Units are m, h, d and w.
        on_violation: ``"fail"``, or ``"warn"`` to publish and warn until it is as expected.

    Raises:
        ValueError: A value makes no sense.

    Examples:
        >>> Expect(min_rows=1_000, shrink=0.5).min_rows
        1000
    """

    min_rows: int | None = None
    max_rows: int | None = None
    shrink: float | None = None
    grow: float | None = None
    vanish: float | None = None
    null_share: Mapping[str, float] = field(default_factory=dict)
    fresh_within: str | Mapping[str, str] | None = None
    on_violation: Literal["fail", "warn"] = "fail"

    def __post_init__(self) -> None:
        for name, rows in (("min_rows", self.min_rows), ("max_rows", self.max_rows)):
            if rows is not None and (type(rows) is not int or rows < 0):
                raise ValueError(f"wants `{name}` to be a whole number from 0")
        for name, share in (("shrink", self.shrink), ("vanish", self.vanish)):
            if share is not None and not _is_number(share, 1):
                raise ValueError(f"wants `{name}` to be a share between 0 and 1")
        if self.grow is not None and not _is_number(self.grow):
            raise ValueError("wants `grow` to be a number from 0: 0.5 is half as many again")
        if not isinstance(self.null_share, Mapping) or not all(
            isinstance(column, str) and _is_number(share, 1)
            for column, share in self.null_share.items()
        ):
            raise ValueError("wants `null_share` to map columns to shares between 0 and 1")
        if self.max_rows is not None and (self.min_rows or 0) > self.max_rows:
            raise ValueError("wants `min_rows` to be no more than `max_rows`")
        if not all(isinstance(age, str) and _is_age(age) for age in self._ages()):
            raise ValueError(
                'wants `fresh_within` to be an age such as "26h", "90m" or "2d", or to map columns '
                "to ages"
            )
        if self.on_violation not in OUTCOMES:
            raise ValueError('wants `on_violation` to be one of "fail", "warn"')

    @property
    def columns(self) -> list[str]:
        """List the columns that are named, each once."""
        named = self.fresh_within if isinstance(self.fresh_within, Mapping) else ()
        return list(dict.fromkeys([*self.null_share, *named]))

    def _ages(self) -> list[object]:
        if isinstance(self.fresh_within, Mapping):
            return [
                age if isinstance(column, str) else None
                for column, age in self.fresh_within.items()
            ]
        return [] if self.fresh_within is None else [self.fresh_within]


def parse_age(text: str) -> timedelta:
    """Read an age.

    >>> parse_age("26h")
    datetime.timedelta(days=1, seconds=7200)
    """
    found = AGE.fullmatch(text)
    if found is None:
        raise ValueError(f"not an age: {text}")
    return timedelta(**{UNITS[found[2]]: int(found[1])})


def _is_age(text: str) -> bool:
    try:
        return parse_age(text) > timedelta(0)
    except (ValueError, OverflowError):
        return False


def _is_number(value: object, most: float = math.inf) -> bool:
    """Tell whether ``value`` is a number from 0 to ``most``."""
    return isinstance(value, int | float) and type(value) is not bool and 0 <= value <= most
