"""Quarantine: the rows that broke a contract, in their original values, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from polster.errors import ConflictError
from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.high_water import files_that_may_hold
from polster.lakehouse.staging import BatchWriter, StagedFile, Staging
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import ATTEMPTS, Table, UncertainCommitError, wait_for_others
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import (
    from_storage,
    is_stored_as,
    read_schema,
    storage_cast,
    storage_schema,
)
from polster.lakehouse.widening import widened
from polster.model.asset import AssetKey

RULES_COLUMN = "_rules"
RUN_COLUMN = "_run_id"
TIME_COLUMN = "_rejected_at"
SUPERSEDED_COLUMN = "_superseded_by"
"""The run that made the part of the table anew that the row belongs to; null if none did."""
HIT = "__polster_hit__"
KNOWN_BY = frozenset({RULES_COLUMN, RUN_COLUMN, TIME_COLUMN})


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The quarantine table of one asset."""

    table: Table

    @classmethod
    def of(cls, store: Store, key: AssetKey) -> Quarantine:
        """Return the quarantine of ``key``."""
        place = store.uri("quarantine", key.layer, key.name)
        return cls(Table(store, place, key, known_by=KNOWN_BY))

    def scan(self, run_id: str | None = None) -> pl.LazyFrame | None:
        """Return the rows, lazy, of all runs or of one; None if there never were any."""
        table = self.table.open()
        if table is None:
            return None
        frame = _as_returned(table).drop(SUPERSEDED_COLUMN, strict=False)
        return frame if run_id is None else frame.filter(pl.col(RUN_COLUMN) == run_id)

    def standing(self, runs: Collection[str]) -> pl.LazyFrame | None:
        """Return the rows that the asset's table goes without now; None if there never were any.

        Args:
            runs: Those that made the table what it is, back to the last that made all of it.
        """
        table = self.table.open()
        if table is None:
            return None
        rows = _as_returned(table).filter(_stands(table, runs))
        return rows.drop(SUPERSEDED_COLUMN, strict=False)

    def of_values(self, column: str, values: pl.Series) -> pl.LazyFrame | None:
        """Return the rows, lazy, among which are all that have one of ``values`` in a column.

        None if there are none.
        """
        table = self.table.open()
        if table is None or column not in table.stored_schema:
            return None
        part = files_that_may_hold(table, column, values)
        return None if part is None else _as_returned(part).drop(SUPERSEDED_COLUMN, strict=False)

    def supersede(self, rows: pl.Expr, runs: Collection[str], run_id: str) -> None:
        """Mark rows that stand as those of a part of the table that a run makes anew.

        The mark counts once the run has published. A kill in between leaves it without meaning.

        Args:
            rows: Which, over the columns as they were returned.
            runs: As for :meth:`standing`.
            run_id: The run.

        Raises:
            ConflictError: Other runs were faster again and again.
        """
        self._mark(lambda table: rows & _stands(table, runs), run_id, by=run_id)

    def withdraw_marks(self, run_id: str) -> None:
        """Take the marks of a run back, which did not publish after all."""

        def marked(table: TableVersion) -> pl.Expr:
            there = SUPERSEDED_COLUMN in table.stored_schema
            return pl.col(SUPERSEDED_COLUMN) == run_id if there else pl.lit(value=False)

        self._mark(marked, None, by=run_id)

    def _mark(self, rows: Callable[[TableVersion], pl.Expr], mark: str | None, *, by: str) -> None:
        staging = Staging(self.table.store, self.table.uri, by)
        for attempt in range(ATTEMPTS):
            table = self.table.open()
            if table is None:
                return
            try:
                with reaching(self.table.uri, writing=True):
                    self._mark_in(table, rows(table), mark, staging)
            except ConflictError:
                staging.discard()
                if attempt == ATTEMPTS - 1:
                    raise
                wait_for_others(attempt)
            except UncertainCommitError:
                raise
            except BaseException:
                staging.discard()
                raise
            else:
                return

    def _mark_in(
        self, table: TableVersion, rows: pl.Expr, mark: str | None, staging: Staging
    ) -> None:
        files = table.every_file
        hits = [
            _as_returned(table.only([file.name])).select(rows.fill_null(value=False).any())
            for file in files
        ]
        found = pl.collect_all(hits, engine="streaming")
        touched = [file for file, hit in zip(files, found, strict=True) if hit.item()]
        if not touched:
            return
        if SUPERSEDED_COLUMN not in table.stored_schema:
            table = self.table.add_columns(table, pl.Schema({SUPERSEDED_COLUMN: pl.String()}))
        part = table.only([file.name for file in touched])
        hit = _as_returned(part).select(rows.fill_null(value=False).alias(HIT))
        marked = pl.when(HIT).then(pl.lit(mark, pl.String())).otherwise(SUPERSEDED_COLUMN)
        both = pl.concat([part.scan_stored(), hit], how="horizontal")
        anew = both.with_columns(marked.alias(SUPERSEDED_COLUMN)).select(list(table.stored_schema))
        change = Change(
            staging.sink(anew),
            table.stored_schema,
            touched,
            metadata={"run_id": staging.prefix},
            has_new_rows=False,
        )
        self.table.commit(change, onto=table)
        staging.keep()

    def writer(
        self, returned: pl.Schema, *, run_id: str, at: datetime, place: str
    ) -> QuarantineWriter:
        """Return a writer for the rows that one run rejects.

        Columns keep their types from run to run. A column whose type has changed since earlier
        runs is kept as text from now on, the earlier rows too, so that no value is lost; so is
        a value that no other type of a table can hold.
        """
        stored = storage_schema(returned, place=place, every_value=True)
        return QuarantineWriter(self.table, stored, returned, run_id, at)


