"""DuckDB by its own library: Arrow, a batch at a time; the file is opened to be read only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from polster.sources.database import (
    Address,
    Column,
    Database,
    RefusedError,
    quoted,
    refuse_twins,
    streamed,
)

PLAIN: dict[str, pl.DataType] = {
    "TINYINT": pl.Int8(),
    "SMALLINT": pl.Int16(),
    "INTEGER": pl.Int32(),
    "BIGINT": pl.Int64(),
    "UTINYINT": pl.UInt8(),
    "USMALLINT": pl.UInt16(),
    "UINTEGER": pl.UInt32(),
    "UBIGINT": pl.UInt64(),
    "FLOAT": pl.Float32(),
    "DOUBLE": pl.Float64(),
    "BOOLEAN": pl.Boolean(),
    "VARCHAR": pl.String(),
    "BLOB": pl.Binary(),
}
MOMENTS: dict[str, pl.DataType] = {
    "DATE": pl.Date(),
    "TIMESTAMP": pl.Datetime("us"),
    "TIMESTAMP WITH TIME ZONE": pl.Datetime("us", "UTC"),
}
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


class DuckDb(Database):
    """One connection; see :class:`Database`."""

    def __init__(self, address: Address) -> None:
        import duckdb

        self._error = duckdb.Error
        if not Path(address.database).is_file():
            raise RefusedError("there is no such file", is_reached=False)
        try:
            self._connection = duckdb.connect(address.database, read_only=True)
            self._connection.execute("SET TimeZone = 'UTC'")
            self._connection.begin()
        except duckdb.Error as error:
            raise RefusedError(_said(error), is_reached=False) from error

    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns."""
        relation = self.relation(table, query)
        found = self._do(f"DESCRIBE SELECT * FROM {relation}").fetchall()  # noqa: S608 - quoted
        if query is not None:
            refuse_twins([name for name, *_ in self._do(f"DESCRIBE {query}").fetchall()])
        return [_column(name, kind) for name, kind, *_ in found]

    def row(self, sql: str) -> Sequence[Any]:
        """Return one row."""
        (row,) = self._do(sql).fetchall()
        return tuple(row)

    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield rows."""
        try:
            yield from streamed(self._connection.sql(sql), _said)
        except self._error as error:
            raise RefusedError(_said(error)) from error

    def _do(self, sql: str) -> Any:
        try:
            return self._connection.execute(sql)
        except self._error as error:
            raise RefusedError(_said(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _said(error: BaseException) -> str:
    return str(error).split("\n")[0]


def _column(name: str, kind: str, value: str = "") -> Column:
    value = value or quoted(name)
    if (plain := PLAIN.get(kind)) is not None:
        return Column(name, value, plain)
    if (moment := MOMENTS.get(kind)) is not None:
        odd = f"NOT isfinite({value}) OR {value} < '0001-01-02' OR {value} >= '9999-12-31'"
        if kind != "TIMESTAMP WITH TIME ZONE":
            odd = f"NOT isfinite({value}) OR year({value}) NOT BETWEEN 1 AND 9999"
        return Column(name, value, moment, odd, f"{value}::VARCHAR")
    if kind == "TIME":
        return Column(name, value, pl.Time(), f"{value} = '24:00:00'", f"{value}::VARCHAR")
    if kind in ("TIMESTAMP_S", "TIMESTAMP_MS"):
        return _column(name, "TIMESTAMP", f"{value}::TIMESTAMP")
    if found := DECIMAL.fullmatch(kind):
        return Column(name, value, pl.Decimal(int(found[1]), int(found[2])))
    if kind.endswith("[]") and (each := PLAIN.get(kind[:-2])) is not None:
        return Column(name, value, pl.List(each))
    return Column(name, f"{value}::VARCHAR", pl.String())
