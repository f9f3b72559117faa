"""All of a table made part by part, where it may not fit into memory at once.

A filter of what a function returns is right whatever the function does. It saves memory where the
optimizer moves it to the sources, which is what :mod:`polster.plans.locality` proves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from polster.contracts.judge import Terms
from polster.contracts.rules import is_local
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AUDIT_COLUMNS
from polster.plans.fault import is_fault
from polster.plans.locality import Held, Reach, narrowed, needed_columns, read_locality
from polster.plans.probes import Asked, Call, source

AT_WORK = 2
"""A frame at work takes about so many times what its rows take."""
MOST_PARTS = 256
TEXT_BYTES = 32
"""What a text takes, about."""
NESTED_BYTES = 64
SEED = 17
KEEPS_ROWS = re.compile(
    r"SORT BY|OPAQUE_PYTHON|UNIQUE\[|\.over\(|"
    r"(quantile|median|n_unique|unique|mode|implode|sort|sort_by|top_k|bottom_k|rank|reverse|shift|"
    r"group_by_dynamic|rolling\w*|map_\w+)\("
)
"""What holds rows until all have come, as a plan writes it."""


@dataclass(frozen=True, slots=True)
class Parts:
    """How a result is divided: by the hash of a column.

    Attributes:
        held: Where each input holds its values, by parameter.
    """

    column: str
    count: int
    held: Mapping[str, Held]

    def of(
        self, call: Call, frames: Mapping[str, pl.LazyFrame], frame: pl.LazyFrame
    ) -> Sequence[pl.LazyFrame]:
        """Return the parts of ``frame``, which a function returns of ``frames``."""
        return [self._part(call, frames, frame, number) for number in range(self.count)]

    def _part(
        self, call: Call, frames: Mapping[str, pl.LazyFrame], frame: pl.LazyFrame, number: int
    ) -> pl.LazyFrame:
        computed = [(name, held) for name, held in self.held.items() if held.step is not None]
        for name, held in computed[:1]:  # of one input is enough: the rest is filtered at the end
            among = [self._belongs(column, number) for column in held.columns]
            frame = narrowed(call, frames, name, held.step or 0, pl.any_horizontal(among))
        return frame.filter(self._belongs(self.column, number))

    def _belongs(self, column: str, number: int) -> pl.Expr:
        return pl.col(column).hash(SEED) % self.count == number


def in_parts(
    call: Call,
    inputs: Mapping[str, TableVersion],
    terms: Terms,
    last: TableVersion | None,
    *,
    most_bytes: int,
) -> Parts | None:
    """Return how a result is divided so that each part fits; None if it fits, or cannot be divided.

    Args:
        call: The function, its other arguments given.
        inputs: What it reads, by parameter.
        terms: How its rows are judged.
        last: The newest version of the table, which says about how large the next one is.
        most_bytes: The memory that there is.
    """
    every = sum(table.rows * sum(map(_width, table.schema.values())) for table in inputs.values())
    if AT_WORK * every <= most_bytes:
        return None
    schemas = {name: table.schema for name, table in inputs.items()}
    columns = [name for name in terms.returned if name not in AUDIT_COLUMNS]
    try:
        needed = needed_columns(call, schemas, columns)
        local = read_locality(call, schemas)
        result = call({name: source(schema, Asked()) for name, schema in schemas.items()})
        plan = result.explain(optimized=False)
        has_lists = any(each.is_nested() for each in result.collect_schema().dtypes())
    except (Exception, pl.exceptions.PanicException) as error:  # the user's code may want rows
        if is_fault(error, call, schemas):
            raise
        return None
    rules = terms.rules
    keys = dict.fromkeys(name for rule in rules.unique for name in rule.columns)
    rows = 0 if "AGGREGATE" in plan else sum(table.rows for table in inputs.values())
    rows = rows if last is None else last.rows
    held = rows * sum(_width(terms.schema[name]) for name in keys)  # to know a key that comes again
    sizes = sorted(
        table.rows * sum(_width(schemas[name][c]) for c in needed[name] or schemas[name])
        for name, table in inputs.items()
    )
    if KEEPS_ROWS.search(plan) or has_lists:
        held += sum(sizes)
    elif "JOIN:" in plan:  # of one side
        held += sum(sizes[:-1])
    elif last is not None:  # what is added up is as much as what comes of it
        held += last.rows * sum(map(_width, terms.schema.values()))
    count = min(math.ceil(AT_WORK * held / most_bytes), MOST_PARTS)
    if count < 2:
        return None
    if any(each.reach is Reach.WHOLE for each in local.values()):
        return None
    for column in (*keys, *(name for name in columns if name not in keys)):
        if (
            column in terms.returned
            and all(column in each.by for each in local.values())
            and all(column in rule.columns for rule in rules.unique)
            and all(is_local(rule, column, terms.schema) for rule in rules.tables)
            and all(rule.target is not None for rule in rules.references)
        ):
            return Parts(column, count, {name: each.by[column] for name, each in local.items()})
    return None


def _width(dtype: pl.DataType) -> int:
    match dtype:
        case pl.String() | pl.Binary():
            return TEXT_BYTES
        case _ if dtype.is_nested():
            return NESTED_BYTES
        case pl.Boolean() | pl.Int8() | pl.UInt8():
            return 1
        case pl.Decimal():
            return 16
        case pl.Int32() | pl.UInt32() | pl.Float32() | pl.Date():
            return 4
        case _:
            return 8
