"""Checking a table fully: every commit of its log, every file of a version, every row.

What :mod:`polster.lakehouse.quick_check` cannot afford in every run. Nothing is changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl

from polster.lakehouse.quick_check import commit_name, commit_versions, file_damage, read_actions
from polster.lakehouse.store import LOG_FOLDER, Store, said_by_store
from polster.lakehouse.table import Commit, Table, to_commit
from polster.lakehouse.table_version import TableVersion

READING_THREADS = 8
"""Files of an object store read at once; those of a folder one by one, which is as fast."""
PARTS_OF_NAME = 5  # time and random end of the run, staging, part, number
JOINT = "-"
AS_READ = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast=["upcast", "downcast"],
    datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
    categorical_to_string="allow",
)
"""What Polars casts when it reads a Delta table."""


@dataclass(frozen=True, slots=True)
class Log:
    """What the log of a table holds.

    Attributes:
        commits: Oldest first, as far as the log goes back.
        damages: What of it cannot be read, as clauses.
        named: Data files that any commit adds or removes; empty in an object store.
    """

    commits: tuple[Commit, ...]
    damages: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Files in a table's folder that no version names: what a run left behind when it was killed.

    Attributes:
        pattern: Names them all, and no other file, below the folder.
    """

    pattern: str
    files: int
    size_bytes: int


def read_log(table: Table, version: TableVersion | None) -> Log:
    """Read every commit of a table; of one in an object store what its newest version says."""
    if not table.store.is_local:
        found = table.history(version) if version else ()
        return Log(tuple(found)[::-1])
    folder = Path(table.uri, LOG_FOLDER)
    commits: list[Commit] = []
    damages: list[str] = []
    named: set[str] = set()
    for number in sorted(commit_versions(path.name for path in folder.iterdir())):
        name = commit_name(number)
        try:
            actions = read_actions(folder / name)
            named.update(_named(actions))
            commits.append(to_commit(number, actions))
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            damages.append(f"a commit of its log is damaged: {name}")
            continue
        if not actions:
            damages.append(f"a commit of its log is empty: {name}")
    if version is not None:
        named.update(_names(version))
    return Log(tuple(commits), tuple(damages), frozenset(named))


def check_files(table: TableVersion, store: Store, known: Collection[str] = ()) -> list[str]:
    """Read every file of a version: that it is there, in its size, with its rows and types.

    Every row is decoded, and forgotten: of a file, a few batches are held at a time.

    Args:
        table: The version.
        store: Where it lies; the sizes of files in an object store are not asked for.
        known: Files that were read already.

    Returns:
        What is wrong, as clauses, in the order of the files.
    """
    files = [
        (unquote(name), size, rows)
        for name, size, rows in _files(table).iter_rows()
        if unquote(name) not in known
    ]

    partition = table.delta.metadata().partition_columns
    stored = {name: dtype for name, dtype in table.stored_schema.items() if name not in partition}
    schema = pl.Schema(stored)

    def check(file: tuple[str, int, int | None]) -> str | None:
        name, size, rows = file
        damage = file_damage(table.uri, [(name, size)]) if store.is_local else None
        return damage or _check_rows(table.uri, name, rows, schema, store)

    with ThreadPoolExecutor(1 if store.is_local else READING_THREADS) as pool:
        return [damage for damage in pool.map(check, files) if damage]


def file_names(table: TableVersion) -> set[str]:
    """Return the names of the files of a version."""
    return set(_names(table))


def leftovers(table: Table, log: Log, running: Collection[str]) -> list[Leftovers]:
    """Find files of a local table that no version names, by what staged them.

    Args:
        table: The table.
        log: What its log names.
        running: Runs in progress, whose staged files are no leftovers.
    """
    if not table.store.is_local:
        return []
    folder = Path(table.uri)
    found: dict[str, list[int]] = defaultdict(list)
    named = {_pattern(name) for name in log.named}
    for path in sorted(folder.rglob("*.parquet")):
        name = path.relative_to(folder).as_posix()
        is_log = name.startswith("_delta_log")
        if is_log or name in log.named or any(run in path.name for run in running):
            continue
        pattern = _pattern(name)
        found[name if pattern in named else pattern].append(path.stat().st_size)
    return [Leftovers(pattern, len(sizes), sum(sizes)) for pattern, sizes in found.items()]


def _pattern(name: str) -> str:
    """Return a pattern of the files that were staged together with ``name``."""
    folder, slash, file = name.rpartition("/")
    parts = file.split(JOINT)
    if len(parts) < PARTS_OF_NAME:
        return name
    return f"{folder}{slash}{JOINT.join(parts[: PARTS_OF_NAME - 2])}-*.parquet"


def _named(actions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for action in actions:
        for kind in ("add", "remove"):
            if kind in action:
                yield unquote(action[kind]["path"])


def _names(table: TableVersion) -> Iterator[str]:
    return (unquote(name) for name in table.files["path"])


def _files(table: TableVersion) -> pl.DataFrame:
    files = table.files
    if "num_records" not in files.columns:
        files = files.with_columns(num_records=pl.lit(None, pl.Int64))
    return files.select("path", "size_bytes", "num_records")


def _check_rows(
    uri: str, name: str, rows: int | None, schema: pl.Schema, store: Store
) -> str | None:
    if "://" in name or name.startswith("/"):
        return None
    scan = partial(
        pl.scan_parquet,
        f"{uri}/{name}",
        glob=False,
        hive_partitioning=False,
        storage_options=store.storage_options,
        credential_provider=None if store.options else "auto",
    )
    heights: list[int] = []
    try:
        read = scan()
        there = read.collect_schema()
        if any(there.get(column, dtype) != dtype for column, dtype in schema.items()):
            read = scan(
                schema=schema,
                cast_options=AS_READ,
                missing_columns="insert",
                extra_columns="ignore",
            )
        read.sink_batches(lambda batch: heights.append(batch.height), maintain_order=False)
    except FileNotFoundError:
        return f"a file of its table is missing: {name}"
    except pl.exceptions.SchemaError as error:
        return f"a file of its table has other types: {name}: {said_by_store(error)}"
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        return f"a file of its table cannot be read: {name}: {said_by_store(error)}"
    if rows is not None and sum(heights) != rows:
        return f"a file of its table has {sum(heights)} rows, not {rows}: {name}"
    return None
