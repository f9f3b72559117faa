"""Showing changes of files, made or only planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polster.cli import console

if TYPE_CHECKING:
    from polster.scaffold.changes import Changes


def show_changes(changes: Changes, *, dry_run: bool, folder: str | None = None) -> None:
    """Write one line a file to stdout.

    Args:
        changes: What was done, or would be.
        dry_run: Whether it only would be.
        folder: Shown before each path.
    """
    prefix = f"{folder}/" if folder else ""
    made, gone = ("would create", "would remove") if dry_run else ("created", "removed")
    for file in changes.create:
        console.show(f"{made} {prefix}{file.path}")
    for path in changes.remove:
        console.show(f"{gone} {prefix}{path}")
