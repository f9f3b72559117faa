"""Whether as much came as a source says that it has."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from threading import Lock

import polars as pl

from polster.errors import AssetError, nearest
from polster.model.asset import BATCH_COLUMN, Asset
from polster.model.record import Counted
from polster.model.since import NUMBER, kind_of
from polster.runtime.refusal import RefusedError
from polster.sources.source import Batch

Number = int | float | Decimal
ROWS = "__polster_rows__"
DIGITS = 10
"""Decimals to which numbers that came as text are added up."""
PRECISION = 1e-9
"""Sums of floats are equal if they differ by no more than this share."""


class Tally:
    """Counts what comes of batches whose source says how much it has; of others, nothing.

    Args:
        asset: Whose batches.
        given: The batches.
        names: Their identifiers, which stand beside the rows if there are several.

    Raises:
        AssetError: What a source says makes no sense.
    """

    def __init__(self, asset: Asset, given: Sequence[Batch], names: Sequence[str]) -> None:
        self.asset = asset
        self.names = names
        self.batches = {
            name: batch
            for name, batch in zip(names, given, strict=True)
            if batch.rows is not None or batch.sums
        }
        self._came: dict[str, dict[str, Number]] = {name: defaultdict(int) for name in self.batches}
        self._lock = Lock()
        self._is_over = False
        for batch in self.batches.values():
            self._check(batch)

    def see(self, rows: pl.DataFrame) -> None:
        """Count rows in, as they stream by on several threads."""
        if self._is_over:
            return
        for name, batch in self.batches.items():
            one = len(self.names) == 1
            own = rows if one else rows.filter(pl.col(BATCH_COLUMN) == name)
            self._add(name, own.select(_asked(batch, own.schema)))

    def see_all(self, rows: pl.LazyFrame) -> None:
        """Count rows of which only some will stream by."""
        for name, batch in self.batches.items():
            asked = rows.select(_asked(batch, rows.collect_schema()))
            self._add(name, asked.collect(engine="streaming"))
        self._is_over = True

    def settle(self) -> Mapping[str, Counted]:
        """Return what was said and what came, ``rows`` and ``sum(column)``, all batches together.

        Raises:
            RefusedError: They differ.
        """
        self._is_over = True
        found: dict[str, list[tuple[Number, Number]]] = {}
        wrong: list[str] = []
        for name, batch in self.batches.items():
            place = self.names.index(name) + 1
            of = f"batch {place} of {len(self.names)}: " if len(self.names) > 1 else ""
            came = self._came[name]
            if batch.rows is not None:
                found.setdefault("rows", []).append((batch.rows, came[ROWS]))
                if batch.rows != came[ROWS]:
                    wrong.append(f"{of}its source says {_rows(batch.rows)}, and {came[ROWS]} came")
            for column, said in batch.sums.items():
                found.setdefault(f"sum({column})", []).append((said, came[column]))
                if not _is_equal(said, came[column]):
                    wrong.append(
                        f"{of}its source says that `{column}` adds up to {_plain(said)}, and what "
                        f"came adds up to {_plain(came[column])}"
                    )
        counted = {
            what: Counted(_added([said for said, _ in each]), _added([came for _, came in each]))
            for what, each in found.items()
        }
        if not wrong:
            return counted
        error = RefusedError(
            f"{'; '.join(wrong)}; nothing was landed",
            code="POL392",
            place=self.asset.place,
            hint="look whether the source was read to its end, and whether it changed meanwhile; "
            "then run it again",
        )
        error.counted = {"source_counts": counted}
        raise error

    def _add(self, name: str, counts: pl.DataFrame) -> None:
        with self._lock:
            for column in counts:
                self._came[name][column.name] += column.item() or 0

    def _check(self, batch: Batch) -> None:
        rows: object = batch.rows
        if rows is not None and (type(rows) is not int or rows < 0):
            raise self._senseless(
                f"says that it has {rows!r} rows", "write a whole number from 0, or leave it out"
            )
        columns = batch.frame.collect_schema()
        for column, said in batch.sums.items():
            if kind_of(said) != NUMBER:
                raise self._senseless(f"says that `{column}` adds up to {said!r}", "write a number")
            if columns and column not in columns:
                close = nearest(column, columns)
                raise self._senseless(
                    f"says what `{column}` adds up to, and sends no such column",
                    f"did you mean `{close}`?" if close else f"it sends: {', '.join(columns)}",
                )
            dtype = columns.get(column, pl.Int64())
            if not dtype.is_numeric() and dtype not in (pl.String, pl.Null):
                raise self._senseless(
                    f"says what `{column}` adds up to, which is {dtype}",
                    "name a column of numbers, or of numbers as text",
                )

    def _senseless(self, what: str, hint: str) -> AssetError:
        return AssetError(f"its source {what}", code="POL393", place=self.asset.place, hint=hint)


def _asked(batch: Batch, schema: pl.Schema) -> list[pl.Expr]:
    sums = [_sum(column, schema[column]) for column in batch.sums if column in schema]
    return [pl.len().alias(ROWS), *sums]


def _sum(column: str, dtype: pl.DataType) -> pl.Expr:
    value = pl.col(column)
    if isinstance(dtype, pl.String):
        value = value.str.strip_chars().cast(pl.Decimal(38, DIGITS), strict=False)
    elif dtype.is_integer():
        value = value.cast(pl.Int128)
    elif isinstance(dtype, pl.Decimal):
        value = value.cast(pl.Decimal(38, dtype.scale))
    return value.sum()


def _is_equal(said: Number, came: Number) -> bool:
    if isinstance(said, float) or isinstance(came, float):
        return math.isclose(said, came, rel_tol=PRECISION, abs_tol=PRECISION)
    return said == came


def _added(numbers: Sequence[Number]) -> int | float | str:
    has_floats = any(isinstance(number, float) for number in numbers)
    return _plain(math.fsum(numbers) if has_floats else sum(numbers))


def _plain(number: Number) -> int | float | str:
    """Return what JSON has a number for; of a decimal the text, which loses none of its digits."""
    if isinstance(number, Decimal):
        return format(number.normalize(), "f")
    return number if math.isfinite(number) else str(number)


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"
