"""Making a whole folder at once: there complete, or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

from polster.errors import ScaffoldError, UsageError
from polster.scaffold.changes import Changes, apply_changes


def check_new_folder(target: Path) -> None:
    """Refuse a folder that is there already, unless it is empty.

    Raises:
        UsageError: Something is there.
    """
    if target.is_dir() and not target.is_symlink() and not any(target.iterdir()):
        return
    if target.exists() or target.is_symlink():
        kind = "folder" if target.is_dir() else "file"
        raise UsageError(
            f"the {kind} `{target.name}` exists already, and Polster overwrites nothing",
            code="POL502",
            place=str(target),
            hint="choose another name, or move it away",
        )


def make_folder(target: Path, changes: Changes, finish: Callable[[Path], None]) -> None:
    """Make the folder ``target`` with the files of ``changes``.

    It is written under another name beside its place and renamed when it is complete.

    Args:
        target: Does not exist, or is empty.
        changes: Files, paths relative to ``target``.
        finish: What else has to happen in the folder, given where it lies until then.

    Raises:
        UsageError: Something is at ``target``.
        ScaffoldError: The disk refuses; nothing is left behind.
    """
    check_new_folder(target)
    made = target.parent / f".{target.name}-{secrets.token_hex(4)}"
    try:
        made.mkdir()
        apply_changes(made, changes)
        finish(made)
        made.rename(target)
    except OSError as error:
        _remove(made)
        if target.is_dir() and any(target.iterdir()):
            check_new_folder(target)  # another program was faster
        raise ScaffoldError(
            f"the folder `{target.name}` cannot be made: {error.strerror or error}",
            code="POL503",
            place=str(target.parent),
            hint="check the folder's permissions and the space on the disk",
        ) from error
    except BaseException:
        _remove(made)
        raise


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
