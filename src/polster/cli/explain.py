"""``polster explain``."""

from __future__ import annotations

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
from polster.cli.run_report import SCOPE, number, reach_as_json
from polster.model.codec import to_json
from polster.model.scope import BRONZE_GROWS
from polster.operations.reach import Explanation, explain_reach

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: AssetArgument,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say how much of a table is made anew when rows of its inputs change, and why."""
    explained = explain_reach(open_and_say(project, env), asset)
    if format is TextOrJson.JSON:
        console.show_json(_as_json(explained))
        return
    key, last = explained.asset.key, explained.last
    console.show(f"{key}, {explained.asset.place}")
    console.show()
    if not explained.inputs:
        console.show(BRONZE_GROWS)
        return
    console.show_rows(
        ("when rows change in", "it makes anew"),
        [(str(name), each.meaning) for name, each in explained.inputs.items()],
    )
    if frozen := explained.asset.options.frozen:
        console.show()
        console.note(f"published rows stay frozen where {frozen}")
    if last is not None:
        console.show()
        console.note(f"last time {number(last.rows)} of {number(last.of)} rows: {last.text}")


def _as_json(explained: Explanation) -> dict[str, object]:
    return {
        **reach_as_json(explained.asset.key, explained.inputs),
        "frozen": explained.asset.options.frozen,
        "last": to_json(explained.last, *SCOPE),
    }
