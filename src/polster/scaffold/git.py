"""Putting a new project under git, where git is there."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from polster.errors import ScaffoldError


def has_git() -> bool:
    """Tell whether the command ``git`` is there."""
    return shutil.which("git") is not None


def in_repository(folder: Path) -> bool:
    """Tell whether ``folder`` lies in a git repository already."""
    folder = folder.resolve()
    return any((parent / ".git").exists() for parent in [folder, *folder.parents])


def init_repository(folder: Path) -> None:
    """Make ``folder`` a git repository with the branch ``main``, nothing committed yet.

    Raises:
        ScaffoldError: There is no git, or it refuses.
    """
    executable = shutil.which("git")
    if executable is None:
        raise ScaffoldError(
            "git is not installed", code="POL510", hint="install git, or write --no-git"
        )
    # variables such as GIT_DIR, set inside hooks, would point at another repository
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    for arguments in (["init", "--quiet"], ["symbolic-ref", "HEAD", "refs/heads/main"]):
        done = subprocess.run(
            [executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ScaffoldError(
                f"git {arguments[0]} failed: {done.stderr.strip()}",
                code="POL510",
                hint="mend it, or write --no-git",
            )
