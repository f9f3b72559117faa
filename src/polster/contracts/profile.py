"""What is counted of a table's rows while they stream by, to compare one version with the next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

import polars as pl

AHEAD = timedelta(days=1)
"""A moment so far after the run's start still counts: its zone may be unknown."""
FIELD = "\0"
"""Joins a column and a field of its structs to one key; no name of a column or a field holds it."""
ITEMS = f"{FIELD}{FIELD}"
"""After the key of a list of structs: the rows in which it is not empty."""


def names_of(columns: Mapping[str, object]) -> dict[str, str]:
    r"""Return the keys of columns, and of the fields in their structs, by the names users write.

    A field of the structs in a list is named like one of a struct.

    >>> orders = {"id": pl.Int64(), "person": pl.Struct({"email": pl.String()})}
    >>> names_of(orders)
    {'id': 'id', 'person': 'person', 'person.email': 'person\x00email'}
    >>> list(names_of({**orders, "person.email": pl.String()}))
    ['id', 'person', 'person.email', "person['email']"]
    """
    names = {name: name for name in columns}
    for key in _fields(columns):
        first, *rest = key.split(FIELD)
        dotted = ".".join((first, *rest))
        names[first + "".join(f"['{each}']" for each in rest) if dotted in names else dotted] = key
    return names


def _fields(columns: Mapping[str, object], above: str = "") -> Iterator[str]:
    for name, dtype in columns.items():
        if above:
            yield above + name
        inner = _item(dtype)
        if isinstance(inner, pl.Struct):
            yield from _fields(dict(inner), f"{above}{name}{FIELD}")


def _item(dtype: object) -> object:
    """Return the type of what a list holds, however deep; any other type itself."""
    while isinstance(dtype, pl.List | pl.Array):
        dtype = dtype.inner
    return dtype


def _nulls(rows: pl.DataFrame, above: str = "") -> Iterator[tuple[str, int]]:
    """Count nulls; a field of a struct that is null is null, too.

    A field of the structs in a list is null in a row where no struct of it holds a value; in how
    many rows there are any is counted as the list's :data:`ITEMS`.
    """
    for column in rows:
        count = column.null_count()
        if count or above:
            yield above + column.name, count
        if isinstance(column.dtype, pl.Struct):
            yield from _nulls(column.struct.unnest(), f"{above}{column.name}{FIELD}")
        elif isinstance(_item(column.dtype), pl.Struct):
            key = above + column.name
            lists = column.arr.to_list() if isinstance(column.dtype, pl.Array) else column
            yield key + ITEMS, int((lists.list.len() > 0).sum())
            filled = _filled(pl.col(column.name), column.dtype, key)
            counts = {name: (~has_any).fill_null(value=True).sum() for name, has_any in filled}
            counted = column.to_frame().select(**counts)
            yield from zip(counted.columns, map(int, counted.row(0)), strict=True)


def _filled(value: pl.Expr, dtype: object, key: str) -> Iterator[tuple[str, pl.Expr]]:
    """Yield for each field inside ``value`` whether any struct there holds a value of it."""
    match dtype:
        case pl.Struct():
            for each in dtype.fields:
                inner, name = value.struct.field(each.name), f"{key}{FIELD}{each.name}"
                yield name, inner.is_not_null()
                yield from _filled(inner, each.dtype, name)
        case pl.Array():
            yield from _filled(value.arr.to_list(), pl.List(dtype.inner), key)
        case pl.List():
            for name, has_any in _filled(pl.element(), dtype.inner, key):
                yield name, value.list.eval(has_any).list.any()


