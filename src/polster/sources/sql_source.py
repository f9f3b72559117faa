"""Tables and queries of databases as a source of bronze."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit
from weakref import finalize

import polars as pl

from polster.errors import AssetError, nearest
from polster.model.secret import NoSecretError, Secret
from polster.model.secrets import without_secrets
from polster.model.since import Since
from polster.sources.database import TEXT, VALUE, Address, Column, Database, RefusedError
from polster.sources.source import Batch, Forms, Known
from polster.sources.streamed import streamed

DRIVERS: Final = {
    "postgresql": ("postgres", "Postgres"),
    "postgres": ("postgres", "Postgres"),
    "mysql": ("mysql", "MySql"),
    "mariadb": ("mysql", "MySql"),
    "sqlite": ("sqlite", "Sqlite"),
    "duckdb": ("duckdb_file", "DuckDb"),
}
OTHERS = ("any_database", "AnyDatabase")
"""Reads what no other module is made for."""
IN_FILES = ("sqlite", "duckdb")
DIALECT = re.compile(r"[a-z][a-z0-9]+(\+[a-z0-9_]+)?")
CURSOR = "cursor="
SOURCE = "_source"


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A table or a query; see :class:`polster.sources.source.Source`.

    Attributes:
        since: The cursor by which it is asked for what is new; None if it is read whole.
    """

    address: Address
    scheme: str
    table: str | None
    query: str | None
    since: Since | None
    password: Secret | None

    @property
    def is_all(self) -> bool:
        """Tell whether it gives the same rows again each time."""
        return self.table is not None and self.since is None

    @property
    def name(self) -> str:
        """Return what stands in the rows as where they come from."""
        return self.address.uri if self.table is None else f"{self.address.uri}#{self.table}"

    def ask(self, known: Known) -> Iterable[Batch]:
        """Give all rows."""
        del known
        return [self.read(None)]

    def read(self, start: Any) -> Batch:
        """Give the rows whose cursor is ``start`` or more; all of them if it is None.

        Raises:
            AssetError: The database cannot be reached, or refuses.
        """
        database = self._opened()
        try:
            reading = _Reading(database, self, start)
        except RefusedError as error:
            database.close()
            raise self.refused(error) from error
        except BaseException:
            database.close()
            raise
        finalize(reading, database.close)
        return reading.batch()

    def _opened(self) -> Database:
        module, name = DRIVERS.get(self.scheme, OTHERS)
        try:
            password = self.password.value() if self.password else None
        except NoSecretError as error:
            raise AssetError(error.message, code="POL374", hint=error.hint) from error
        address = self.address
        if password is not None:
            address = replace(address, password=password)
        try:
            opener: Callable[[Address], Database]
            opener = getattr(import_module(f"polster.sources.{module}"), name)
            return opener(address)
        except ImportError as error:
            raise AssetError(
                f"the database {address.uri} cannot be read: {error.name} is not installed",
                code="POL372",
                hint=f"pip install 'polster[{'sql' if self.scheme in DRIVERS else 'sqlalchemy'}]'",
            ) from error
        except RefusedError as error:
            raise self.refused(error) from error

    def refused(self, error: RefusedError) -> AssetError:
        """Say what the database says."""
        said = without_secrets(error.said)
        if error.is_reached:
            return AssetError(
                f"the database {self.address.uri} refuses: {said}",
                code="POL371",
                hint=error.hint
                or "look at the table's name, the query, and what the user may read",
            )
        return AssetError(
            f"the database {self.address.uri} cannot be reached: {said}",
            code="POL370",
            hint=error.hint
            or "look whether it is up, and at its address, the user and the password",
        )


