"""Making a new project."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from polster.scaffold.changes import Changes
from polster.scaffold.environment import find_uv
from polster.scaffold.git import has_git, in_repository, init_repository
from polster.scaffold.names import check_project_name
from polster.scaffold.new_folder import check_new_folder, make_folder
from polster.scaffold.project_files import Platform, Storage, project_files

__all__ = [
    "NewProject",
    "Platform",
    "Storage",
    "check_new_folder",
    "check_project_name",
    "find_uv",
    "has_git",
    "in_repository",
    "init",
]


@dataclass(frozen=True, slots=True)
class NewProject:
    """A project that was made, or would be.

    Attributes:
        root: Its folder.
        changes: Its files.
        git: Whether it is a git repository.
    """

    root: Path
    changes: Changes
    git: bool


def init(
    name: str,
    *,
    parent: Path,
    git: bool,
    sample_assets: bool,
    platform: Platform | None = None,
    storage: Storage = Storage.LOCAL,
    dry_run: bool = False,
) -> NewProject:
    """Make the project ``name`` in the folder ``parent``; there complete, or not at all.

    Args:
        name: Of the project and its folder.
        parent: Where the folder is made.
        git: Whether it becomes a git repository; nothing is committed.
        sample_assets: Whether three assets over a file of sample orders come along.
        platform: Whose CI/CD file comes along, if one does.
        storage: Where the lakehouse of production lies, for the files that say how to reach it.
        dry_run: Check and render everything, write nothing.

    Raises:
        UsageError: The name does not fit, or something of that name is there.
        ScaffoldError: The disk or git refuses; nothing is left behind.
    """
    check_project_name(name)
    root = parent / name
    changes = project_files(name, sample_assets=sample_assets, platform=platform, storage=storage)
    check_new_folder(root)
    if not dry_run:
        make_folder(root, changes, _git if git else _nothing)
    return NewProject(root, changes, git)


def _git(folder: Path) -> None:
    init_repository(folder)


def _nothing(_folder: Path) -> None:
    pass
