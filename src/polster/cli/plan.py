"""``polster plan``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import (
    EnvironmentOption,
    FormatOption,
    ProjectOption,
    SelectionArgument,
    TextOrJson,
)
from polster.cli.projects import open_and_say
from polster.model.codec import to_json
from polster.model.plan import PlannedAsset
from polster.operations.plan import plan

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    selection: SelectionArgument = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="As for polster run.")
    ] = False,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say what a run would do and why, without running."""
    planned = plan(open_and_say(project, env), selection or (), full_refresh=full_refresh)
    if format is TextOrJson.JSON:
        assets = [
            {
                **to_json(entry, "asset", "action", "reasons"),
                "scope": to_json(entry.reaches),
            }
            for entry in planned
        ]
        console.show_json({"assets": assets})
        return
    console.show_rows(
        ("asset", "action", "why"),
        [(str(entry.asset), entry.action.value, "; ".join(_why(entry))) for entry in planned],
    )


def _why(entry: PlannedAsset) -> list[str]:
    return [*entry.reasons, entry.reaches.text] if entry.reaches else list(entry.reasons)
