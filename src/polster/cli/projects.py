"""Opening the project for a command, and saying so where it is not obvious which."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from polster.cli import console
from polster.operations.open_project import Session, open_project

if TYPE_CHECKING:
    from polster.project.source import SourceFiles


def open_and_say(
    folder: Path | None,
    environment: str | None = None,
    meanwhile: Callable[[Path], SourceFiles | None] = lambda _: None,
) -> Session:
    """Open the project; name it on stderr if it was found below the current folder."""
    session = open_project(folder, meanwhile=meanwhile, environment=environment)
    if session.found_below:
        console.note(f"project: {session.root.name}")
    return session
