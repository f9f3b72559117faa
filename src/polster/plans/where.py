"""Rows of a table chosen by a condition in SQL, as ``--where`` gives it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from polster.plans.locality import Reach, read_locality

HOLDS = "__polster_holds__"
TABLE = "self"


@dataclass(frozen=True, slots=True)
class Where:
    """A condition that each row is judged by alone.

    Attributes:
        columns: What it looks at, at least one.
    """

    sql: str
    columns: tuple[str, ...]

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows that it holds for; they have its columns in the types of the contract."""
        asked = f"SELECT * FROM {TABLE} WHERE ({self.sql}\n)"  # noqa: S608 - over the user's rows
        return rows.sql(asked, table_name=TABLE)

    def holds(self, value: Callable[[str], pl.Expr] = pl.col) -> pl.Expr:
        """Return whether it holds for a row; a null is no.

        Args:
            value: The value of a column in the type of the contract.
        """
        row = pl.struct(value(name).alias(name) for name in self.columns)
        return row.map_batches(self._judge, return_dtype=pl.Boolean, is_elementwise=True)

    def _judge(self, rows: pl.Series) -> pl.Series:
        asked = f"SELECT ({self.sql}\n) AS {HOLDS} FROM {TABLE}"  # noqa: S608 - as above
        judged = rows.struct.unnest().lazy().sql(asked, table_name=TABLE)
        # of its streaming threads Polars has few, and here one waits: all could, for each other
        return judged.collect(engine="in-memory")[HOLDS].fill_null(value=False)


def read_where(sql: str, schema: Mapping[str, pl.DataType] | None = None) -> Where:
    """Read a condition, and see that it makes sense.

    Args:
        sql: In the SQL of Polars; text beside a date or a moment is read as one.
        schema: Columns of the table, and their types; None if they are not known yet.

    Raises:
        ValueError: It is none, looks at no column or at one that is not there, or not at each row
            by itself.
    """
    try:
        columns = tuple(dict.fromkeys(pl.sql_expr(sql).meta.root_names()))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(f"it cannot be read: {_first_line(error)}") from error
    if not columns:
        raise ValueError("it looks at no column")
    where = Where(sql, columns)
    if schema is None:
        return where
    if absent := [name for name in columns if name not in schema]:
        raise ValueError(f"there is no column `{absent[0]}`; there are: {', '.join(schema)}")
    empty = pl.DataFrame({name: [None] for name in columns}, {n: schema[n] for n in columns})
    try:
        where.of(empty.lazy()).collect()  # text that is no date is found with rows alone
        reach = read_locality(lambda rows: where.of(rows[TABLE]), {TABLE: pl.Schema(schema)})
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise ValueError(f"it cannot be computed: {_first_line(error)}") from error
    if reach[TABLE].reach is not Reach.ROW_LOCAL:
        raise ValueError("it looks at other rows than the one that it is asked of")
    return where


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0]
