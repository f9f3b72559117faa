"""Changes of files as a value, and applying them all or not at all.

What ``--dry-run`` lists is the value that would be applied. Files that exist are never
overwritten; whatever goes wrong on the way, everything is put back as it was.
"""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from polster.errors import ScaffoldError


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written.

    Attributes:
        path: Relative to the folder that the changes are applied to, with forward slashes.
        content: Every byte of it.
    """

    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """Files to be written and files to be removed, paths relative to one folder.

    Attributes:
        create: Files that must not exist yet.
        remove: Paths of files that must exist.
    """

    create: tuple[NewFile, ...] = ()
    remove: tuple[str, ...] = ()


def apply_changes(root: Path, changes: Changes) -> None:
    """Make ``changes`` in the folder ``root``, which exists: all of them, or none.

    Folders are made where they are missing. Removed files are set aside until everything else
    has succeeded.

    Raises:
        ScaffoldError: A path leads out of ``root``, a new file exists already, a file to remove
            is not there (nothing was touched), or the disk refuses (everything was put back).
    """
    check_changes(root, changes)
    with _all_or_nothing() as undo:
        for file in changes.create:
            with _explained("written", file.path):
                _write(root, file, undo)
        if not changes.remove:
            return
        aside = root / f".polster-removed-{secrets.token_hex(4)}"
        with _explained("removed", changes.remove[0]):
            aside.mkdir()
        undo.append(aside.rmdir)
        for number, path in enumerate(changes.remove):
            with _explained("removed", path):
                _set_aside(root / path, aside / str(number), undo)
    shutil.rmtree(aside, ignore_errors=True)


def check_changes(root: Path, changes: Changes) -> None:
    """Refuse changes that cannot be made in ``root``; nothing is touched.

    Raises:
        ScaffoldError: As for :func:`apply_changes`.
    """
    for path in [*(file.path for file in changes.create), *changes.remove]:
        _check_inside(root, path)
    taken = [file.path for file in changes.create if _exists(root / file.path)]
    if taken:
        raise ScaffoldError(
            f"{_listed(taken)} already, and Polster overwrites nothing",
            code="POL502",
            place=str(root / taken[0]),
            hint="move it away, or choose another name",
        )
    absent = [path for path in changes.remove if not _exists(root / path)]
    if absent:
        raise ScaffoldError(
            f"there is no file `{absent[0]}` to remove", code="POL502", place=str(root)
        )


def _check_inside(root: Path, path: str) -> None:
    """Refuse a path that is absolute, climbs, or passes a link that leads out of ``root``."""
    parts = PurePosixPath(path).parts
    outside = (
        not parts
        or ".." in parts
        or PurePosixPath(path).is_absolute()
        or bool(Path(path).drive)
        or "\\" in path
        or "\0" in path
    )
    if outside or not (root / path).parent.resolve().is_relative_to(root.resolve()):
        raise ScaffoldError(
            f"the path `{path}` leads out of the folder", code="POL501", place=str(root)
        )


def _write(root: Path, file: NewFile, undo: list[Callable[[], object]]) -> None:
    target = root / file.path
    missing = [folder for folder in target.parents if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir()
        undo.append(folder.rmdir)
    with target.open("xb") as stream:
        undo.append(target.unlink)
        stream.write(file.content)


def _set_aside(path: Path, aside: Path, undo: list[Callable[[], object]]) -> None:
    path.rename(aside)
    undo.append(lambda: aside.rename(path))


@contextmanager
def _all_or_nothing() -> Iterator[list[Callable[[], object]]]:
    """Collect how to undo each step; undo them, last first, if the block does not end well."""
    undo: list[Callable[[], object]] = []
    try:
        yield undo
    except BaseException as error:
        left = []
        for step in reversed(undo):
            try:
                step()
            except OSError as refusal:
                left.append(str(refusal))
        if left:
            raise ScaffoldError(
                f"{error}; and what was done so far cannot be undone: {'; '.join(left)}",
                code="POL503",
                hint="look at these paths yourself",
            ) from error
        raise


@contextmanager
def _explained(deed: str, path: str) -> Iterator[None]:
    """Turn an error of the file system into ours, which names the file."""
    try:
        yield
    except FileExistsError as error:
        raise ScaffoldError(
            f"`{path}` exists already, and Polster overwrites nothing",
            code="POL502",
            hint="move it away, or choose another name",
        ) from error
    except OSError as error:
        raise ScaffoldError(
            f"`{path}` cannot be {deed}: {error.strerror or error}; nothing was changed",
            code="POL503",
            place=error.filename if isinstance(error.filename, str) else None,
            hint="check the folder's permissions and the space on the disk",
        ) from error


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _listed(paths: list[str]) -> str:
    names = ", ".join(f"`{path}`" for path in paths)
    return f"{names} {'exists' if len(paths) == 1 else 'exist'}"
