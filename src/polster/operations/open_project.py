"""Opening the project that a command means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polster.errors import DefinitionError, LakehouseError
from polster.model.graph import AssetGraph
from polster.project.discovery import Discovery, discover
from polster.project.locate import find_project, open_project_folder
from polster.project.settings import Environment, Settings, choose_environment, read_settings
from polster.project.source import SourceFiles

if TYPE_CHECKING:
    from polster.lakehouse.lakehouse import Lakehouse


@dataclass(frozen=True)
class Project:
    """A project as its source says it is; nothing of it has been run.

    Attributes:
        found_below: Whether it was found in a folder below the one that the command started in.
    """

    root: Path
    settings: Settings
    discovery: Discovery
    found_below: bool

    @property
    def graph(self) -> AssetGraph:
        """Return the graph.

        Raises:
            DefinitionError: There is none, because the pipeline has mistakes.
        """
        if self.discovery.graph is None:
            raise DefinitionError(self.discovery.findings)
        return self.discovery.graph


@dataclass(frozen=True)
class Session(Project):
    """A project, one of its environments, and the lakehouse there, opened when it is asked for.

    Attributes:
        asked: The environment that is meant; None for ``POLSTER_ENV``, or the default.
    """

    asked: str | None = None

    @cached_property
    def environment(self) -> Environment:
        """Return the environment.

        Raises:
            UsageError: There is none of that name, or a variable that it needs is not set.
        """
        return choose_environment(self.settings, self.asked)

    @cached_property
    def lakehouse(self) -> Lakehouse:
        """Return the lakehouse.

        Raises:
            UsageError: As above.
            LakehouseError: There is a file where its folder should be.
        """
        from polster.lakehouse.lakehouse import Lakehouse  # what reads no table does without
        from polster.lakehouse.store import Store

        store = Store(self.environment.lakehouse, self.environment.storage_options)
        if store.is_local and Path(store.root).is_file():
            raise LakehouseError(
                "the lakehouse is a file, not a folder",
                code="POL401",
                place=store.root,
                hint="move the file away, or name another folder in [tool.polster]",
            )
        return Lakehouse(store)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what was opened, and the keys to it, for another process."""
        opened = {"environment", "lakehouse"}
        return {name: value for name, value in self.__dict__.items() if name not in opened}

    def elsewhere(self, environment: str | None) -> Session:
        """Return the same project with another of its environments."""
        return replace(self, asked=environment)


def open_project(
    folder: Path | None = None,
    *,
    start: Path | None = None,
    meanwhile: Callable[[Path], SourceFiles | None] = lambda _: None,
    environment: str | None = None,
) -> Session:
    """Open the project in ``folder``, or the one found from ``start`` (the current folder).

    Args:
        folder: The project's folder.
        start: Where to look for it.
        meanwhile: Called with the project's folder before its source is read, for what can go
            on; it may say who keeps what is parsed.
        environment: As in a :class:`Session`.

    Raises:
        UsageError: There is no project, or several.
        SettingsError: Its settings make no sense.
    """
    begin = (start or Path.cwd()).resolve()
    root = open_project_folder(folder) if folder else find_project(begin)
    settings = read_settings(root)
    files = meanwhile(root)
    found_below = folder is None and root != begin and begin in root.parents
    found = discover(root, settings.rules, files)
    return Session(root, settings, found, found_below, environment)
