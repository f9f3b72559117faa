"""Any other database, by SQLAlchemy and whatever dialect and driver its address names.

Rows come as Python's values, in batches, which takes a few times as long as the ways that are made
for one database.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import sqlalchemy
from sqlalchemy import exc, types
from sqlalchemy.pool import NullPool

from polster.sources.database import Address, Column, Database, RefusedError, refuse_twins

ROWS_AT_ONCE = 20_000
MOST_DIGITS = 38
KINDS: tuple[tuple[type[types.TypeEngine[Any]], pl.DataType], ...] = (
    (types.Boolean, pl.Boolean()),
    (types.Integer, pl.Int64()),
    (types.Float, pl.Float64()),
    (types.Date, pl.Date()),
    (types.Time, pl.Time()),
    (types.LargeBinary, pl.Binary()),
)
"""By type of SQLAlchemy; what is none of these is text."""
VALUES: dict[type, pl.DataType] = {
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    bytes: pl.Binary(),
}
"""By type of Python, where a query says no more."""


class AnyDatabase(Database):
    """One connection; see :class:`Database`."""

    is_consistent = False

    def __init__(self, address: Address) -> None:
        try:
            url = sqlalchemy.make_url(address.uri)
            if address.password is not None:
                url = url.set(password=address.password)
            self._engine = sqlalchemy.create_engine(url, poolclass=NullPool)
            self._connection = self._engine.connect().execution_options(
                stream_results=True, no_parameters=True
            )
        except exc.NoSuchModuleError as error:
            raise RefusedError(
                f"SQLAlchemy knows no database `{address.uri.partition('://')[0]}`",
                "look at the address; or install the package that adds it to SQLAlchemy",
                is_reached=False,
            ) from error
        except ImportError as error:
            raise RefusedError(
                f"{error.name} is not installed", f"pip install {error.name}", is_reached=False
            ) from error
        except (exc.SQLAlchemyError, ValueError, OSError) as error:
            raise RefusedError(_said(error), is_reached=False) from error
        self._types: list[pl.DataType] = []

    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns: of a table as it is declared, of a query as its first rows are."""
        found = self._declared(table) if table is not None else self._met(query or "")
        self._types = [dtype for _, dtype in found]
        return [Column(name, self.name(name), dtype) for name, dtype in found]

    def _declared(self, table: str) -> list[tuple[str, pl.DataType]]:
        schema, _, name = table.rpartition(".")
        try:
            found = sqlalchemy.inspect(self._connection).get_columns(name, schema or None)
        except exc.NoSuchTableError as error:
            raise RefusedError(f"there is no table {table}") from error
        except exc.SQLAlchemyError as error:
            raise RefusedError(_said(error)) from error
        return [(each["name"], _dtype(each["type"])) for each in found]

    def _met(self, query: str) -> list[tuple[str, pl.DataType]]:
        result = self._do(query)
        names = list(result.keys())
        refuse_twins(names)
        rows = result.fetchmany(ROWS_AT_ONCE)
        result.close()
        return [(name, _dtype_of([row[at] for row in rows])) for at, name in enumerate(names)]

    def row(self, sql: str) -> Sequence[Any]:
        """Return one row."""
        (row,) = self._do(sql).fetchall()
        return tuple(row)

    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield rows, in the types that were said."""
        result = self._do(sql)
        names = list(result.keys())
        try:
            while rows := result.fetchmany(ROWS_AT_ONCE):
                yield pl.DataFrame(
                    [
                        _series(name, [row[at] for row in rows], self._types[at])
                        for at, name in enumerate(names)
                    ]
                )
        except exc.SQLAlchemyError as error:
            raise RefusedError(_said(error)) from error

    def _do(self, sql: str) -> sqlalchemy.CursorResult[Any]:
        try:
            return self._connection.exec_driver_sql(sql)
        except exc.SQLAlchemyError as error:
            raise RefusedError(_said(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
        self._engine.dispose()

    def name(self, column: str) -> str:
        """Return the name of a column as this database writes it."""
        return self._plain(self._engine.dialect.identifier_preparer.quote_identifier(column))

    def relation(self, table: str | None, query: str | None) -> str:
        """Return what stands behind ``FROM``; not every database knows ``AS`` there."""
        return super().relation(table, query) if table is not None else f"({query}\n) q"

    def literal(self, value: Any) -> str:
        """Return a value as this database writes it."""
        written = sqlalchemy.literal(value).compile(
            dialect=self._engine.dialect, compile_kwargs={"literal_binds": True}
        )
        return self._plain(str(written))

    def _plain(self, written: str) -> str:
        """Return SQL as it is sent without parameters, for which drivers want signs doubled."""
        is_doubled = self._engine.dialect.paramstyle in ("format", "pyformat")
        return written.replace("%%", "%") if is_doubled else written


def _dtype(kind: types.TypeEngine[Any]) -> pl.DataType:
    """Return what a type of SQLAlchemy becomes."""
    if isinstance(kind, types.DateTime):
        return pl.Datetime("us", "UTC" if kind.timezone else None)
    if isinstance(kind, types.Numeric) and not isinstance(kind, types.Float):
        if kind.precision is None or kind.precision > MOST_DIGITS:
            return pl.String()
        return pl.Decimal(kind.precision, kind.scale or 0)
    return next((dtype for known, dtype in KINDS if isinstance(kind, known)), pl.String())


def _dtype_of(values: Sequence[Any]) -> pl.DataType:
    """Return what holds values; text holds any."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) != 1:
        return pl.String() if kinds else pl.Null()
    (kind,) = kinds
    if kind is datetime:
        zones = {value.tzinfo is not None for value in values if value is not None}
        return (
            pl.String() if len(zones) > 1 else pl.Datetime("us", "UTC" if True in zones else None)
        )
    if kind in VALUES:
        return VALUES[kind]
    name = kind.__name__
    return {"date": pl.Date(), "time": pl.Time()}.get(name, pl.String())


def _series(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    try:
        fitted = [None if value is None else _fit(value, dtype) for value in values]
        return pl.Series(name, fitted, dtype, strict=True)
    except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError) as error:
        raise RefusedError(
            f"a value of column {int(name[1:]) + 1} is no {dtype}, as it was said to be",
            "name a table in place of the query; or cast it in the query",
        ) from error


def _fit(value: Any, dtype: pl.DataType) -> Any:
    match dtype:
        case pl.String():
            if isinstance(value, dict | list):
                return json.dumps(value, ensure_ascii=False, default=str)
            return value if isinstance(value, str) else str(value)
        case pl.Decimal():
            return Decimal(str(value))
        case pl.Float64():
            return float(value)
        case pl.Boolean():
            return bool(value)
        case pl.Binary():
            return bytes(value)
        case pl.Datetime() if dtype.time_zone is not None:
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return value


def _said(error: Exception) -> str:
    original = getattr(error, "orig", None) or error
    return str(original).strip().partition("\n")[0] or type(error).__name__