def _as_returned(table: TableVersion) -> pl.LazyFrame:
    return from_storage(table.scan_stored(), table.schema, every_value=True)


def _stands(table: TableVersion, runs: Collection[str]) -> pl.Expr:
    """Return which rows ``runs`` kept out and did not make anew since."""
    kept_out = pl.col(RUN_COLUMN).is_in(list(runs))
    if SUPERSEDED_COLUMN not in table.stored_schema:
        return kept_out
    return kept_out & ~pl.col(SUPERSEDED_COLUMN).is_in(list(runs)).fill_null(value=False)


@dataclass(frozen=True, slots=True)
class Superseding:
    """The rows of a part that is made anew, to be marked when it is published.

    Attributes:
        rows: Which, over the columns as they were returned.
        runs: As for :meth:`Quarantine.standing`.
    """

    quarantine: Quarantine
    rows: pl.Expr
    runs: Collection[str]
    run_id: str

    def commit(self) -> None:
        """Mark them."""
        self.quarantine.supersede(self.rows, self.runs, self.run_id)

    def withdraw(self) -> None:
        """Take the marks back."""
        self.quarantine.withdraw_marks(self.run_id)


class QuarantineWriter:
    """Stages rejected rows; commits them once, before the good rows are published."""

    def __init__(
        self,
        table: Table,
        schema: pl.Schema,
        returned: pl.Schema,
        run_id: str,
        at: datetime,
    ) -> None:
        self.table = table
        self.returned = returned
        self.run_id = run_id
        self.at = at
        self.committed = False
        self.schema = pl.Schema(
            {
                **schema,
                RULES_COLUMN: pl.List(pl.String()),
                RUN_COLUMN: pl.String(),
                TIME_COLUMN: pl.Datetime("us", "UTC"),
            }
        )
        self.staging = Staging(table.store, table.uri, run_id)
        self.batches = BatchWriter(self.staging, self._prepare)

    def write(self, rejected: pl.DataFrame) -> None:
        """Take rejected rows: the columns as returned, plus ``_rules``."""
        self.batches.write(rejected)

    @property
    def rows(self) -> int:
        """Count the rows taken."""
        return self.batches.rows

    def commit(self, metadata: Mapping[str, Any]) -> None:
        """Make the rows taken visible in the quarantine; nothing if there are none.

        Raises:
            ConflictError: Other runs were faster again and again.
        """
        with reaching(self.table.uri, writing=True):
            files = self.batches.flush()
        if not files:
            return
        for attempt in range(ATTEMPTS):
            try:
                self._commit_onto(self.table.open(), files, metadata)
            except UncertainCommitError:
                self.staging.keep()
                raise
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                wait_for_others(attempt)
            else:
                self.staging.keep()
                self.committed = True
                return

    def withdraw(self) -> None:
        """Take back what was committed, since the good rows were not published after all."""
        if self.committed:
            self.table.delete_rows(f"{RUN_COLUMN} = '{self.run_id}'")
            self.committed = False

    def discard(self) -> None:
        """Delete what was staged and not committed."""
        self.batches.discard()

    def _commit_onto(
        self, onto: TableVersion | None, files: list[StagedFile], metadata: Mapping[str, Any]
    ) -> None:
        fit = _fit(onto, self.schema, self.returned)
        made: list[StagedFile] = []
        replaces = False
        try:
            if fit.changes_rows:
                ours = self.staging.scan(files, self.schema).drop(fit.absent)
                files = self._restage(ours, fit)
                made += files
            if onto is not None and fit.changes_table:
                earlier = self._restage(onto.scan_stored(), fit)
                made, files, replaces = [*made, *earlier], [*earlier, *files], True
                onto = self.table.allow_types(onto, fit.schema)
            elif onto is not None:
                if fit.new:
                    onto = self.table.add_columns(onto, fit.new, fit.types)
                onto = self.table.set_types(onto, fit.disputed)
            change = Change(
                files,
                fit.schema,
                EVERY_FILE if replaces else (),
                types=fit.types,
                metadata={"run_id": self.run_id, **metadata},
            )
            self.table.commit(change, onto=onto)
        except ConflictError:
            self.staging.discard([file.name for file in made])
            raise
        if fit.changes_rows:
            self.staging.discard([file.name for file in self.batches.flush()])

    def _restage(self, rows: pl.LazyFrame, fit: _Fit) -> list[StagedFile]:
        """Write rows, ours or the table's, once more in the types that both fit into."""
        columns = rows.collect_schema().names()
        renamed = rows.rename({name: fit.names[name] for name in columns if name in fit.names})
        schema = pl.Schema({n: fit.schema[n] for n in renamed.collect_schema()})
        return self.staging.sink(renamed, lambda batch: storage_cast(batch, schema), schema)

    def _prepare(self, rejected: pl.DataFrame) -> pl.DataFrame:
        stamped = rejected.with_columns(
            pl.lit(self.run_id).alias(RUN_COLUMN),
            pl.lit(self.at).cast(pl.Datetime("us", "UTC")).alias(TIME_COLUMN),
        )
        return storage_cast(stamped.select(list(self.schema)), self.schema)


