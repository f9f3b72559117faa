"""What of a local table nobody needs any more: files, and entries of its log.

Everything from one version on stays. The log keeps a checkpoint not above that version, so that it
can be opened; and files go before the entries that name them, so that a kill in between leaves
nothing that nobody finds again.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote

from polster.lakehouse.quick_check import (
    VERSION_DIGITS,
    commit_name,
    commit_versions,
    is_checkpoint,
    read_actions,
)
from polster.lakehouse.store import LOG_FOLDER
from polster.lakehouse.table import Table, published_version, to_commit
from polster.model.upkeep import Size

RUN_ID = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")
UNKNOWN_AGE = timedelta(days=1)
"""A file that no commit names and no known run staged is a leftover after this time."""
POINTER = "_last_checkpoint"
CHECKPOINT_EVERY = 50
"""So many entries of a log are worth a checkpoint, to be rid of them."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What readers and runs need of a table.

    Attributes:
        since: Versions that were current since then.
        version: This one, and those after it; None if there is no such.
        begun: Files as young as this may be staged by who is at work.
        has_ended: Tells of a run whether it is over.
    """

    since: datetime
    version: int | None
    begun: datetime
    has_ended: Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Expired:
    """What can go.

    Attributes:
        files: Data, relative to the table's folder.
        leftovers: How many of them no commit names.
        checkpoint: The version to make a checkpoint of before entries of the log go; None if
            there is one.
        log: Names of what can go in the log, oldest first.
    """

    files: tuple[str, ...] = ()
    leftovers: int = 0
    checkpoint: int | None = None
    log: tuple[str, ...] = ()

    @property
    def commits(self) -> int:
        """Count the entries of the log among what can go."""
        return len(commit_versions(self.log))


def expired(table: Table, needs: Needs) -> Expired:
    """Find what of a local table can go; nothing is changed.

    Raises:
        LakehouseError: The table cannot be read.
        OSError: Its folder cannot be read.
        ValueError: Its log is damaged.
    """
    log = Path(table.uri, LOG_FOLDER)
    with os.scandir(log) as entries:
        times = {entry.name: entry.stat().st_mtime for entry in entries}
    commits = sorted(commit_versions(times))
    checkpoints = sorted({int(name[:VERSION_DIGITS]) for name in times if is_checkpoint(name)})
    readable = 0 if 0 in commits else min(checkpoints, default=None)
    if not commits or readable is None:
        return Expired()
    first = max(readable, _first_needed(log, commits, times, needs))
    actions = {version: read_actions(log / commit_name(version)) for version in commits}
    opened = table.open(first)
    if opened is None:
        return Expired()
    needed = {unquote(path) for path in opened.files["path"]}
    named: set[str] = set(needed)
    for version, said in actions.items():
        added = {unquote(each["add"]["path"]) for each in said if "add" in each}
        named |= added | {unquote(each["remove"]["path"]) for each in said if "remove" in each}
        if version > first:
            needed |= added
    files, leftovers = _files(table.uri, needed, named, needs)
    start = max((version for version in checkpoints if version <= first), default=None)
    checkpoint = None
    if first - max(commits[0], start or 0) >= CHECKPOINT_EVERY:
        start = checkpoint = first
    elif start is not None and start > commits[0] and _pointer(log) < start:
        checkpoint = start  # readers begin where the pointer is, which would be gone
    names = [
        name
        for name in sorted(times)
        if start is not None
        and name[:VERSION_DIGITS].isdigit()
        and len(name) > VERSION_DIGITS
        and int(name[:VERSION_DIGITS]) < start
    ]
    return Expired(tuple(files), leftovers, checkpoint, tuple(names))


def _pointer(log: Path) -> int:
    """Return the version of the checkpoint that readers are sent to; -1 if they are to none."""
    try:
        return int(json.loads((log / POINTER).read_text(encoding="utf-8"))["version"])
    except (OSError, ValueError, LookupError):
        return -1


def _first_needed(log: Path, commits: list[int], times: Mapping[str, float], needs: Needs) -> int:
    """Return the first version that was current lately, or is needed for another reason."""
    since = needs.since.timestamp()
    current = commits[-1]
    for version, after in pairwise(commits):
        if times[commit_name(after)] > since:
            current = version
            break
    found = to_commit(current, read_actions(log / commit_name(current)))
    first = published_version(found)
    return first if needs.version is None else min(first, needs.version)


def _files(uri: str, needed: set[str], named: set[str], needs: Needs) -> tuple[list[str], int]:
    begun = needs.begun.timestamp()
    long_ago = (needs.begun - UNKNOWN_AGE).timestamp()
    found: list[str] = []
    leftovers = 0
    for name, about in _data(uri):
        if name in needed or about.st_mtime >= begun:
            continue
        if name not in named:
            run = RUN_ID.search(name.rpartition("/")[2])
            if about.st_mtime >= long_ago and not (run and needs.has_ended(run[0])):
                continue
            leftovers += 1
        found.append(name)
    return sorted(found), leftovers


def _data(uri: str) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files of data in a table's folder; what other programs keep there is none."""
    for path in Path(uri).rglob("*.parquet"):
        name = path.relative_to(uri)
        hidden = (part for part in name.parts if part.startswith(("_", ".")) and "=" not in part)
        with suppress(FileNotFoundError):
            if next(hidden, None) is None:
                yield name.as_posix(), path.stat()


def remove(table: Table, found: Expired) -> None:
    """Delete what can go: the files, then the entries of the log, the oldest first.

    Raises:
        LakehouseError: The table cannot be read.
        DeltaError: No checkpoint can be made.
    """
    table.store.delete(table.uri, found.files)
    if found.checkpoint is not None:
        opened = table.open(found.checkpoint)
        if opened is None:
            return
        opened.delta.create_checkpoint()
    for name in found.log:
        with suppress(FileNotFoundError):
            Path(table.uri, LOG_FOLDER, name).unlink()


def size_of(table: Table, names: tuple[str, ...] | None = None) -> Size:
    """Measure the folder of a local table, or what goes with some files of it.

    What has two names lies there once, and stays if one of them goes.
    """
    folder = Path(table.uri)
    paths = folder.rglob("*") if names is None else (folder / name for name in names)
    sizes: dict[tuple[int, int], int] = {}
    files = 0
    for path in paths:
        with suppress(OSError):
            if path.is_file():
                about = path.stat()
                files += 1
                if names is None or about.st_nlink == 1:
                    sizes[about.st_dev, about.st_ino] = about.st_size
    return Size(files, sum(sizes.values()))
