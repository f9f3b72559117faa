"""Making the virtual environment of a project."""

from __future__ import annotations

from pathlib import Path

from polster.scaffold.environment import (
    MadeEnvironment,
    find_uv,
    has_environment,
    install_uv,
    make_environment,
)

__all__ = ["MadeEnvironment", "ensure_uv", "has_environment", "setup"]


def setup(root: Path, *, force: bool = False) -> MadeEnvironment:
    """Make the environment of the project in ``root``; one that exists stays unless ``force``.

    Raises:
        ScaffoldError: It cannot be made; the old one is in its place.
    """
    return make_environment(root, replace=force)


def ensure_uv() -> bool:
    """Install uv if it is not there; return whether that was needed.

    Raises:
        ScaffoldError: It cannot be installed.
    """
    if find_uv() is not None:
        return False
    install_uv()
    return True
