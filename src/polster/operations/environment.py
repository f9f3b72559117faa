"""Opening the lakehouse of an environment."""

from __future__ import annotations

from pathlib import Path

from polster.errors import LakehouseError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.operations.open_project import Project
from polster.project.settings import choose_environment


def open_lakehouse(project: Project, environment: str | None) -> tuple[str, Lakehouse]:
    """Return the name of the environment meant, and its lakehouse.

    Raises:
        UsageError: There is no such environment, or a variable that it needs is not set.
        LakehouseError: There is a file where its folder should be.
    """
    chosen = choose_environment(project.settings, environment)
    store = Store(chosen.lakehouse, chosen.storage_options)
    if store.is_local and Path(store.root).is_file():
        raise LakehouseError(
            "the lakehouse is a file, not a folder",
            code="POL401",
            place=store.root,
            hint="move the file away, or name another folder in [tool.polster]",
        )
    return chosen.name, Lakehouse(store)
