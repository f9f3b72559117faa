"""Checking a table quickly: whether its newest version is there, without opening it.

A run looks at every table of the project, and opening one costs a hundred times as much as listing
its log. So the names in the log, its newest commit and the files which that commit adds are looked
at. That is all of silver and gold, and the newest batch of bronze; ``polster doctor`` looks at the
rest. In an object store each look is a request that is waited and paid for: there it is the names
in the log and its newest commit alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from polster.errors import LakehouseError
from polster.lakehouse.object_store import sizes_below
from polster.lakehouse.store import LOG_FOLDER, Store
from polster.lakehouse.table import Commit, Table, published_version, to_commit
from polster.lakehouse.table_version import TableVersion

VERSION_DIGITS = 20
COMMIT_ENDING = ".json"
CHECKPOINT = ".checkpoint"
PARQUET_MAGIC = b"PAR1"
SMALLEST_PARQUET = 12


@dataclass(frozen=True, slots=True)
class QuickCheck:
    """What was seen of a table.

    Attributes:
        version: The newest, commits that merged files left out; -1 if not even the log could be
            listed.
        commit: The newest commit; None if it cannot be read, or was not looked at.
        damage: Why readers do not get that version, as a clause; None if nothing was seen.
    """

    version: int
    commit: Commit | None = None
    damage: str | None = None


def quick_check(uri: str) -> QuickCheck | None:
    """Check the newest version of a local table; None if there is no table."""
    log = Path(uri, LOG_FOLDER)
    try:
        with os.scandir(log) as found:
            entries = {entry.name: entry for entry in found}
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        return QuickCheck(-1, damage=f"its log cannot be read: {error.strerror}")
    versions = commit_versions(entries)
    if not versions:
        return None
    version = max(versions)
    start = _start(entries)
    damage = (
        _gap(versions, start)
        or _broken_checkpoint(log, entries)
        or _altered(log, entries, range(start, version))
    )
    if damage:
        return QuickCheck(version, damage=damage)
    name = commit_name(version)
    try:
        actions = read_actions(log / name)
        commit = to_commit(version, actions)
        if (before := published_version(commit)) != version:  # the rows are those of an earlier one
            earlier = read_actions(log / commit_name(before))
            commit, actions = to_commit(before, earlier), [*earlier, *actions]
        added = [action["add"] for action in actions if "add" in action]
        files = [(unquote(each["path"]), int(each["size"])) for each in added]
    except OSError as error:
        return QuickCheck(version, damage=f"its newest commit cannot be read: {error.strerror}")
    except (ValueError, TypeError, LookupError, AttributeError):
        return QuickCheck(version, damage=f"its newest commit is damaged: {name}")
    if not actions:
        return QuickCheck(version, damage=f"its newest commit is empty: {name}")
    return QuickCheck(commit.version, commit, file_damage(uri, files))


def quick_check_in_store(store: Store, uri: str) -> QuickCheck | None:
    """Check the newest version of a table in an object store, in two requests.

    None if there is no table, or it has to be opened to know more, as without ``obstore``.

    Raises:
        LakehouseError: The store cannot be reached, or refuses.
    """
    log = f"{uri}/{LOG_FOLDER}"
    sizes = sizes_below(store, log)
    if sizes is None:
        return None
    versions = commit_versions(sizes)
    start = _start(sizes)
    needed = [commit_name(version) for version in versions if version >= start]
    if not versions or _gap(versions, start) or not all(sizes[name] for name in needed):
        return None

    def read(version: int) -> Commit:
        lines = store.read_lines(log, commit_name(version))
        if lines is None:
            raise LookupError(commit_name(version))  # it went meanwhile
        return to_commit(version, [json.loads(line) for line in lines if line])

    try:
        commit = read(max(versions))
        if (before := published_version(commit)) != commit.version:
            commit = read(before)
    except (ValueError, TypeError, LookupError, AttributeError):
        return None
    return QuickCheck(commit.version, commit)


def has_whole_log(table: Table) -> bool:
    """Tell whether the log of a local table can be read from its beginning to its end."""
    check = quick_check(table.uri)
    try:
        return check is not None and check.commit is not None and table.open() is not None
    except LakehouseError:
        return False


def commit_name(version: int) -> str:
    """Return the name of a commit's file in the log."""
    return f"{version:0{VERSION_DIGITS}d}{COMMIT_ENDING}"


