"""What every database is asked in the same way, whatever it speaks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

import polars as pl

VALUE = "\0value"
TEXT = "\0text"
"""End the names of columns: values that a type can hold, and as text those that it cannot."""


class RefusedError(Exception):
    """The database refuses; the message is its own.

    Args:
        said: What it says.
        hint: How to mend it, if that is known.
        is_reached: Whether it was there at all, and let us in.
    """

    def __init__(self, said: str, hint: str = "", *, is_reached: bool = True) -> None:
        super().__init__(said)
        self.said = said
        self.hint = hint
        self.is_reached = is_reached


@dataclass(frozen=True, slots=True)
class Address:
    """Where a database is.

    Attributes:
        uri: As it was written, without a password.
        database: Its name; of a file, the path.
    """

    uri: str
    host: str
    port: int | None
    user: str | None
    database: str
    options: str
    password: str | None = field(default=None, repr=False)

    def login(self, scheme: str, port: int) -> str:
        """Return it with the password, for those who log in.

        >>> Address("", "::1", None, "ann", "shop", "", "a/b").login("mysql", 3306)
        'mysql://ann:a%2Fb@[::1]:3306/shop'
        """
        who = quote(self.user or "", safe="")
        if self.password is not None:
            who += ":" + quote(self.password, safe="")
        host = f"[{self.host}]" if ":" in self.host else self.host
        options = f"?{self.options}" if self.options else ""
        at = f"{who}@" if who else ""
        return f"{scheme}://{at}{host}:{self.port or port}/{quote(self.database)}{options}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of what is read.

    Attributes:
        name: Its name.
        value: In SQL, the value, or text that says it.
        dtype: What it becomes.
        odd: In SQL, what holds of values that ``dtype`` cannot hold; empty if it holds all.
        text: In SQL, such a value as text.
        wider: What the column becomes if there are such values.
        format: Of moments that come as text.
        is_mixed: Whether it holds values of several kinds, which no order puts together.
    """

    name: str
    value: str
    dtype: pl.DataType
    odd: str = ""
    text: str = ""
    wider: pl.DataType = field(default_factory=pl.String)
    format: str = ""
    is_mixed: bool = False

    def fitted(self) -> pl.Expr:
        """Return the value in its type, as it comes from the database.

        It fails if it does not fit: somebody changed it since it was looked at.
        """
        column, dtype = pl.col(self.name), self.dtype
        match dtype:
            case pl.Decimal():
                return column.cast(dtype)
            case pl.Date() if self.format:
                return column.str.to_date(self.format)
            case pl.Datetime() if self.format:
                return column.str.to_datetime(
                    self.format, time_unit="us", time_zone=dtype.time_zone
                )
            case pl.Time() if self.format:
                return column.str.to_time(self.format)
        return column.cast(dtype)


class Database(ABC):
    """A connection, and what it is asked.

    Attributes:
        is_consistent: Whether all that is asked is of one state.
        mark: What names stand between.
    """

    is_consistent = True
    mark = '"'

    @abstractmethod
    def columns(self, table: str | None, query: str | None) -> list[Column]:
        """Return the columns of a table or of a query.

        Raises:
            RefusedError: There is no such table, or the query makes no sense.
        """

    @abstractmethod
    def row(self, sql: str) -> Sequence[Any]:
        """Return the one row that a query gives."""

    @abstractmethod
    def rows(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yield what a query gives, a piece at a time."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""

    def name(self, column: str) -> str:
        """Return the name of a column as SQL writes it."""
        return quoted(column, self.mark)

    def relation(self, table: str | None, query: str | None) -> str:
        """Return what stands behind ``FROM``."""
        if table is not None:
            return ".".join(map(self.name, table.split(".")))
        return f"({query}\n) AS q"

    def literal(self, value: Any) -> str:
        """Return a date, a moment, a number or a text as SQL writes it."""
        match value:
            case datetime():
                kind = "TIMESTAMP" if value.tzinfo is None else "TIMESTAMPTZ"
                return f"{kind} {text_literal(value.isoformat(' '))}"
            case date():
                return f"DATE {text_literal(value.isoformat())}"
            case str():
                return text_literal(value)
        return str(value)


def streamed(stream: Any, said: Callable[[BaseException], str]) -> Iterator[pl.DataFrame]:
    """Yield the batches of a stream of Arrow.

    Args:
        stream: What has ``__arrow_c_stream__``.
        said: Makes one line of what is raised; that is of no class of its own.

    Raises:
        RefusedError: It ends before its end.
    """
    from arro3.core import RecordBatchReader

    try:
        for batch in RecordBatchReader.from_stream(stream):
            yield pl.DataFrame(batch)
    except Exception as error:
        raise RefusedError(said(error)) from error


def refuse_twins(names: Sequence[str]) -> None:
    """See whether each column has a name of its own.

    Raises:
        RefusedError: Two have not.
    """
    twins = [name for name in names if names.count(name) > 1]
    if twins:
        raise RefusedError(
            f"several columns are called `{twins[0]}`",
            "name each in the query: SELECT a.id AS order_id, …",
        )


def quoted(name: str, mark: str = '"') -> str:
    """Return a name as SQL writes it.

    >>> quoted('a"b')
    '"a""b"'
    """
    return mark + name.replace(mark, mark * 2) + mark


def text_literal(value: str) -> str:
    """Return a text as SQL writes it.

    >>> text_literal("it's")
    "'it''s'"
    """
    return "'" + value.replace("'", "''") + "'"
