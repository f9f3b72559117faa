"""PostgreSQL by its ADBC driver: one read-only transaction, binary, a batch at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from polster.sources.database import (
    Address,
    Column,
    Database,
    RefusedError,
    quoted,
    streamed,
    text_literal,
)

PORT = 5432
VIEW = "polster_query"
ATTRIBUTES = """
SELECT attname, format_type(
  coalesce(nullif(t.typbasetype, 0), atttypid),
  CASE WHEN t.typbasetype = 0 THEN atttypmod ELSE t.typtypmod END
)
FROM pg_attribute JOIN pg_type t ON t.oid = atttypid
WHERE attrelid = {}::regclass AND attnum > 0 AND NOT attisdropped
ORDER BY attnum
"""
SQL_STATE = re.compile(r"\.? ?SQLSTATE: \w+")
PREFIX = re.compile(r"^\w+: (?:Failed to prepare query: |\[libpq\] (?:Failed to connect: )?)?")
TYPE = re.compile(
    r"(?P<name>[^(\[]+?)(?:\((?P<one>-?\d+)(?:,(?P<two>-?\d+))?\))?(?P<rest>[a-z ]*)"
    r"(?P<array>(?:\[\])*)"
)
PLAIN: dict[str, pl.DataType] = {
    "smallint": pl.Int16(),
    "integer": pl.Int32(),
    "bigint": pl.Int64(),
    "real": pl.Float32(),
    "double precision": pl.Float64(),
    "boolean": pl.Boolean(),
    "text": pl.String(),
    "character varying": pl.String(),
    "character": pl.String(),
    "bytea": pl.Binary(),
}
MOMENTS: dict[str, tuple[pl.DataType, str]] = {
    "date": (pl.Date(), "NOT isfinite({0}) OR {0} < '0001-01-01' OR {0} > '9999-12-31'"),
    "timestamp without time zone": (
        pl.Datetime("us"),
        "NOT isfinite({0}) OR {0} < '0001-01-01' OR {0} >= '10000-01-01'",
    ),
    "timestamp with time zone": (
        pl.Datetime("us", "UTC"),
        "NOT isfinite({0}) OR {0} < '0001-01-02' OR {0} >= '9999-12-31'",
    ),
    "time without time zone": (pl.Time(), "{0} = '24:00'"),
}
MOST_DIGITS = 38


class Postgres(Database):
    """One connection; see :class:`Database`."""

    def __init__(self, address: Address) -> None:
        from adbc_driver_postgresql import dbapi

        self._error = dbapi.Error
        try:
            self._connection = dbapi.connect(address.login("postgresql", PORT))
            self._begin()
        except dbapi.Error as error:
            raise RefusedError(_said(error), is_reached=False) from error

    def _begin(self) -> None:
        self._do("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")

    def _do(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns."""
        try:
            described = self._described(table, query)
        except self._error as error:
            raise RefusedError(_said(error)) from error
        return [_column(name, written) for name, written in described]

    def _described(self, table: str | None, query: str | None) -> list[tuple[str, str]]:
        """Return names and types, as PostgreSQL writes them.

        Those of a query are those of a view that is there for a moment.
        """
        if table is not None:
            return self._attributes(self.relation(table, None))
        self._connection.rollback()
        try:
            made = f"CREATE TEMPORARY VIEW {VIEW} AS SELECT * FROM ({query}\n) AS q"  # noqa: S608
            self._do("SET TRANSACTION READ WRITE")  # as no reading user is by default
            self._do(made)
            return self._attributes(VIEW)
        finally:
            self._connection.rollback()
            self._begin()

    def _attributes(self, relation: str) -> list[tuple[str, str]]:
        asked = ATTRIBUTES.format(text_literal(relation))
        return [row for rows in self.rows(asked) for row in rows.iter_rows()]

    def row(self, sql: str) -> Sequence[Any]:
        """Return one row."""
        return pl.concat(self.rows(sql)).row(0)

    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield rows."""
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                yield from streamed(cursor.fetch_arrow(), _said)
        except self._error as error:
            raise RefusedError(_said(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _said(error: BaseException) -> str:
    """Return what the server, or the library that speaks to it, says; one line."""
    text = str(error).split("\n\n")[0].split("\nLINE ")[0]
    for begins in ("ERROR:", "FATAL:"):  # what stands before is how the library came to it
        text = text[max(text.find(begins), 0) :]
    return SQL_STATE.sub("", PREFIX.sub("", text.strip())).replace("\n", " ").replace("\t", "")


def _column(name: str, written: str) -> Column:
    """Return how a column is read of a type such as ``numeric(12,2)`` or ``integer[]``."""
    value, found = quoted(name), TYPE.fullmatch(written)
    as_text = Column(name, f"{value}::text", pl.String())
    if found is None:
        return as_text
    kind = found["name"] + found["rest"]
    if found["array"]:
        dtype = PLAIN.get(kind)
        if dtype is None or dtype == pl.Binary:
            return as_text
        several = f"array_ndims({value}) > 1"
        return Column(name, value, pl.List(dtype), several, f"{value}::text")
    if (plain := PLAIN.get(kind)) is not None:
        return Column(name, value, plain)
    if kind in MOMENTS:
        moment, odd = MOMENTS[kind]
        return Column(name, value, moment, odd.format(value), f"{value}::text")
    if kind == "money":
        return Column(name, f"{value}::numeric::text", pl.String())
    if kind == "oid":
        return Column(name, f"{value}::bigint", pl.Int64())
    if kind == "numeric" and found["one"]:
        digits, scale = int(found["one"]), int(found["two"] or 0)
        if digits <= MOST_DIGITS and 0 <= scale <= digits:
            odd = f"{value}::text IN ('NaN', 'Infinity', '-Infinity')"
            return Column(name, f"{value}::text", pl.Decimal(digits, scale), odd, f"{value}::text")
    return as_text