def commit_versions(names: Iterable[str]) -> set[int]:
    """Return the versions whose commits are among the names in a log."""
    length = VERSION_DIGITS + len(COMMIT_ENDING)
    return {
        int(name[:VERSION_DIGITS])
        for name in names
        if len(name) == length and name.endswith(COMMIT_ENDING) and name[:VERSION_DIGITS].isdigit()
    }


def oldest_version(uri: str) -> int | None:
    """Return the oldest version of a local table that can be read; None if there is no table."""
    try:
        names = os.listdir(Path(uri, LOG_FOLDER))  # noqa: PTH208 - of many tables
    except OSError:
        return None
    if commit_name(0) in names:
        return 0
    return min((int(name[:VERSION_DIGITS]) for name in names if is_checkpoint(name)), default=None)


def data_damage(table: TableVersion) -> str | None:
    """Check that every file of a local table's version is there, in its size."""
    files = table.files.select("path", "size_bytes").iter_rows()
    return file_damage(table.uri, ((unquote(name), size) for name, size in files))


def file_damage(uri: str, files: Iterable[tuple[str, int]]) -> str | None:
    """Say of the first file that is missing, or of another size than the log says."""
    for name, size in files:
        if "://" in name or name.startswith("/"):  # a clone of another program reads it elsewhere
            continue
        try:
            found = os.stat(f"{uri}/{name}").st_size  # noqa: PTH116 - of many files
        except (FileNotFoundError, NotADirectoryError):
            return f"a file of its table is missing: {name}"
        except OSError as error:
            return f"a file of its table cannot be read: {name}: {error.strerror}"
        if found != size:
            return f"a file of its table has {found} bytes, not {size}: {name}"
    return None


def read_actions(commit: Path) -> list[dict[str, Any]]:
    """Read what a commit's file says.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON.
    """
    return [json.loads(line) for line in commit.read_bytes().split(b"\n") if line]


def _start(names: Iterable[str]) -> int:
    """Return the first version whose commit readers need: the one after the newest checkpoint."""
    checkpoints = (int(name[:VERSION_DIGITS]) for name in names if is_checkpoint(name))
    return max(checkpoints, default=-1) + 1


def _gap(versions: set[int], start: int) -> str | None:
    newest = max(versions)
    if len(versions) == newest + 1:
        return None
    gone = next((version for version in range(start, newest) if version not in versions), None)
    return None if gone is None else f"a commit of its log is missing: {commit_name(gone)}"


def _altered(
    log: Path, entries: Mapping[str, os.DirEntry[str]], versions: Sequence[int]
) -> str | None:
    """Say which of the earlier commits is empty, or was written after the next one and is damaged.

    Nobody changes a commit, so that reading those which are older than the next one is spared.
    """
    for version in versions:
        name = commit_name(version)
        try:
            found, after = entries[name].stat(), entries[commit_name(version + 1)].stat()
            if not found.st_size:
                return f"a commit of its log is empty: {name}"
            if found.st_mtime_ns > after.st_mtime_ns:
                read_actions(log / name)
        except (OSError, ValueError):
            return f"a commit of its log is damaged: {name}"
    return None


def _broken_checkpoint(log: Path, names: Iterable[str]) -> str | None:
    checkpoints = [name for name in names if is_checkpoint(name)]
    if not checkpoints:
        return None
    newest = max(name[:VERSION_DIGITS] for name in checkpoints)
    for name in checkpoints:
        if name.startswith(newest) and name.endswith(".parquet"):
            try:
                with (log / name).open("rb") as file:
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - len(PARQUET_MAGIC)))
                    is_whole = size >= SMALLEST_PARQUET and file.read() == PARQUET_MAGIC
            except OSError:
                is_whole = False
            if not is_whole:
                return f"a checkpoint of its log is damaged: {name}"
    return None


def is_checkpoint(name: str) -> bool:
    """Tell whether a name in a log is that of a checkpoint, or of a part of one."""
    return name[VERSION_DIGITS:].startswith(CHECKPOINT) and name[:VERSION_DIGITS].isdigit()
