"""What a commit says to Delta's log: files that come and go, and the columns of a table."""

from __future__ import annotations

import json
import time

import polars as pl
from deltalake import Field, Schema
from deltalake.transaction import AddAction, RemoveAction

from polster.lakehouse.change import TableFile
from polster.lakehouse.dtypes import dtype_text
from polster.lakehouse.staging import StagedFile
from polster.lakehouse.table_version import DTYPE_FIELD


def delta_schema(schema: pl.Schema, types: pl.Schema | None = None) -> Schema:
    """Return ``schema`` as Delta writes it; every column is nullable.

    Args:
        schema: Storage dtypes only.
        types: The dtypes that readers get; a column remembers its own if it is another.
    """
    fields: list[Field] = list(Schema.from_arrow(schema).fields)
    for number, (name, stored) in enumerate(schema.items()):
        published = stored if types is None else types.get(name, stored)
        text = None if published == stored else dtype_text(published)
        if text is not None:
            fields[number] = Field(name, fields[number].type, metadata={DTYPE_FIELD: text})
    return Schema(fields)


def add_action(file: StagedFile, *, new_rows: bool = True) -> AddAction:
    """Return how a commit names a file; whether its rows are new is for readers of changes."""
    said = {"numRecords": file.rows, **file.statistics}
    return AddAction(
        file.name,
        file.size_bytes,
        dict(file.partition),
        int(time.time() * 1000),
        new_rows,
        json.dumps(said, ensure_ascii=False),  # delta-rs misreads characters in two escapes
    )


def remove_action(file: TableFile, *, loses_rows: bool = True) -> RemoveAction:
    """Return how a commit takes a file away; whether its rows go is for readers of changes."""
    now = int(time.time() * 1000)
    return RemoveAction(file.name, loses_rows, now, file.size_bytes, dict(file.partition))
