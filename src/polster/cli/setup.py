"""``polster setup``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import ProjectOption
from polster.cli.projects import open_and_say
from polster.operations.setup import MadeEnvironment, has_environment, setup

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    force: Annotated[
        bool, typer.Option("--force", help="Make it anew if there is one already.")
    ] = False,
    project: ProjectOption = None,
) -> None:
    """Make the project's virtual environment, .venv, with uv where it is there."""
    opened = open_and_say(project)
    if force or not has_environment(opened.root):
        console.note("making the environment: this can take a minute")
    report(setup(opened.root, force=force))


def report(made: MadeEnvironment) -> None:
    """Say what became of an environment."""
    if not made.made:
        console.show(f"{made.folder.name} is there already and stays as it is")
        console.note("make it anew with: polster setup --force")
        return
    console.show(f"created {made.folder.name} with {made.tool}")
    console.show(f"installed {' '.join(made.polster)} and this project with its extra dev")
    console.note("use it with: source .venv/bin/activate")