@dataclass(frozen=True, slots=True)
class _Fit:
    """How new rows and a table come together.

    Attributes:
        schema: Columns of the table afterwards, as they are stored.
        types: Columns of the table afterwards, as readers get them.
        disputed: Of these, columns whose type was another one before.
        names: The table's spelling of a column that comes in other upper and lower case.
        absent: Columns of the new rows that hold nothing, and so need no type of their own.
        new: Columns that the table does not have yet.
        changes_rows: Whether the new rows must change.
        changes_table: Whether the rows in the table must change.
    """

    schema: pl.Schema
    types: pl.Schema
    disputed: pl.Schema
    names: Mapping[str, str]
    absent: frozenset[str]
    new: pl.Schema
    changes_rows: bool
    changes_table: bool


def _fit(onto: TableVersion | None, rows: pl.Schema, returned: pl.Schema) -> _Fit:
    """Find the types that hold both; text where nothing else does.

    Args:
        onto: The table, if there is one.
        rows: Columns of the new rows, as they are stored.
        returned: Columns of the new rows, as the function returned them.
    """
    table = pl.Schema() if onto is None else onto.stored_schema
    read = pl.Schema() if onto is None else onto.schema
    spelled = {name.lower(): name for name in table}
    nulls = [name for name, dtype in returned.items() if dtype == pl.Null]
    absent = frozenset(name for name in nulls if name.lower() in spelled)
    names = {name: spelled.get(name.lower(), name) for name in rows if name not in absent}
    arriving = {names[name]: rows[name] for name in names}
    both = {
        name: dtype if widened(dtype, arriving.get(name, dtype)) else pl.String()
        for name, dtype in table.items()
    }
    new = pl.Schema({name: dtype for name, dtype in arriving.items() if name not in table})
    schema = pl.Schema({**both, **new})
    wanted = {names[name]: dtype for name, dtype in read_schema(returned).items() if name in names}
    types: dict[str, pl.DataType] = {}
    for name, stored in schema.items():
        dtype = read.get(name, wanted.get(name, stored))
        agreed = wanted.get(name, dtype) == dtype
        fits = agreed and is_stored_as(dtype, stored, every_value=True)
        types[name] = dtype if fits else stored
    renamed = {name: other for name, other in names.items() if name != other}
    recast = any(both.get(name, dtype) != dtype for name, dtype in arriving.items())
    return _Fit(
        schema,
        pl.Schema(types),
        pl.Schema({name: types[name] for name in read if types[name] != read[name]}),
        renamed,
        absent,
        new,
        changes_rows=bool(absent or renamed) or recast,
        changes_table=both != dict(table),
    )
