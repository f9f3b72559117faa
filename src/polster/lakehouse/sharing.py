"""Storing once what two snapshots of a source have in common.

A snapshot that begins with the rows of the files of the one before gets these files under names of
its own, as hard links, and only the rest is written. Each batch is whole to every reader, files of
one may go without the other noticing, and the disk holds the rows once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from polster.lakehouse.staging import StagedFile, Staging
from polster.lakehouse.statistics import FileStatistics
from polster.lakehouse.table_version import TableVersion

LEAST_BYTES = 256 * 1024
"""Less than this is written again sooner than it is compared."""
ROWS_AT_ONCE = 1 << 18
"""Rows that are compared at once, as many as Polars puts into a row group."""
SHARED_NAME = re.compile(r"-s-([0-9a-f]{16})\.parquet$")


def rows_of_file(path: str) -> str:
    """Return what is the same for files that are one on the disk, by their names.

    >>> rows_of_file("_batch_id=b/v2-x-001-00000-s-0123456789abcdef.parquet")
    '0123456789abcdef'
    """
    name = path.rpartition("/")[2]
    shared = SHARED_NAME.search(name)
    return shared[1] if shared else blake2b(name.encode(), digest_size=8).hexdigest()


def share(
    staging: Staging,
    files: list[StagedFile],
    schema: pl.Schema,
    before: TableVersion,
    *,
    apart_from: Sequence[str],
) -> list[StagedFile]:
    """Put files that are there already in the place of staged ones with the same rows.

    Args:
        staging: Of the new batch, in a local table.
        files: What was staged, in the order of its rows; it is discarded if it is replaced.
        schema: Its columns.
        before: The batch before, of the same table.
        apart_from: Columns that may differ; those of the earlier batch stay.

    Returns:
        The files of the new batch; ``files`` themselves where little is the same, or the file
        system has no hard links.
    """
    rows = staging.scan(files, schema)
    same = list(_same_files(rows, sum(file.rows for file in files), before, apart_from))
    if sum(file.size_bytes for file in same) < LEAST_BYTES:
        return files
    linked: list[StagedFile] = []
    try:
        linked.extend(staging.link(file, rows_of_file(file.name)) for file in same)
    except OSError:  # no hard links there, or a file has too many, or is another user's
        staging.discard([file.name for file in linked])
        return files
    rest = staging.sink(rows.slice(sum(file.rows for file in same)))
    staging.discard([file.name for file in files])
    return [*linked, *rest]


def _same_files(
    rows: pl.LazyFrame,
    count: int,
    before: TableVersion,
    apart_from: Sequence[str],
) -> Iterator[StagedFile]:
    """Yield the files of ``before`` that hold the first of ``rows``, one after the other."""
    files = before.files_read
    if "num_records" not in files.columns:
        return
    start = 0
    for name, size, length in files.select("path", "size_bytes", "num_records").iter_rows():
        if length is None or start + length > count:
            return
        path = Path(before.uri, unquote(name))
        earlier = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        if earlier.collect_schema() != rows.collect_schema():
            return
        statistics = FileStatistics()
        for offset in range(0, length, ROWS_AT_ONCE):
            some = min(ROWS_AT_ONCE, length - offset)
            there = earlier.slice(offset, some).collect()
            here = rows.slice(start + offset, some).drop(apart_from).collect()
            if not there.drop(apart_from).equals(here):
                return
            statistics.see(there)
        yield StagedFile(name, length, size, statistics=statistics.values())
        start += length
