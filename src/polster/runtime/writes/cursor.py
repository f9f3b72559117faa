"""A function that asks how far its table has come: the mark it is told, and what then is new."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from polster.contracts.judge import Terms
from polster.errors import AssetError, nearest
from polster.lakehouse.high_water import files_that_may_hold, high_water_mark
from polster.lakehouse.row_changes import rows_beyond
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AUDIT_COLUMNS, Asset, Load
from polster.model.layer import Layer
from polster.model.since import (
    DATE,
    KINDS,
    MOMENT,
    NUMBER,
    TEXT,
    ZONED,
    Since,
    SinceError,
)
from polster.runtime.stage import Staged
from polster.sources.frame import is_in_memory
from polster.sources.scratch import scratch_folder

FAILED = "__polster_failed__"
CURSOR = "__polster_cursor__"


@dataclass(slots=True)
class Marks:
    """What a function is told by ``run.since``, and that it asked.

    Attributes:
        asset: Whose function it is.
        given: What a test says of a table that there is not.
        table: Its table, once it is open; None if there is none.
        asked: What it asked; None as long as it did not.
        mark: The greatest value that has landed; None if none has.
        is_over: Whether the function has returned.
    """

    asset: Asset
    given: Mapping[str, Any]
    table: TableVersion | None = None
    asked: Since | None = None
    mark: Any = None
    is_over: bool = False

    def __call__(self, asked: Since) -> Any:
        """Return the greatest value that has landed; None if none has.

        Raises:
            SinceError: Nobody may ask that.
        """
        if self.is_over:
            raise SinceError(
                "`run.since` is asked after the function has returned",
                "ask before the query is made, and use the answer in it",
            )
        return self.tell(asked)

    def tell(self, asked: Since) -> Any:
        """Return the greatest value that has landed, to whom the function returned.

        Raises:
            SinceError: Nobody may ask that.
        """
        if self.asset.key.layer is not Layer.BRONZE or self.asset.options.load is not Load.APPEND:
            raise SinceError(
                f"`{asked.word}` is asked by `{self.asset.key}`, which does not add to its table",
                'it is for bronze that appends: @bronze(load="append")',
            )
        if self.asked is not None and self.asked.column != asked.column:
            raise SinceError(
                f"`{asked.word}` is asked for `{asked.column}` and for `{self.asked.column}`",
                "a table has one cursor; land the other source in a table of its own",
            )
        self.asked = asked
        if self.table is None:
            return self.given.get(asked.column)
        _check_column(asked, self.table.schema, "its table")
        self.mark = high_water_mark(self.table, asked.column)
        return self.mark


def _check_column(asked: Since, schema: pl.Schema, where: str) -> str | None:
    """Return what the values of a cursor are; None if it has none yet.

    Raises:
        SinceError: There is no such column, or it can be none.
    """
    column = asked.column
    if column not in schema or column in AUDIT_COLUMNS:
        names = [name for name in schema if name not in AUDIT_COLUMNS]
        close = nearest(column, names)
        raise SinceError(
            f"`{asked.word}` names the column `{column}`, which {where} does not have",
            f"did you mean `{close}`?" if close else f"it has: {', '.join(names)}",
            "POL395",
        )
    kind = _kind(schema[column])
    if kind is None and schema[column] != pl.Null:
        raise SinceError(
            f"`{asked.word}` names the column `{column}`, which is {schema[column]}",
            f"name one of {KINDS}, whose values grow",
            "POL395",
        )
    return kind


def _kind(dtype: pl.DataType) -> str | None:
    match dtype:
        case pl.Datetime():
            return ZONED if dtype.time_zone else MOMENT
        case pl.Date():
            return DATE
        case pl.String():
            return TEXT
    return NUMBER if dtype.is_numeric() else None


@dataclass(slots=True)
class Cursor:
    """What is new in the rows that a function returned since a mark.

    Attributes:
        asset: Whose function it is.
        asked: What it asked.
        mark: The greatest value that has landed; None if none has.
        terms: How its rows are judged.
        notes: What the user should know.
    """

    asset: Asset
    asked: Since
    mark: Any
    terms: Terms
    notes: list[str] = field(default_factory=list)

    def check(self, table: TableVersion | None) -> None:
        """See whether the rows have the column, and whether it is what it was.

        Raises:
            AssetError: They do not, or it is not.
        """
        column, schema = self.asked.column, self.terms.schema
        try:
            kind = _check_column(self.asked, schema, "the function's frame")
            if kind is not None:
                self.asked.check(kind, is_whole=schema[column].is_integer())
        except SinceError as error:
            raise wrong(self.asset, error) from error
        if table is None or self.mark is None or kind is None:
            return
        if kind != _kind(table.schema[column]):
            raise AssetError(
                f"`{column}`, which `{self.asked.word}` names, is {schema[column]} now and "
                f"{table.schema[column]} in the table: what is new cannot be told",
                code="POL395",
                place=self.asset.place,
                hint=f"let the function return {table.schema[column]}, as it did; to begin anew, "
                f"move {table.uri} away",
            )

    def check_landing(self, staged: Staged) -> None:
        """See whether all that lands can be compared, and tell of rows without a value.

        Raises:
            AssetError: A value is no number.
        """
        column = pl.col(self.asked.column)
        if not staged.files:
            return
        is_float = staged.schema[self.asked.column].is_float()
        odd = ~column.is_finite() if is_float else pl.lit(value=False)
        rows = staged.staging.scan(staged.files, staged.schema)
        counts = rows.select(nulls=column.null_count(), odd=odd.sum()).collect(engine="streaming")
        nulls, odds = counts.row(0)
        if odds:
            raise AssetError(
                f"`{self.asked.column}`, which `{self.asked.word}` names, is NaN or infinite in "
                f"{odds} {'row' if odds == 1 else 'rows'}: nothing is greater than that",
                code="POL395",
                place=self.asset.place,
                hint="make it null or filter it in the function; or let a contract keep it out",
            )
        if nulls:
            self.notes.append(
                f"{nulls} {'row has' if nulls == 1 else 'rows have'} no `{self.asked.column}`: "
                "landed, but no later run asks for such rows by it"
            )

    def new_rows(
        self,
        rows: pl.LazyFrame,
        table: TableVersion,
        kept_out: Callable[[str, pl.Series], pl.LazyFrame | None],
    ) -> tuple[pl.LazyFrame, int]:
        """Return the rows that did not come before, and how many others there were.

        Args:
            rows: What the function returned, fit to be read several times.
            table: What has landed.
            kept_out: Finds the rows with some values of a column that were quarantined, as they
                were returned.
        """
        column = self.asked.column
        judged = _judged(rows, self.terms)
        landed = self._landed(judged, table)
        dropped = 0
        if landed is not None:
            names = [name for name in self.terms.schema if name not in AUDIT_COLUMNS]
            ours, theirs = _aligned(self.terms.schema, table.schema, names)
            failed = [pl.col(FAILED), pl.lit(value=False).alias(FAILED)]
            judged, dropped = rows_beyond(
                judged, [*ours, failed[0]], landed.select(*theirs, failed[1])
            )
        new = _as_returned(judged, self.terms) if dropped else rows
        values = new.select(pl.col(column).unique()).collect(engine="streaming")[column]
        others = kept_out(column, values)
        if others is None:
            return new, dropped
        schema = others.collect_schema()
        ours, theirs = _aligned(self.terms.returned, schema, self.terms.kept)
        new, known = rows_beyond(new, ours, others.select(theirs))
        return new, dropped + known

    def _landed(self, judged: pl.LazyFrame, table: TableVersion) -> pl.LazyFrame | None:
        """Return the rows of the table that some of the rows may be; None if there are none."""
        column = self.asked.column
        (ours,), (theirs,) = _aligned(self.terms.schema, table.schema, [column])
        common = judged.select(ours).collect_schema()[column]
        may_stand = pl.col(column).is_null()
        if self.mark is not None:
            may_stand |= pl.col(column) <= pl.lit(self.mark).cast(common)
        found = judged.select(ours).filter(may_stand).unique().collect(engine="streaming")
        part = files_that_may_hold(table, column, found[column]) if found.height else None
        if part is None:
            return None
        rows = part.scan()
        if table.schema[column] == common:  # then a file says by itself which rows it may have
            rows = rows.filter(_may_be_one_of(found[column]))
        return (
            rows.with_columns(theirs.alias(CURSOR))
            .join(found.lazy(), left_on=CURSOR, right_on=column, how="semi", nulls_equal=True)
            .drop(CURSOR)
        )


def _may_be_one_of(values: pl.Series) -> pl.Expr:
    """Return what holds of all rows that have one of ``values``, as the footers of files tell."""
    column, known = pl.col(values.name), values.drop_nulls()
    if not known.len():
        return column.is_null()
    between = column.is_between(pl.lit(known.min()), pl.lit(known.max()))
    return between | column.is_null() if values.null_count() else between


def wrong(asset: Asset, error: SinceError) -> AssetError:
    """Say that ``run.since`` was asked what makes no sense, of a column or of this asset."""
    return AssetError(error.message, code=error.code, place=asset.place, hint=error.hint)


def with_source(asset: Asset) -> AssetError:
    """Say that a function asks for its mark and returns a source, which remembers by itself."""
    return AssetError(
        "the function asks `run.since`, and returns a source, which is told by Polster what of it "
        "has landed",
        code="POL394",
        place=asset.place,
        hint="return a frame; or leave `run.since` out",
    )


def fit_to_be_read_again(frame: pl.LazyFrame, owner: object) -> pl.LazyFrame:
    """Return the rows of a frame as often as one likes, though its source is read once.

    Args:
        frame: Rows in memory stay there; others wait in a file. What killed runs left of such
            files goes.
        owner: As long as this lives, so does the file.
    """
    if is_in_memory(frame):
        return frame
    folder = scratch_folder(owner)
    frame.sink_ipc(folder / "rows.arrow", compression="lz4")
    return pl.scan_ipc(folder / "rows.arrow")


def _judged(rows: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    """Return rows in the types of the contract, the values before beside them, as the judge does.

    ``FAILED`` says whether a value is lost: such a row never landed.
    """
    if not terms.casts:
        return rows.with_columns(pl.lit(value=False).alias(FAILED))
    return (
        rows.with_columns(pl.col(cast.column).alias(cast.original) for cast in terms.casts)
        .with_columns(cast.value() for cast in terms.casts)
        .with_columns(pl.any_horizontal(cast.failed() for cast in terms.casts).alias(FAILED))
    )


def _as_returned(judged: pl.LazyFrame, terms: Terms) -> pl.LazyFrame:
    before = {cast.column: cast.original for cast in terms.casts}
    return judged.select(pl.col(before.get(name, name)).alias(name) for name in terms.returned)


def _aligned(
    ours: pl.Schema, theirs: pl.Schema, names: Sequence[str]
) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Return columns of two frames in types in which equal values are equal.

    What one of them does not have is null there.
    """
    left: list[pl.Expr] = []
    right: list[pl.Expr] = []
    for name in names:
        column, dtype = pl.col(name), ours[name]
        other = theirs.get(name)
        if other is None:
            left.append(column)
            right.append(pl.lit(None, dtype).alias(name))
        elif (common := _common(dtype, other)) is not None:
            left.append(column.cast(common, strict=False))
            right.append(column.cast(common, strict=False))
        else:  # only nulls are equal
            left.append(pl.when(column.is_not_null()).then(pl.lit("ours")).alias(name))
            right.append(pl.when(column.is_not_null()).then(pl.lit("theirs")).alias(name))
    return left, right


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    words = (pl.Categorical, pl.Enum)
    if isinstance(one, words) or isinstance(other, words):
        return pl.String()
    if one == other:
        return one if one != pl.Null else pl.String()
    if isinstance(one, pl.Datetime) and isinstance(other, pl.Datetime):
        return pl.Datetime("us", "UTC") if one.time_zone and other.time_zone else None
    frames = [pl.DataFrame(schema={"": dtype}) for dtype in (one, other)]
    try:
        return pl.concat(frames, how="vertical_relaxed").schema[""]
    except pl.exceptions.PolarsError:
        return None
