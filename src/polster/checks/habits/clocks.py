"""What makes two builds of the same inputs differ: the clock and chance."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from polster.checks.habits.known import (
    CLOCKS,
    CLOCKS_UNLESS_GIVEN,
    NOT_RANDOM,
    RANDOM,
    RANDOM_MODULES,
    RANDOM_UNLESS_SEEDED,
)
from polster.checks.habits.sighting import Sighting, Use
from polster.model.finding import Severity

DRAWS = frozenset({"shuffle", "sample"})
USE_RUN_TIME = "take the parameter `run: polster.RunContext` and use `run.time`"


def clocks_and_chance(use: Use) -> Iterator[Sighting]:
    """Yield what is wrong with ``use`` above bronze: POL607 or POL608."""
    name = use.meaning or ""
    if name in CLOCKS or (name in CLOCKS_UNLESS_GIVEN and _asks_now(use)):
        yield Sighting(
            "POL607",
            *use.place,
            f"asks the clock with `{use.written}`",
            USE_RUN_TIME,
            Severity.ERROR,
        )
    elif _is_random(name, use):
        yield Sighting(
            "POL608",
            *use.place,
            f"leaves it to chance with `{use.written}`",
            "give it a fixed seed"
            if name in RANDOM_UNLESS_SEEDED
            else "derive the value from the row, such as `pl.col(…).hash(seed=0)`",
            Severity.ERROR,
        )
    elif use.method in DRAWS and not use.is_foreign and not _is_seeded(use):
        yield Sighting(
            "POL608",
            *use.place,
            f"leaves it to chance with `{use.written}` without a seed",
            "give it a fixed one: `seed=0`",
            Severity.ERROR,
        )


def _asks_now(use: Use) -> bool:
    given = 1 if use.meaning == "time.strftime" else 0
    return use.call is not None and len(use.call.args) <= given


def _is_random(name: str, use: Use) -> bool:
    if name in RANDOM_UNLESS_SEEDED:
        return use.call is None or not _is_given(use.call.args, use.call.keywords)
    if name in RANDOM:
        return True
    return name.startswith(RANDOM_MODULES) and name not in NOT_RANDOM


def _is_seeded(use: Use) -> bool:
    if use.call is None:
        return True
    positional = use.call.args[:1] if use.method == "shuffle" else []
    wanted = [each for each in use.call.keywords if each.arg in ("seed", "generator", None)]
    return _is_given(positional, wanted)


def _is_given(positional: list[ast.expr], keywords: list[ast.keyword]) -> bool:
    values = [*positional, *(keyword.value for keyword in keywords)]
    return any(not (isinstance(v, ast.Constant) and v.value is None) for v in values)