class _Reading:
    """What one state of a database is asked."""

    def __init__(self, database: Database, source: SqlSource, start: Any) -> None:
        self.database = database
        self.source = source
        self.columns = database.columns(source.table, source.query)
        self._check()
        self.relation = database.relation(source.table, source.query)
        if start is not None and source.since is not None:
            cursor = database.name(source.since.column)
            self.relation += f" WHERE {cursor} >= {database.literal(start)}"
        counts = ["count(*) AS n"]
        counts += [
            f"coalesce(sum(CASE WHEN {column.odd} THEN 1 ELSE 0 END), 0) AS n{number}"
            for number, column in enumerate(self._risky)
        ]
        is_asked = database.is_consistent or len(counts) > 1
        counted = [int(n) for n in self._row(counts)] if is_asked else [0]
        self.rows = counted[0] if database.is_consistent else None
        self.odd = [c for c, n in zip(self._risky, counted[1:], strict=True) if n]
        if source.since is not None:
            self._check_cursor(source.since.column)

    @property
    def _risky(self) -> list[Column]:
        return [column for column in self.columns if column.odd]

    def _row(self, counts: list[str]) -> Iterable[Any]:
        asked = ", ".join(counts)
        return self.database.row(f"SELECT {asked} FROM {self.relation}")  # noqa: S608 - quoted

    def _check_cursor(self, name: str) -> None:
        """See whether what comes later can be told by the cursor.

        Raises:
            RefusedError: It holds what has no place in its order; later rows would never be seen.
        """
        column = next(each for each in self.columns if each.name == name)
        if column in self.odd:
            holds = f"values that are no {column.dtype}, such as infinity"
        elif column.is_mixed:
            holds = "values of several kinds"
        else:
            return
        raise RefusedError(
            f"the cursor `{name}` holds {holds}, after which nothing would be new",
            f'keep them out: query="SELECT … WHERE …"; or choose another column than `{name}`',
        )

    def _check(self) -> None:
        names = [column.name for column in self.columns]
        if not names:
            raise RefusedError("there are no columns that could be read")
        since = self.source.since
        if since is not None and since.column not in names:
            close = nearest(since.column, names)
            raise RefusedError(
                f"there is no column `{since.column}`, which is to be the cursor",
                f"did you mean `{close}`?" if close else f"there are: {', '.join(names)}",
            )

    def batch(self) -> Batch:
        """Return the rows; a column with values that its type cannot hold is of a wider one."""
        read = self._frame()
        if not self.odd:
            return Batch(read, rows=self.rows, forms=Forms(read, {}))
        names = {c.name: (c.name + VALUE, c.name + TEXT) for c in self.odd}
        apart = read.with_columns(
            *(pl.col(name).alias(value) for name, (value, _) in names.items()),
            *(pl.col(c.name + TEXT).cast(c.wider).alias(c.name) for c in self.odd),
        ).with_columns(
            pl.when(pl.col(value).is_null()).then(pl.col(text)).alias(text)
            for value, text in names.values()
        )
        plain = apart.select(*(column.name for column in self.columns), SOURCE)
        return Batch(plain, rows=self.rows, forms=Forms(apart, names))

    def _frame(self) -> pl.LazyFrame:
        odd = {column.name for column in self.odd}
        values = [
            f"CASE WHEN {c.odd} THEN NULL ELSE {c.value} END" if c.name in odd else c.value
            for c in self.columns
        ]
        values += [column.text for column in self.odd]
        names = [column.name for column in self.columns] + [c.name + TEXT for c in self.odd]
        listed = ", ".join(f"{each} AS c{number}" for number, each in enumerate(values))
        sql = f"SELECT {listed} FROM {self.relation}"  # noqa: S608 - names and values are quoted
        texts = {column.name + TEXT: pl.String() for column in self.odd}
        schema = pl.Schema({**{c.name: c.dtype for c in self.columns}, **texts})
        fitted = [column.fitted() for column in self.columns]

        def pieces() -> Iterator[pl.DataFrame]:
            for batch in self._pieces(sql):
                batch.columns = names
                yield batch.with_columns(fitted).cast(schema)

        return streamed(pieces, schema).with_columns(pl.lit(self.source.name).alias(SOURCE))

    def _pieces(self, sql: str) -> Iterator[pl.DataFrame]:
        try:
            yield from self.database.rows(sql)
        except RefusedError as error:
            raise self.source.refused(error) from error


