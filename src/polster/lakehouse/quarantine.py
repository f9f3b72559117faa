"""Quarantine: the rows that broke a contract, in their original values, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from polster.errors import ConflictError
from polster.lakehouse.staging import BatchWriter, StagedFile, Staging
from polster.lakehouse.store import Store
from polster.lakehouse.table import ATTEMPTS, Table, TableVersion
from polster.lakehouse.types import storage_cast, storage_schema, widened
from polster.model.asset import AssetKey

RULES_COLUMN = "_rules"
RUN_COLUMN = "_run_id"
TIME_COLUMN = "_rejected_at"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The quarantine table of one asset."""

    table: Table

    @classmethod
    def of(cls, store: Store, key: AssetKey) -> Quarantine:
        """Return the quarantine of ``key``."""
        return cls(Table(store, store.uri("quarantine", key.layer, key.name), key))

    def scan(self, run_id: str | None = None) -> pl.LazyFrame | None:
        """Return the rows, lazy, of all runs or of one; None if there never were any."""
        table = self.table.open()
        if table is None:
            return None
        frame = table.scan()
        return frame if run_id is None else frame.filter(pl.col(RUN_COLUMN) == run_id)

    def writer(
        self, returned: pl.Schema, *, run_id: str, at: datetime, place: str
    ) -> QuarantineWriter:
        """Return a writer for the rows that one run rejects.

        Columns keep their types from run to run. A column whose type has changed since earlier
        runs is kept as text from now on, the earlier rows too, so that no value is lost.
        """
        known = self.table.open()
        schema, _ = storage_schema(returned, place=place)
        return QuarantineWriter(self.table, known, schema, run_id, at)


class QuarantineWriter:
    """Stages rejected rows; commits them once, before the good rows are published."""

    def __init__(
        self,
        table: Table,
        known: TableVersion | None,
        schema: pl.Schema,
        run_id: str,
        at: datetime,
    ) -> None:
        self.table = table
        self.known = known
        self.run_id = run_id
        self.at = at
        self.earlier = pl.Schema() if known is None else known.schema
        self.to_text = {
            name
            for name, dtype in schema.items()
            if name in self.earlier and not widened(self.earlier[name], dtype)
        }
        types = {
            name: pl.String() if name in self.to_text else self.earlier.get(name, dtype)
            for name, dtype in schema.items()
        }
        self.schema = pl.Schema(
            {
                **types,
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
        files = self.batches.flush()
        if not files:
            return
        onto = self.known
        for attempt in range(ATTEMPTS):
            try:
                self._commit_onto(onto, files, metadata)
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                onto = self.table.open()
            else:
                self.staging.keep()
                return

    def discard(self) -> None:
        """Delete what was staged and not committed."""
        self.staging.discard()

    def _commit_onto(
        self, onto: TableVersion | None, files: Sequence[StagedFile], metadata: Mapping[str, Any]
    ) -> None:
        schema = self.schema
        mode = "append"
        if onto is not None:
            earlier = onto.schema
            if any(earlier.get(name, dtype) != dtype for name, dtype in schema.items()):
                files = [*self._as_text(onto, earlier), *files]
                mode = "overwrite"
            else:
                new = pl.Schema({n: d for n, d in schema.items() if n not in earlier})
                if len(new):
                    onto = self.table.add_columns(onto, new)
            schema = pl.Schema({**earlier, **schema})
        self.table.commit(
            files,
            schema=schema,
            mode="overwrite" if mode == "overwrite" else "append",
            onto=onto,
            metadata={"run_id": self.run_id, **metadata},
        )

    def _as_text(self, onto: TableVersion, earlier: pl.Schema) -> list[StagedFile]:
        changed = [n for n, dtype in self.schema.items() if earlier.get(n, dtype) != dtype]
        text = pl.Schema({**earlier, **{name: self.schema[name] for name in changed}})
        return self.staging.sink(
            onto.scan().map_batches(
                lambda batch: storage_cast(batch, text), schema=text, streamable=True
            )
        )

    def _prepare(self, rejected: pl.DataFrame) -> pl.DataFrame:
        stamped = rejected.with_columns(
            pl.lit(self.run_id).alias(RUN_COLUMN),
            pl.lit(self.at).cast(pl.Datetime("us", "UTC")).alias(TIME_COLUMN),
        )
        return storage_cast(stamped.select(list(self.schema)), self.schema)
