"""Finding the step of the user's code that makes a plan impossible.

Polars tells that a plan fails, not where it was written. So the function is called once more,
and after each step that gives a frame Polars is asked at once.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl
from polars.lazyframe.group_by import LazyGroupBy

NOT_STEPS = frozenset({"collect", "collect_schema", "lazy", "explain", "clone", "collect_async"})


@dataclass(frozen=True, slots=True)
class Step:
    """A place in the user's code.

    Attributes:
        column: First character of the call, from 1; None if Python does not know it.
    """

    file: str
    line: int
    column: int | None


def failing_step(call: Callable[[], object], source: Path) -> Step | None:
    """Return the first step of ``call`` in a file below ``source`` whose plan fails."""
    found: list[Step] = []
    with _asking(found, source):
        try:
            call()
        except BaseException:
            return found[0] if found else None
    return found[0] if found else None


@contextmanager
def _asking(found: list[Step], source: Path) -> Iterator[None]:
    """Replace the methods that give a frame by ones that ask Polars for its columns."""
    replaced: list[tuple[object, str, Any]] = []
    for owner in (pl.LazyFrame, LazyGroupBy):
        for name, original in vars(owner).items():
            if not name.startswith("_") and callable(original) and name not in NOT_STEPS:
                replaced.append((owner, name, original))
    replaced += [(pl, name, getattr(pl, name)) for name in ("concat", "align_frames")]
    for target, name, original in replaced:
        setattr(target, name, _asked(name, original, found, source))
    try:
        yield
    finally:
        for target, name, original in replaced:
            setattr(target, name, original)


def _asked(
    name: str, original: Callable[..., Any], found: list[Step], source: Path
) -> Callable[..., Any]:
    def step(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1)
        mine = not found and Path(caller.f_code.co_filename).is_relative_to(source)
        try:
            result = original(*args, **kwargs)
        except BaseException:
            if mine and not found:
                found.append(_step(caller, name))
            raise
        if mine and isinstance(result, pl.LazyFrame):
            try:
                result.collect_schema()
                result.collect()
            except Exception:
                found.append(_step(caller, name))
        return result

    return step


def _step(frame: FrameType, name: str) -> Step:
    """Return where ``frame`` calls ``name``: Python knows the line of each call of a chain."""
    file, line = frame.f_code.co_filename, frame.f_lineno
    column = linecache.getline(file, line).find(f"{name}(") + 1
    return Step(file, line, column or None)
