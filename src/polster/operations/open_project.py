"""Opening the project that a command means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from polster.errors import DefinitionError
from polster.model.graph import AssetGraph
from polster.project.discovery import Discovery, discover
from polster.project.locate import find_project, open_project_folder
from polster.project.settings import Settings, read_settings
from polster.project.source import SourceFiles


@dataclass(frozen=True, slots=True)
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


def open_project(
    folder: Path | None = None,
    *,
    start: Path | None = None,
    meanwhile: Callable[[Path], SourceFiles | None] = lambda _: None,
) -> Project:
    """Open the project in ``folder``, or the one found from ``start`` (the current folder).

    Args:
        folder: The project's folder.
        start: Where to look for it.
        meanwhile: Called with the project's folder before its source is read, for what can go
            on; it may say who keeps what is parsed.

    Raises:
        UsageError: There is no project, or several.
        SettingsError: Its settings make no sense.
    """
    begin = (start or Path.cwd()).resolve()
    root = open_project_folder(folder) if folder else find_project(begin)
    settings = read_settings(root)
    files = meanwhile(root)
    found_below = folder is None and root != begin and begin in root.parents
    return Project(root, settings, discover(root, settings.rules, files), found_below)
