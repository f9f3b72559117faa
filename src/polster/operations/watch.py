"""Noticing cheaply that a project or its lakehouse changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from polster.operations.environment import open_lakehouse
from polster.operations.open_project import Project
from polster.project.import_path import SOURCE_FOLDER
from polster.project.locate import SETTINGS_FILE

Stamp = frozenset[tuple[str, int, int]]
"""Path, time of change in nanoseconds and size of each file."""


@dataclass(frozen=True, slots=True)
class LakehouseStamp:
    """What changes when a run is recorded: the newest version of the ledger."""

    ledger: int | None


def source_stamp(root: Path) -> Stamp:
    """Return a value that changes when a source file or the settings do.

    A file that vanishes meanwhile is left out.
    """
    files = [root / SETTINGS_FILE, root / ".env", *(root / SOURCE_FOLDER).rglob("*.py")]
    found = set()
    for path in files:
        try:
            state = path.stat()
        except OSError:
            continue
        found.add((str(path), state.st_mtime_ns, state.st_size))
    return frozenset(found)


def lakehouse_stamp(project: Project, *, environment: str | None = None) -> LakehouseStamp:
    """Return a value that changes when a run is recorded.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    _, lakehouse = open_lakehouse(project, environment)
    table = lakehouse.ledger.table
    if lakehouse.store.is_local:  # a listing, where opening would read the whole log
        return LakehouseStamp(lakehouse.store.latest_version(table.uri))
    opened = table.open()
    return LakehouseStamp(opened.version if opened else None)
