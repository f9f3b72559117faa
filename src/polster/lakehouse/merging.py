"""Merging small files of a table: the same rows in the same order, in fewer files.

Rows are read in the order of the names of files. A merged file takes the place of the first of
those that it was made of, and only neighbours are merged.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from polster.lakehouse.change import Change, TableFile
from polster.lakehouse.staging import StagedFile, Staging
from polster.lakehouse.store import reaching
from polster.lakehouse.table import MERGED, Table, UncertainCommitError
from polster.lakehouse.table_version import TableVersion

SMALL_BYTES = 256 * 1024
"""A file up to this size is merged with its neighbours, whatever these are."""
MOST_BYTES = 32 * 1024 * 1024
"""A merged file becomes no larger than this, about."""
MERGED_NAME = re.compile(r"-m-[0-9a-f]{8}-\d{3}-\d{5}$")
MERGED_PREFIX = "-m"


def mergeable(
    files: Sequence[TableFile], fewest: int, most_bytes: int = MOST_BYTES
) -> list[list[TableFile]]:
    """Choose which neighbours are merged, while that is cheap.

    A file is written again only with newer ones that are together as large as itself, so that in
    its life it is merged as often as its size doubles.

    Args:
        files: Of a table, in the order of their rows.
        fewest: So many files at least are worth it.
        most_bytes: A merged file becomes no larger than this, about.
    """
    partitions: dict[tuple[tuple[str, str | None], ...], list[TableFile]] = {}
    for file in files:
        partitions.setdefault(tuple(file.partition.items()), []).append(file)
    return [
        group
        for partition in partitions.values()
        for group in _neighbours(partition, most_bytes)
        if len(group) >= fewest
    ]


def _neighbours(files: Sequence[TableFile], most_bytes: int) -> list[list[TableFile]]:
    groups: list[list[TableFile]] = []
    size_bytes = most_bytes
    for file in reversed(files):
        is_cheap = file.size_bytes <= max(SMALL_BYTES, size_bytes)
        if not groups or not is_cheap or size_bytes + file.size_bytes > most_bytes:
            groups.append([])
            size_bytes = 0
        groups[-1].insert(0, file)
        size_bytes += file.size_bytes
    return groups[::-1]


def merge(
    table: Table,
    onto: TableVersion,
    groups: Sequence[Sequence[TableFile]],
    *,
    upkeep_id: str,
    holds: int | None,
) -> TableVersion:
    """Put one file, or a few, in the place of each group, in one commit.

    Args:
        table: The table.
        onto: A version of it.
        groups: Files of it.
        upkeep_id: Who merges.
        holds: The version of Polster whose rows these are; None for Polster's own tables.

    Raises:
        ConflictError: Another writer committed since ``onto``; nothing was changed.
        LakehouseError: The table cannot be read or written.
    """
    partitions = onto.delta.metadata().partition_columns
    columns = [name for name in onto.stored_schema if name not in partitions]
    stagings: list[Staging] = []
    adds: list[StagedFile] = []
    try:
        for group in groups:
            staging = Staging(table.store, table.uri, _prefix(group[0]), group[0].partition)
            stagings.append(staging)
            rows = onto.only([file.name for file in group]).scan_stored().select(columns)
            with reaching(table.uri, writing=True):
                adds += staging.sink(rows)
        change = Change(
            adds,
            onto.stored_schema,
            [file for group in groups for file in group],
            metadata={"run_id": upkeep_id, MERGED: "" if holds is None else str(holds)},
            partition_by=partitions,
            has_new_rows=False,
        )
        return _committed(table, change, onto, stagings)
    finally:
        for staging in stagings:
            staging.discard()


def _committed(
    table: Table, change: Change, onto: TableVersion, stagings: Sequence[Staging]
) -> TableVersion:
    try:
        made = table.commit(change, onto=onto)
    except UncertainCommitError:
        _keep(stagings)
        raise
    _keep(stagings)
    return made


def _keep(stagings: Sequence[Staging]) -> None:
    for staging in stagings:
        staging.keep()


def _prefix(first: TableFile) -> str:
    """Return what begins the name of a file that is to be read where ``first`` was.

    >>> _prefix(TableFile("v0000000001-a-b-000-00000.parquet", 1))
    'v0000000001-a-b-000-00000-m'
    """
    name = first.name.rpartition("/")[2].removesuffix(".parquet")
    return MERGED_NAME.sub("", name) + MERGED_PREFIX
