"""MySQL and MariaDB: what there is by pymysql, the rows by connectorx, as Arrow.

What connectorx would lose, decimals of many digits and dates that are none, comes as text, and
becomes what it is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import polars as pl

from polster.sources.database import Address, Column, Database, RefusedError, quoted, text_literal

PORT = 3306
ROWS_AT_ONCE = 65_536
TABLE = "polster_query"
IN_UTC = "SET time_zone = '+00:00'"
WHOLE: dict[str, tuple[pl.DataType, pl.DataType]] = {
    "tinyint": (pl.Int8(), pl.UInt8()),
    "smallint": (pl.Int16(), pl.UInt16()),
    "mediumint": (pl.Int32(), pl.UInt32()),
    "int": (pl.Int32(), pl.UInt32()),
    "bigint": (pl.Int64(), pl.UInt64()),
}
TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "json", "enum", "set")
BYTES = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")
PLACES = (
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geometrycollection",
)
MOST_DIGITS = 38


class MySql(Database):
    """Two connections, so that not all is of one state; see :class:`Database`."""

    is_consistent = False
    mark = "`"

    def __init__(self, address: Address) -> None:
        import pymysql

        self._error = pymysql.Error
        self._address = address
        try:
            self._connection = pymysql.connect(
                host=address.host,
                port=address.port or PORT,
                user=address.user,
                password=address.password or "",
                database=address.database,
                charset="utf8mb4",
                connect_timeout=10,
                init_command=IN_UTC,
            )
        except (pymysql.Error, RuntimeError) as error:
            raise RefusedError(_said(error), is_reached=False) from error

    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns."""
        relation = self.relation(table, query)
        if table is None:
            limited = f"SELECT * FROM {relation} LIMIT 0"  # noqa: S608 - the user's query
            self._do(f"CREATE TEMPORARY TABLE {TABLE} AS {limited}")
            relation = TABLE
        found = self._do(f"SHOW COLUMNS FROM {relation}")
        if table is None:
            self._do(f"DROP TEMPORARY TABLE {TABLE}")
        return [_column(name, kind.lower()) for name, kind, *_ in found]

    def literal(self, value: Any) -> str:
        """Return a value as SQL writes it; moments are in UTC, as the connections are."""
        match value:
            case datetime():
                moment = value if value.tzinfo is None else value.astimezone(UTC)
                return text_literal(moment.replace(tzinfo=None).isoformat(" "))
            case str():
                if "\\" in value:  # which means itself or not, by a setting of the server's
                    return f"CONVERT(0x{value.encode().hex()} USING utf8mb4)"
                return text_literal(value)
        return super().literal(value)

    def row(self, sql: str) -> Sequence[Any]:
        """Return one row."""
        return tuple(self._do(sql)[0])

    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield rows."""
        import connectorx

        try:
            for batch in connectorx.read_sql(
                self._address.login("mysql", PORT),
                sql,
                return_type="arrow_stream",
                batch_size=ROWS_AT_ONCE,
                pre_execution_query=[IN_UTC],
            ):
                yield pl.DataFrame(batch)
        except RuntimeError as error:
            raise RefusedError(_said(error)) from error

    def _do(self, sql: str) -> Sequence[Sequence[Any]]:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute(sql)
                found: Sequence[Sequence[Any]] = cursor.fetchall()
                return found
        except self._error as error:
            raise RefusedError(_said(error)) from error

    def close(self) -> None:
        """End the connection."""
        self._connection.close()


def _said(error: BaseException) -> str:
    said = error.args[-1] if error.args else error
    return str(said).split("\n")[0]


def _column(name: str, written: str) -> Column:
    """Return how a column is read of a type such as ``decimal(12,2)`` or ``int(11) unsigned``."""
    value = quoted(name, "`")
    kind, _, rest = written.partition("(")
    kind, unsigned = kind.split(" ")[0], "unsigned" in written
    inside = rest.partition(")")[0]
    text = f"CAST({value} AS CHAR)"
    if written.startswith("tinyint(1)"):
        odd = f"{value} NOT IN (0, 1)"
        return Column(name, value, pl.Boolean(), odd, text, wider=WHOLE["tinyint"][unsigned])
    if kind in WHOLE:
        return Column(name, value, WHOLE[kind][unsigned])
    if kind == "year":
        return Column(name, value, pl.Int16())
    if kind in ("float", "double"):
        return Column(name, value, pl.Float32() if kind == "float" else pl.Float64())
    if kind == "decimal":
        digits, _, scale = inside.partition(",")
        if int(digits) <= MOST_DIGITS:
            return Column(name, text, pl.Decimal(int(digits), int(scale or 0)))
        return Column(name, text, pl.String())
    if kind == "date":
        odd = f"{value} < '0001-01-01' OR DAYOFMONTH({value}) = 0 OR MONTH({value}) = 0"
        return Column(name, text, pl.Date(), odd, text, format="%Y-%m-%d")
    if kind in ("datetime", "timestamp"):
        odd = f"{value} < '0001-01-01' OR DAYOFMONTH({value}) = 0 OR MONTH({value}) = 0"
        zone = "UTC" if kind == "timestamp" else None
        return Column(name, text, pl.Datetime("us", zone), odd, text, format="%Y-%m-%d %H:%M:%S%.f")
    if kind == "time":
        odd = f"{value} < '00:00:00' OR {value} >= '24:00:00'"
        return Column(name, text, pl.Time(), odd, text, format="%H:%M:%S%.f")
    if kind == "bit":
        is_one = inside == "1"
        return Column(name, f"{value} + 0", pl.Boolean() if is_one else pl.UInt64())
    if kind in TEXTS:
        return Column(name, value, pl.String())
    if kind in BYTES:
        return Column(name, value, pl.Binary())
    if kind in PLACES:
        return Column(name, f"ST_AsText({value})", pl.String())
    return Column(name, text, pl.String())