def sql(
    uri: str,
    *,
    table: str | None = None,
    query: str | None = None,
    cursor: str | None = None,
    overlap: str | float | Decimal | timedelta | None = None,
    initial: Any = None,
    password: Secret | None = None,
) -> SqlSource:
    """Read a table or a query of a database, as what a bronze function returns.

    Rows stream, with the types of the database. Of PostgreSQL, SQLite and DuckDB all is of one
    state, and the run compares how many rows the database counts with how many landed.

    Args:
        uri: Such as ``postgresql://user@host:5432/shop``, ``mysql://user@host/shop``,
            ``mariadb://…``, ``sqlite:///shop.db`` or ``duckdb:///shop.duckdb``; a path is one in
            the project's folder, with four slashes from the root. Any other is SQLAlchemy's, such
            as ``mssql+pyodbc://user@host/shop?driver=…`` or ``oracle+oracledb://user@host/…``.
        table: Its name, ``schema.table`` if it is another schema.
        query: In its place, a query.
        cursor: With ``load="append"``, the column by which what is new is asked for; see
            :meth:`polster.RunContext.since`.
        overlap: What is read once more, for rows that turn up late.
        initial: From where on to read as long as nothing has landed; all if it is not given.
        password: Such as ``polster.secret("SHOP_PASSWORD")``.

    Raises:
        AssetError: An argument makes no sense.
        SinceError: Cursor, overlap or initial value make no sense.
    """
    parts = urlsplit(uri)
    shown = without_secrets(uri)
    is_other = parts.scheme not in DRIVERS
    if is_other and (not DIALECT.fullmatch(parts.scheme) or nearest(parts.scheme, DRIVERS)):
        close = nearest(parts.scheme, DRIVERS)
        known = ", ".join(f"{each}://" for each in DRIVERS)
        raise _wrong(
            f"`{shown}` begins with none of {known} and no dialect of SQLAlchemy",
            f"did you mean {close}://?"
            if close
            else "write the address of a database, such as postgresql://user@host/shop",
        )
    if (table is None) is (query is None):
        raise _wrong("it takes a table or a query", 'write table="sale"; or query="SELECT …"')
    if query is not None and query.rstrip().endswith(";"):
        query = query.rstrip().rstrip(";")
    if cursor is None and (overlap is not None or initial is not None):
        raise _wrong("`overlap` and `initial` are about a cursor", 'write cursor="updated_at", too')
    named = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    is_apart = parts.scheme not in IN_FILES and "@" in parts.path + parts.query + parts.fragment
    if parts.password is not None or is_apart or named & {"password", "passwd", "pwd"}:
        raise _wrong(
            "the password stands in the code",
            'write password=polster.secret("SHOP_PASSWORD"), and put it into the environment',
        )
    reads_options = is_other or parts.scheme.startswith("postgres")
    if parts.fragment or (parts.query and not reads_options):
        raise _wrong(
            f"`{shown}` ends with options, which nobody reads", "leave out what follows `?` or `#`"
        )
    if password is not None and not isinstance(password, Secret):
        raise _wrong(
            "`password` is a text, and would stand in the code",
            'write password=polster.secret("SHOP_PASSWORD"), and put it into the environment',
        )
    try:
        port = parts.port
    except ValueError:  # which may quote a part of a password
        raise _wrong("the address has no port that could be one", "write it: host:5432") from None
    is_file = parts.scheme in IN_FILES
    path = unquote(parts.path)
    address = Address(
        shown,
        parts.hostname or "localhost",
        port,
        unquote(parts.username) if parts.username else None,
        path.removeprefix("/") if not path.startswith("//") or not is_file else path[1:],
        parts.query,
    )
    if not address.database and not is_other:
        raise _wrong(f"`{shown}` names no database", "write it at the end: …/shop")
    since = Since(cursor, overlap, initial, CURSOR) if cursor is not None else None
    return SqlSource(address, parts.scheme, table, query, since, password)


def _wrong(message: str, hint: str) -> AssetError:
    return AssetError(f"`sql`: {message}", code="POL373", hint=hint or None)
