"""Noticing cheaply that a project or its lakehouse changed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from polster.model.live import LiveRun
from polster.operations.open_project import Session
from polster.operations.overview import Overview, overview
from polster.project.import_path import SOURCE_FOLDER
from polster.project.locate import SETTINGS_FILE
from polster.project.schema_file import SCHEMA_FILE

FileStates = frozenset[tuple[str, int, int]]
"""Path, time of change in nanoseconds and size of each file."""


@dataclass(frozen=True, slots=True)
class LakehouseStamp:
    """What changes when a run begins, moves on, or is recorded.

    Attributes:
        ledger: The newest commit of the ledger; -1 if there is none.
        acknowledged: The newest version of the acknowledgements.
        live: The files of the runs in progress; empty in an object store, where asking for them
            costs as much as reading them.
        killed: Of these, the runs whose process is gone without changing its file.
    """

    ledger: int
    live: FileStates
    killed: frozenset[str] = frozenset()
    acknowledged: int | None = None

    @property
    def recorded(self) -> tuple[int, int | None]:
        """Return what changes when something is recorded."""
        return self.ledger, self.acknowledged


@dataclass(frozen=True, slots=True)
class Sight:
    """What one look into the lakehouse saw.

    Attributes:
        overview: None if nothing was recorded since the look before.
    """

    stamp: LakehouseStamp
    live: tuple[LiveRun, ...]
    overview: Overview | None


def source_stamp(root: Path) -> FileStates:
    """Return a value that changes when a source file, the settings or the columns of bronze do."""
    files = [root / SETTINGS_FILE, root / ".env", root / SCHEMA_FILE]
    return _states([*files, *(root / SOURCE_FOLDER).rglob("*.py")])


def is_local(session: Session) -> bool:
    """Tell whether the lakehouse is a folder, so that a stamp costs nearly nothing.

    Raises:
        UsageError: The environment does not exist.
    """
    return session.lakehouse.store.is_local


def lakehouse_stamp(session: Session) -> LakehouseStamp:
    """Return a value that changes when a run begins, moves on, or is recorded.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    lakehouse = session.lakehouse
    version = lakehouse.ledger.newest_commit()
    if lakehouse.store.is_local:
        live = _states(list(Path(lakehouse.live.folder).glob("*.json")))
        runs = lakehouse.live.all() if live else []
        killed = frozenset(run.run_id for run in runs if run.is_killed)
        seen = lakehouse.store.latest_version(lakehouse.acknowledgements.table.uri)
        return LakehouseStamp(version, live, killed, seen)
    seen_table = lakehouse.acknowledgements.table.open()
    return LakehouseStamp(
        version,
        frozenset(),
        acknowledged=seen_table.version if seen_table else None,
    )


def look(session: Session, *, before: LakehouseStamp | None = None) -> Sight:
    """Look into the lakehouse.

    Args:
        session: Whose lakehouse.
        before: Of the look before; None to see everything anew.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    lakehouse = session.lakehouse
    stamp = lakehouse_stamp(session)
    live = tuple(lakehouse.live.all())
    recorded = before is None or before.recorded != stamp.recorded
    return Sight(stamp, live, overview(session) if recorded else None)


def _states(paths: list[Path]) -> FileStates:
    """Return the states of files; one that vanishes meanwhile is left out."""
    found = set()
    for path in paths:
        try:
            state = path.stat()
        except OSError:
            continue
        found.add((str(path), state.st_mtime_ns, state.st_size))
    return frozenset(found)
