"""``polster remove-asset``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.changes import show_changes
from polster.cli.numbers import ask_numbers
from polster.cli.options import DryRunOption, ProjectOption
from polster.cli.projects import open_and_say
from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.open_project import Project
from polster.operations.remove_asset import (
    SCHEMA_FILE,
    RemovedAssets,
    removable_keys,
    remove_assets,
)

TYPED_FROM = 4  # assets; as many and more are confirmed by a typed word
CONFIRMATION = "CONFIRM"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    layer: Annotated[Layer | None, typer.Option(help="The layer of the asset.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name in that layer.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also if others depend on it; asks nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    project: ProjectOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Remove assets that nothing depends on, with their tests; their tables stay.

    Without --layer and --name one chooses from a list.
    """
    opened = open_and_say(project)
    keys = _choose(opened, layer, name)
    planned = remove_assets(opened, keys, force=force, dry_run=True)
    folder = opened.root.name if opened.found_below else None
    if dry_run:
        show_changes(planned.changes, dry_run=True, folder=folder)
        _report(planned, dry_run=True)
        return
    if not (force or yes):
        _confirm(planned)
    removed = remove_assets(opened, keys, force=force)
    show_changes(removed.changes, dry_run=False, folder=folder)
    _report(removed, dry_run=False)


def _choose(project: Project, layer: Layer | None, name: str | None) -> list[AssetKey]:
    if layer is not None and name is not None:
        return [AssetKey(layer, name)]
    if not console.is_interactive():
        flag = "--layer" if layer is None else "--name"
        raise UsageError(
            f"{flag} is missing, and there is no terminal to ask on",
            code="POL505",
            hint="polster remove-asset --layer silver --name clean_logs",
        )
    listed = [key for key in removable_keys(project, layer) if name in (None, key.name)]
    if not listed:
        raise UsageError(
            "there is no such asset in this project",
            code="POL201",
            hint="see the assets with: polster list-assets",
        )
    chosen = ask_numbers("Remove which, such as 1,3-5", [str(key) for key in listed])
    return [key for key in listed if str(key) in chosen]


def _confirm(planned: RemovedAssets) -> None:
    """Show what would go and ask; end the command if the answer is no."""
    if not console.is_interactive():
        raise UsageError(
            "nothing was removed: there is no terminal to ask on",
            code="POL507",
            hint="add --yes, after a look with --dry-run",
        )
    for path in planned.changes.remove:
        console.note(f"would remove {path}")
    count = len(planned.keys)
    if count >= TYPED_FROM:
        agreed = console.ask(f"Type {CONFIRMATION} to remove {count} assets") == CONFIRMATION
    else:
        noun = "this asset" if count == 1 else f"these {count} assets"
        agreed = console.confirm(f"Remove {noun}?", default=False)
    if not agreed:
        console.note("nothing was removed")
        raise typer.Exit(1)


def _report(removed: RemovedAssets, *, dry_run: bool) -> None:
    verb = "would still be" if dry_run else "is still"
    for key in removed.forgotten:
        console.show(
            f"{'would forget' if dry_run else 'forgot'} the columns of {key} in {SCHEMA_FILE}"
        )
    for table in removed.tables:
        console.show(f"the data stays in {table}")
    for reader in removed.readers:
        console.note(f"warning: {reader} depends on what is gone; polster validate shows where")
    for file in removed.mentions:
        console.note(f"warning: what goes {verb} imported by {file}")
