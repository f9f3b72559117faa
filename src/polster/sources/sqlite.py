"""SQLite by Python's own module: what a column holds is what its values are, not what it is called.

A file of SQLite has values, and columns that say what these should be. So each column is asked once
what it holds: numbers, text, bytes, or a mixture, which is text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl

from polster.sources.database import Address, Column, Database, RefusedError, quoted, refuse_twins

ROWS_AT_ONCE = 50_000
EXACT = 2**53
"""Whole numbers up to here are floats without a loss."""
HOLDS = (
    "max(typeof({0}) = 'text')",
    "max(typeof({0}) = 'blob')",
    "max(typeof({0}) = 'real')",
    f"max(typeof({{0}}) = 'integer' AND {{0}} NOT BETWEEN -{EXACT} AND {EXACT})",
    "max(typeof({0}) = 'integer')",
)
COLUMNS_AT_ONCE = 300
"""SQLite gives at most 2,000 columns."""


class Sqlite(Database):
    """One connection, which only reads; see :class:`Database`."""

    def __init__(self, address: Address) -> None:
        path = Path(address.database)
        if not path.is_file():
            raise RefusedError("there is no such file", is_reached=False)
        uri = f"file:{quote(str(path.absolute()))}?mode=ro"
        try:
            self._connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            self._connection.create_function("as_text", 1, _as_text, deterministic=True)
            self._connection.execute("BEGIN")
            self._connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchall()
        except sqlite3.Error as error:
            raise RefusedError(str(error), is_reached=False) from error

    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns."""
        relation = self.relation(table, query)
        found = self._do(f"SELECT * FROM {relation} LIMIT 0").description  # noqa: S608 - quoted
        names = [each[0] for each in found]
        if query is not None:
            refuse_twins([each[0] for each in self._do(query).description])
        held: list[Column] = []
        for start in range(0, len(names), COLUMNS_AT_ONCE):
            some = names[start : start + COLUMNS_AT_ONCE]
            asked = ", ".join(each.format(quoted(name)) for name in some for each in HOLDS)
            row = self.row(f"SELECT {asked} FROM {relation}")  # noqa: S608 - quoted
            held += [
                _column(name, *map(bool, row[len(HOLDS) * at : len(HOLDS) * (at + 1)]))
                for at, name in enumerate(some)
            ]
        return held

    def literal(self, value: Any) -> str:
        """Return a number or a text as SQL writes it."""
        if isinstance(value, date):
            raise RefusedError(
                f"`initial` is {value!r}, and SQLite has no dates", "write what the column holds"
            )
        return super().literal(value)

    def row(self, sql: str) -> Sequence[Any]:
        """Return one row."""
        found = self._do(sql).fetchone()
        return tuple(found)

    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield rows."""
        cursor = self._do(sql)
        names = [each[0] for each in cursor.description]
        while rows := self._fetched(cursor):
            columns = zip(*rows, strict=True)
            yield pl.DataFrame(
                [pl.Series(n, each, strict=True) for n, each in zip(names, columns, strict=True)]
            )

    def _fetched(self, cursor: sqlite3.Cursor) -> list[tuple[Any, ...]]:
        try:
            return cursor.fetchmany(ROWS_AT_ONCE)
        except sqlite3.Error as error:
            raise RefusedError(str(error)) from error

    def _do(self, sql: str) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql)
        except sqlite3.Error as error:
            raise RefusedError(str(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _as_text(value: object) -> str | None:
    """Return a number as the shortest text that is this number, and bytes as the text they are."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    return None if value is None else str(value)


def _column(
    name: str,
    has_text: bool,
    has_bytes: bool,
    has_floats: bool,
    has_long: bool,
    has_whole: bool,
) -> Column:
    value = quoted(name)
    has_numbers = has_floats or has_whole
    if has_bytes and not (has_text or has_numbers):
        return Column(name, value, pl.Binary())
    if has_text and not (has_bytes or has_numbers):
        return Column(name, value, pl.String())
    if has_text or has_bytes or (has_floats and has_long):
        return Column(name, f"as_text({value})", pl.String(), is_mixed=True)
    if has_floats:
        return Column(name, f"CAST({value} AS REAL)", pl.Float64())
    return Column(name, value, pl.Int64() if has_whole else pl.Null())
