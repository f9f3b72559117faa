"""Which step of a function needs every row of what it is given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl

from polster.plans.probes import member

TRIED = 3
LONGEST = 60
METHODS = {
    "SELECT": ("select",),
    "WITH_COLUMNS": ("with_columns", "with_row_index"),
    "SLICE": ("slice", "head", "limit", "tail", "first", "last"),
    "SORT": ("sort", "top_k", "bottom_k"),
    "AGGREGATE": ("agg", "len"),
    "UNIQUE": ("unique",),
    "JOIN": ("join", "join_asof", "join_where"),
    "UNION": ("concat",),
}
"""How the plan of Polars calls a step, and what a function writes for it."""


LOOKS_AROUND = ("SLICE", "AGGREGATE", "UNIQUE")
BEYOND_ROWS = re.compile(
    r"\b(len|sum|mean|median|min|max|count|n_unique|std|var|quantile|first|last|rank|shift|diff|"
    r"(cum|rolling|ewm)_\w+|over|sort|sort_by|reverse|interpolate|(forward|backward)_fill|qcut|cut)\("
)
"""What may look at other rows, as a plan writes it."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A step that a choice of rows does not get over.

    Attributes:
        text: As the plan has it, in short.
        methods: What the function may have written for it.
        looks_around: Whether it looks at other rows; else it only computes columns, or joins them.
    """

    text: str
    methods: tuple[str, ...]
    looks_around: bool

    def of(self, name: str) -> str:
        """Say it of the rows of an input, as a clause."""
        if self.looks_around:
            return f"`{self.text}` needs every row of `{name}`"
        return f"`{self.text}` stands between its columns and those of `{name}`"


def find_obstacle(
    result: pl.LazyFrame, columns: Iterable[tuple[str, pl.DataType]]
) -> Obstacle | None:
    """Return the step before which a filter of the result stops; of some columns the farthest.

    Args:
        result: Of a function, over sources.
        columns: To filter by, and their types.
    """
    only = pl.QueryOptFlags.none()
    only.predicate_pushdown = True
    found: list[tuple[int, list[str]]] = []
    for column, dtype in islice(columns, TRIED):
        asked = member(column, dtype, negated=False)
        lines = result.filter(asked).explain(optimizations=only).splitlines()
        for number, line in enumerate(lines):
            if line.lstrip().startswith("FILTER") and ".is_in([Series])" in line:
                depth = len(line) - len(line.lstrip())
                found.append((depth, [each.strip() for each in lines[number + 1 :]]))
                break
    if not found:
        return None
    _, (_, header, *rest) = max(found, key=lambda each: each[0])  # after FILTER comes FROM
    kind = next((each for each in METHODS if each in header.partition("[")[0]), "")
    if not kind:
        return None
    inside = rest[0] if kind == "AGGREGATE" or header.endswith(":") else header.removeprefix(kind)
    inside = "" if kind == "JOIN" else inside.strip().removeprefix("BY ")
    if inside.startswith("[") and inside.endswith("]"):
        inside = inside[1:-1]
    inside = ", ".join(_beyond_rows(inside))
    text = inside if len(inside) <= LONGEST else f"{inside[:LONGEST]}…"
    around = kind in LOOKS_AROUND or BEYOND_ROWS.search(inside) is not None
    return Obstacle(f"{METHODS[kind][0]}({text})", METHODS[kind], around)


def _beyond_rows(expressions: str) -> list[str]:
    """Return those of several expressions that may look at other rows; all if none seems to."""
    every = list(_apart(expressions))
    return [each for each in every if BEYOND_ROWS.search(each)] or every


def _apart(expressions: str) -> Iterator[str]:
    depth = start = 0
    for place, character in enumerate(expressions):
        depth += (character in "([") - (character in ")]")
        if character == "," and not depth:
            yield expressions[start:place].strip()
            start = place + 1
    yield expressions[start:].strip()
