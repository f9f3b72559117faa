"""Telling what only zero rows cause from what fails over any rows.

Over zero rows there is no first one, no smallest day and nothing to divide by. So what fails is
called again over made-up rows: if that passes, it fails only where an input has no rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
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
        empty: Keys of the inputs without whose rows it fails; of all of them if nobody knows.
    """

    passes: bool
    always_the_same: bool
    empty: tuple[str, ...]

    @property
    def text(self) -> str:
        """Say without which rows it fails.

        >>> WithRows(True, False, ("silver.orders", "silver.rates")).text
        'fails if `silver.orders` or `silver.rates` has no rows'
        """
        return f"fails if {' or '.join(f'`{key}`' for key in self.empty)} has no rows"


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
    for keeps_filters, text, count in product((True, False), TEXTS, COUNTS):
        filled = {name: _filled(each, count, text) for name, each in inputs.items()}
        with _filters(kept=keeps_filters):  # no made-up row may be what a filter looks for
            error = compute(filled)
            if error is None:
                return WithRows(True, False, _needed(inputs, filled, compute) or everything)
        differs = differs or in_short(error) != said
        if time.monotonic() > until:
            break
    return WithRows(False, not differs, everything)


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
