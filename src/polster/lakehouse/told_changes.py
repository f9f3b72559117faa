"""What the commits between two versions of a table say of its rows, so that few are read."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import islice

import polars as pl

from polster.lakehouse.change import TableFile
from polster.lakehouse.staging import StagedFile
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table, is_merge
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import from_storage
from polster.model.codec import from_json, to_json

CHANGES = "changes"
MOST_COMMITS = 100
"""Beyond so many it is as quick to compare the files."""


@dataclass(frozen=True, slots=True)
class _Files:
    """The names of the files that a commit says it of."""

    made: tuple[str, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ToldChanges:
    """Rows that came and rows that went between two versions; some may have come and gone.

    Attributes:
        made: In the types that readers get; lazy.
        gone: The same columns; lazy.
    """

    made: pl.LazyFrame
    gone: pl.LazyFrame


def told(made: Iterable[StagedFile], gone: Iterable[StagedFile]) -> dict[str, str]:
    """Return what a commit says of the rows that it changes, as its metadata.

    Args:
        made: Files of the table whose rows are new.
        gone: Files that hold the rows that are not there any more. A commit takes them away, see
            :func:`takes_away`, so that they stay as long as what else it takes away.
    """
    files = _Files(tuple(file.name for file in made), tuple(file.name for file in gone))
    return {CHANGES: json.dumps(to_json(files))}


def takes_away(gone: Iterable[StagedFile]) -> list[TableFile]:
    """Return files that only say which rows went, as what a commit removes."""
    return [TableFile(file.name, file.size_bytes) for file in gone]


def told_changes(table: Table, then: TableVersion, now: TableVersion) -> ToldChanges | None:
    """Read what the commits after a version of a table say of their rows.

    Args:
        table: The table.
        then: The version.
        now: A later one, of the same columns.

    Returns:
        None if one of them does not say it. Files of :attr:`ToldChanges.gone` may be expired.

    Raises:
        LakehouseError: The log cannot be read.
    """
    count = now.version - then.version
    if now.batch is not None or not 0 < count <= MOST_COMMITS:
        return None
    if now.delta.metadata().partition_columns:
        return None
    commits = list(islice(table.history(now), count))
    made: list[str] = []
    gone: list[str] = []
    for commit in commits:
        if is_merge(commit):
            continue
        if CHANGES not in commit.metadata:
            return None
        said = from_json(_Files, json.loads(commit.metadata[CHANGES]))
        made += said.made
        gone += said.gone
    if len(commits) < count:
        return None
    return ToldChanges(_scan(table.store, now, made), _scan(table.store, now, gone))


def _scan(store: Store, table: TableVersion, names: Collection[str]) -> pl.LazyFrame:
    if not names:
        return table.scan().clear()
    rows = pl.scan_parquet(
        [f"{table.uri}/{name}" for name in names],
        glob=False,
        hive_partitioning=False,
        storage_options=store.storage_options,
        credential_provider=None if store.options else "auto",
    )
    return from_storage(rows.select(list(table.schema)), table.schema)
