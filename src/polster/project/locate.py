"""Finding the project that a command means."""

from __future__ import annotations

import tomllib
from pathlib import Path

from polster.errors import SettingsError, UsageError

SETTINGS_FILE = "pyproject.toml"


def is_project(folder: Path) -> bool:
    """Tell whether ``folder`` has a ``pyproject.toml`` with a table ``[tool.polster]``."""
    return _polster_table(folder) is not None


def find_project(start: Path, *, below: bool = True) -> Path:
    """Find the folder of the project that a command started in ``start`` means.

    First ``start`` and the folders above it; then, with ``below``, the folders directly in
    ``start``, of which exactly one may be a project.

    Raises:
        UsageError: There is none, or there are several.
        SettingsError: A ``pyproject.toml`` on the way cannot be read.
    """
    start = start.resolve()
    for folder in [start, *start.parents]:
        if is_project(folder):
            return folder
    if below:
        found = sorted(folder for folder in _folders(start) if is_project(folder))
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(folder.name for folder in found)
            raise UsageError(
                f"there are {len(found)} projects below this folder: {names}",
                code="POL102",
                hint=f"choose one: --project {found[0].name}",
                place=str(start),
            )
    raise UsageError(
        "there is no Polster project here, above or directly below",
        code="POL101",
        hint="make one with: polster init my_project",
        place=str(start),
    )


def open_project_folder(folder: Path) -> Path:
    """Return ``folder``, given by name, if it is a project.

    Raises:
        UsageError: It is not.
    """
    try:
        is_there = folder.is_dir()
    except OSError:  # a name that is too long for the disk
        is_there = False
    if not is_there:
        raise UsageError(f"there is no folder `{folder}`", code="POL101", hint="see --project")
    if not is_project(folder):
        raise UsageError(
            f"`{folder}` is not a Polster project: it has no pyproject.toml with [tool.polster]",
            code="POL101",
            hint="make one with: polster init my_project",
        )
    return folder.resolve()


def _folders(start: Path) -> list[Path]:
    try:
        return [entry for entry in start.iterdir() if entry.is_dir()]
    except OSError:
        return []


def _polster_table(folder: Path) -> object | None:
    path = folder / SETTINGS_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    if "polster" not in text:
        return None
    try:
        tool = tomllib.loads(text).get("tool")
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"the file is not valid TOML: {error}", code="POL103", place=str(path)
        ) from error
    return tool.get("polster") if isinstance(tool, dict) else None
