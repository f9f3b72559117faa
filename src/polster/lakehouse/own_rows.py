"""The rows of Polster's own tables: appended once, and read in the order of their commits."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.change import Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import ATTEMPTS, Table, UncertainCommitError, wait_for_others
from polster.lakehouse.table_version import TableVersion

COMMIT_COLUMN = "commit"
"""Version of Polster's own table that a row came with; null in rows of older versions.

Rows are put in order by it: the clocks of those who run are not to be trusted.
"""


def append_rows(table: Table, rows: pl.DataFrame, *, run_id: str, key: Sequence[str] = ()) -> None:
    """Append ``rows`` to one of Polster's own tables, retrying against other writers.

    Each row says which commit it came with.

    Args:
        table: The table; made if it does not exist.
        rows: What to add.
        run_id: The run that adds them.
        key: Columns by which a row that is there already is known, and left out.

    Raises:
        ConflictError: Others were faster again and again.
    """
    staging = Staging(table.store, table.uri, run_id)
    schema = pl.Schema({**rows.schema, COMMIT_COLUMN: pl.Int64()})
    for attempt in range(ATTEMPTS):
        onto = table.open()
        new = rows
        if key and onto is not None:
            with reaching(table.uri):
                earlier = _own_rows(onto, table.store, rows.schema)
                known = earlier.select(key).join(rows.lazy().select(key), on=key, how="semi")
                new = rows.join(known.collect(), on=key, how="anti")
        if not new.height:
            return
        # Deleted only where the commit was refused for certain: Ctrl-C may come at any moment
        try:
            if onto is not None and (more := _missing(onto, schema)):
                onto = table.add_columns(onto, more)
            commit = pl.lit(0 if onto is None else onto.version + 1, pl.Int64)
            with reaching(table.uri, writing=True):
                files = staging.sink(new.lazy().with_columns(commit.alias(COMMIT_COLUMN)))
            table.commit(Change(files, schema, metadata={"run_id": run_id}), onto=onto)
            return
        except UncertainCommitError:
            raise
        except ConflictError:
            staging.discard()
            if attempt == ATTEMPTS - 1:
                raise
            wait_for_others(attempt)
        except LakehouseError:
            staging.discard()
            raise


def _missing(table: TableVersion, schema: pl.Schema) -> pl.Schema:
    """Return the columns that a table written by an older version of Polster does not have."""
    known = table.schema
    return pl.Schema({name: dtype for name, dtype in schema.items() if name not in known})


def scan_rows(table: Table, schema: pl.Schema, *, newest: int | None = None) -> pl.LazyFrame:
    """Return the rows of one of Polster's own tables, lazy; none if it was never written.

    Args:
        table: The table.
        schema: Its columns.
        newest: Those of so many of the newest commits alone; it costs the same, however many
            there are.
    """
    opened = table.open()
    if opened is None:
        return pl.LazyFrame(schema=schema)
    if newest is None or opened.version < newest:
        return _own_rows(opened, table.store, schema)
    first = opened.version - newest
    files, last = opened.files, f"max.{COMMIT_COLUMN}"
    if last in files.columns:
        recent = files.filter(pl.col(last).is_null() | (pl.col(last) >= first))
        opened = opened.only(recent["path"].to_list())
    rows = _own_rows(opened, table.store, schema)
    return rows.filter(pl.col(COMMIT_COLUMN) >= first)


def _own_rows(table: TableVersion, store: Store, schema: pl.Schema) -> pl.LazyFrame:
    """Return the rows of one of Polster's own tables, lazy.

    The files that the log names are scanned as they are: every command does this, and Polars'
    Delta reader loads pyarrow where it is installed. They lie in the table's folder, whose path
    delta-rs would write percent-encoded, which Polars takes for the name.
    """
    files = [f"{table.uri}/{uri.rpartition('/')[2]}" for uri in table.delta.file_uris()]
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        files,
        schema=schema,
        glob=False,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=store.storage_options,
        credential_provider=None if store.options else "auto",
    )