@dataclass(slots=True)
class Profile:
    """The rows of one version, counted column by column; filled on several threads at once.

    Attributes:
        dated: Columns whose newest moment is wanted.
        at: When the run started; what lies more than a day after it counts as no moment.
        nulls: Nulls by column, those without any left out, and by field of a struct, none left
            out.
        newest: The newest moment by column of ``dated``, UTC; a date is over when its day is.
        columns: What the rows have.
        items: Rows in which a list of structs is not empty, by the list's key.
    """

    dated: Collection[str]
    at: datetime
    rows: int = 0
    nulls: Counter[str] = field(default_factory=Counter)
    newest: dict[str, datetime] = field(default_factory=dict)
    columns: Mapping[str, object] = field(default_factory=dict)
    items: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def see(self, batch: pl.DataFrame) -> None:
        """Count ``batch`` in."""
        counts = dict(_nulls(batch))
        items = {key: counts.pop(key) for key in [*counts] if key.endswith(ITEMS)}
        moments = {name: self._newest(batch[name]) for name in self.dated if batch.height}
        with self._lock:
            self.rows += batch.height
            self.columns = batch.schema
            self.nulls.update(counts)
            self.items.update(items)
            for name, moment in moments.items():
                if moment is not None:
                    self.newest[name] = max(moment, self.newest.get(name, moment))

    def add(self, other: Profile) -> None:
        """Count in what ``other`` has counted of other rows."""
        self.rows += other.rows
        self.columns = other.columns or self.columns
        self.nulls.update(other.nulls)
        self.items.update(other.items)
        for name, moment in other.newest.items():
            self.newest[name] = max(moment, self.newest.get(name, moment))

    def nulls_beside(
        self,
        last: LastVersion | None,
        columns: Mapping[str, object],
        *,
        is_added: bool = False,
        beside: int = 0,
    ) -> Mapping[str, int]:
        """Return the nulls by column as the next version is to be compared with them.

        Without rows, what ``last`` knew is carried on: 1 for a column that held no value there.
        So is, where these rows are added or say nothing of a field, that it held values before: one
        null less.
        """
        if beside:
            return self._nulls_with(last, beside)
        if self.rows:
            return {
                key: nulls - (nulls == self.rows and (is_added or not self.says_of(key)))
                if last is not None and last.was_filled(key)
                else nulls
                for key, nulls in self.nulls.items()
            }
        filled = {
            key: last is not None and last.was_filled(key) for key in names_of(columns).values()
        }
        return {key: int(not each) for key, each in filled.items() if FIELD in key or not each}

    def _nulls_with(self, last: LastVersion | None, beside: int) -> Mapping[str, int]:
        """Return the nulls of these rows and of those of ``last`` that stay, as far as known.

        A column that held values is one that does, until all of the table is counted again.
        """
        known = {} if last is None or last.nulls is None else last.nulls
        rows = self.rows + beside
        found: dict[str, int] = {}
        for key in {*known, *self.nulls}:
            here = self.nulls.get(key, 0)
            was_filled = last is not None and last.was_filled(key)
            is_empty = not was_filled and here == self.rows
            found[key] = rows if is_empty else min(known.get(key, 0) + here, rows - 1)
        return found

    def says_of(self, key: str) -> bool:
        """Tell whether a field can hold a value here: the list of its structs has any."""
        return not any(
            not rows and key.startswith(f"{list_.removesuffix(ITEMS)}{FIELD}")
            for list_, rows in self.items.items()
        )

    def _newest(self, column: pl.Series) -> datetime | None:
        moments = column.cast(pl.Datetime("us", getattr(column.dtype, "time_zone", None)))
        if column.dtype == pl.Date():
            moments = moments + timedelta(days=1)
        if column.dtype.is_temporal() and getattr(column.dtype, "time_zone", None):
            moments = moments.dt.convert_time_zone("UTC")
        else:
            moments = moments.dt.replace_time_zone("UTC")
        newest = moments.filter(moments <= self.at + AHEAD).max()
        return newest if isinstance(newest, datetime) else None


@dataclass(frozen=True, slots=True)
class LastVersion:
    """What is known of the version that the next one is compared with.

    Attributes:
        rows: Rows that its readers get; of bronze, those of the latest batch.
        columns: Its columns.
        nulls: Nulls by column, those without any left out, and by field of a struct, those left
            out that nobody has counted; None if nobody has counted any. Without rows, 1 for each
            column that held no value before either.
        newest: The newest moment by column whose freshness was expected.
    """

    rows: int
    columns: Collection[str]
    nulls: Mapping[str, int] | None = None
    newest: Mapping[str, datetime] = field(default_factory=dict)

    def was_filled(self, column: str) -> bool:
        """Tell whether ``column``, or the field of that key, is known to have held a value."""
        return (
            self.nulls is not None
            and column in (self.nulls if FIELD in column else self.columns)
            and self.nulls.get(column, 0) < max(self.rows, 1)
        )
