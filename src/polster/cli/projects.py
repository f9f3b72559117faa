"""Opening the project for a command, and saying so where it is not obvious which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from polster.cli import console
from polster.operations.open_project import Project, open_project
from polster.project.source import SourceFiles


def open_and_say(
    folder: Path | None, meanwhile: Callable[[Path], SourceFiles | None] = lambda _: None
) -> Project:
    """Open the project; name it on stderr if it was found below the current folder."""
    project = open_project(folder, meanwhile=meanwhile)
    if project.found_below:
        console.note(f"project: {project.root.name}")
    return project
