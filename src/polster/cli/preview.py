"""``polster preview``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import (
    AssetArgument,
    EnvironmentOption,
    FormatOption,
    ProjectOption,
    TextOrJson,
)
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.cli.samples import sample_as_json, show_sample
from polster.operations.preview import preview

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: AssetArgument,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows.")] = 10,
    version: Annotated[
        int | None, typer.Option("--version", min=0, help="An earlier version of the table.")
    ] = None,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Show the first rows of a table."""
    shown = preview(open_and_say(project, env), asset, rows=rows, version=version)
    if format is TextOrJson.JSON:
        head = {"asset": str(shown.asset), "version": shown.version}
        console.show_json({**head, **sample_as_json(shown.sample)}, is_data=True)
        return
    show_sample(shown.sample)
    console.note(
        f"{shown.asset}, version {shown.version}: "
        f"{number(len(shown.sample.rows))} of {number(shown.sample.total)} rows"
    )
