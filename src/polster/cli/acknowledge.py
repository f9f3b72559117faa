"""``polster acknowledge``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, ProjectOption
from polster.cli.projects import open_and_say
from polster.operations.acknowledge import acknowledge

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: Annotated[
        str, typer.Argument(metavar="ASSET", help="Whose warnings: bronze.flights, say.")
    ],
    env: EnvironmentOption = None,
    project: ProjectOption = None,
) -> None:
    """Record that the standing warnings of an asset were seen, and are right so."""
    done = acknowledge(open_and_say(project, env), asset)
    if not done:
        console.show(f"{asset} has no open warning")
    for warning in done:
        console.show(f"acknowledged: {warning.asset}: {warning.message}")
