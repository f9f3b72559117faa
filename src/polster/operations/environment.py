"""Opening the lakehouse of an environment."""

from __future__ import annotations

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.operations.open_project import Project
from polster.project.settings import choose_environment


def open_lakehouse(project: Project, environment: str | None) -> tuple[str, Lakehouse]:
    """Return the name of the environment meant, and its lakehouse.

    Raises:
        UsageError: There is no such environment, or a variable that it needs is not set.
    """
    chosen = choose_environment(project.settings, environment)
    return chosen.name, Lakehouse(Store(chosen.lakehouse, chosen.storage_options))
