"""Telling what only zero rows cause from what fails over any rows.

Over zero rows there is no first one, no smallest day and nothing to divide by. So what fails is
called again over made-up rows: if that passes, it fails only where an input has no rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Any

import polars as pl

from polster.checks.worker.typed_rows import COUNTS, TEXTS, typed_rows
from polster.project.load import in_short
from polster.runtime.call import Handed

Compute = Callable[[Mapping[str, Handed]], BaseException | None]
"""Calls the function with such inputs and computes its frame; returns what that raises."""
FILTERED: tuple[Any, ...] = (pl.LazyFrame, pl.DataFrame, pl.Expr)
TRYING_SECONDS = 3.0
"""After so long nothing more is tried; a check has a time limit of its own."""

DEFINITE = (
    pl.exceptions.ColumnNotFoundError,
    pl.exceptions.DuplicateError,
    pl.exceptions.SchemaError,
)
"""What Polars raises however many rows there are, unless values decide which columns there are."""
MOSTLY_DEFINITE = (*DEFINITE, pl.exceptions.InvalidOperationError)
"""The same, unless it is seen to pass with rows."""
FRAME_TYPES = (pl.DataFrame, pl.LazyFrame, pl.Series, pl.Expr)

HINTS = {
    "gather indices are out of bounds": "give .get() null_on_oob=True, or take .first()",
    "get index is out of bounds": "give .get() null_on_oob=True",
    "division by zero": "take .mean(), or cast to Float64 before the division",
    "larger sample": "take .head(…), or a sample with with_replacement=True",
    "got none": "take .first()",
}
"""What helps, by what Polars says."""
OTHERWISE = "an upstream may be empty one day: let the function give a frame without rows then"


@dataclass(frozen=True, slots=True)
class WithRows:
    """What came of calling a function over made-up rows.

    Attributes:
        passes: Whether it passed over some.
        always_the_same: Whether it failed each time as it does without rows.
        lasting: What is a mistake over any rows; None if that is not certain.
        empty: Keys of the inputs without whose rows it fails; of all of them if nobody knows.
    """

    passes: bool
    always_the_same: bool
    lasting: BaseException | None
    empty: tuple[str, ...]

    @property
    def text(self) -> str:
        """Say without which rows it fails.

        >>> WithRows(True, False, None, ("silver.orders", "silver.rates")).text
        'fails if `silver.orders` or `silver.rates` has no rows'
        """
        too_few = "" if self.passes else ", or too few"
        return f"fails if {' or '.join(f'`{key}`' for key in self.empty)} has no rows{too_few}"


def with_rows(inputs: Mapping[str, Handed], failure: BaseException, compute: Compute) -> WithRows:
    """Call a function that failed over ``inputs``, which have no rows, over some that have.

    Args:
        inputs: By parameter.
        failure: What was raised over zero rows.
        compute: Calls it.
    """
    said = in_short(failure)
    everything = tuple(each.upstream for each in inputs.values())
    until = time.monotonic() + TRYING_SECONDS
    differs = False
    seen: list[tuple[int, BaseException]] = []
    for keeps_filters, text, count in product((True, False), TEXTS, COUNTS):
        filled = {name: _filled(each, count, text) for name, each in inputs.items()}
        with _filters(kept=keeps_filters):  # no made-up row may be what a filter looks for
            error = compute(filled)
            if error is None:
                return WithRows(True, False, None, _needed(inputs, filled, compute) or everything)
        differs = differs or in_short(error) != said
        if not keeps_filters:
            seen.append((count, error))
        if time.monotonic() > until:
            break
    return WithRows(False, not differs, _lasting(failure, seen), everything)


def is_about_rows(error: BaseException) -> bool:
    """Tell whether an error says that there are too few rows, however many there were."""
    too_few = isinstance(error, pl.exceptions.OutOfBoundsError | IndexError)
    return too_few or "cannot reshape" in in_short(error)


def is_misspelt(error: BaseException) -> bool:
    """Tell whether an error says that a frame, or a column, of Polars has no such method."""
    return isinstance(error, AttributeError) and isinstance(error.obj, FRAME_TYPES)


def _lasting(
    failure: BaseException, seen: Iterable[tuple[int, BaseException]]
) -> BaseException | None:
    """Return the mistake that rows do not change.

    Polars names the columns that there are. If those change with the rows, values decide them.

    Args:
        failure: What was raised without rows.
        seen: What was raised with rows that no filter takes away, and over how many of them.
    """
    definite = [(count, error) for count, error in seen if isinstance(error, DEFINITE)]
    if isinstance(failure, DEFINITE):
        same = all(in_short(error) == in_short(failure) for _, error in definite)
        return failure if same else None
    counts: dict[str, set[int]] = {}
    for count, error in definite:
        counts.setdefault(in_short(error), set()).add(count)
    return next((error for _, error in definite if len(counts[in_short(error)]) > 1), None)


def _needed(
    inputs: Mapping[str, Handed], filled: Mapping[str, Handed], compute: Compute
) -> tuple[str, ...]:
    """Return the inputs without whose rows alone it fails."""
    return tuple(
        each.upstream
        for name, each in inputs.items()
        if compute({**filled, name: each}) is not None
    )


def _filled(handed: Handed, count: int, text: str) -> Handed:
    rows = typed_rows(handed.frame.collect_schema(), count, text)
    return Handed(handed.upstream, rows.lazy())


@contextmanager
def _filters(*, kept: bool) -> Iterator[None]:
    """Have filters let every row pass, unless they are ``kept``."""
    originals = {owner: owner.filter for owner in FILTERED}
    if not kept:
        for owner in FILTERED:
            owner.filter = _pass
    try:
        yield
    finally:
        for owner, original in originals.items():
            owner.filter = original


def _pass(frame: Any, *_: object, **__: object) -> Any:
    return frame


def empty_hint(failure: BaseException) -> str:
    """Say what to write so that no rows are no mistake."""
    said = in_short(failure)
    return next((hint for part, hint in HINTS.items() if part in said), OTHERWISE)
