"""What one commit makes of a table, as a value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import polars as pl

from polster.lakehouse.staging import StagedFile

EVERY_FILE: Literal["every file"] = "every file"
"""All that a table has: what is added takes their place."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file that a version of a table names.

    Attributes:
        name: Relative to the table's folder.
        partition: Value by partition column.
    """

    name: str
    size_bytes: int
    partition: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """What one commit makes of a table.

    Attributes:
        adds: Files that lie in the table's folder; there may be none.
        schema: The table's columns after the commit, storage dtypes.
        removes: Files that belong to the table no longer.
        types: The dtypes that readers get; those of ``schema`` if not given. A table that files
            are added to keeps those that it has, see :meth:`Table.set_types`.
        metadata: Kept in the commit, each name with Polster's prefix.
        transactions: Version by application; the table remembers the newest of each, also when its
            log is cleaned.
        partition_by: Partition columns; their values come with the files.
        append_only: Whether a table that is made now refuses change for ever.
        has_new_rows: False if the files hold the rows of those that they take the place of, which
            an append-only table allows and readers of changes pass over.
    """

    adds: Sequence[StagedFile]
    schema: pl.Schema
    removes: Sequence[TableFile] | Literal["every file"] = ()
    types: pl.Schema | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    transactions: Mapping[str, int] = field(default_factory=dict)
    partition_by: Sequence[str] = ()
    append_only: bool = False
    has_new_rows: bool = True


def files_of(described: pl.DataFrame, partitions: Sequence[str]) -> Iterator[TableFile]:
    """Yield the files that a log describes, a row of ``described`` each."""
    columns = [f"partition.{name}" for name in partitions]
    for path, size, *values in described.select("path", "size_bytes", *columns).iter_rows():
        yield TableFile(path, size, dict(zip(partitions, values, strict=True)))
