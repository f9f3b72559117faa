"""``polster history``."""

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
from polster.cli.run_report import number, record_as_json, rules_text
from polster.model.record import AssetRecord
from polster.operations.history import history

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: AssetArgument,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 20,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """List what the runs did to one asset, newest first."""
    found, entries = history(open_and_say(project, env), asset, limit=limit)
    if format is TextOrJson.JSON:
        runs = [{"run_id": entry.run_id, **record_as_json(entry.record)} for entry in entries]
        console.show_json({"asset": str(found.key), "runs": runs})
        return
    if not entries:
        console.show(f"no run has looked at {found.key} yet")
        return
    console.show_rows(
        ("run", "result", "version", "rows", "quarantined", "time", "why, or rules broken"),
        [_row(entry.run_id, entry.record) for entry in entries],
        right=("version", "rows", "quarantined", "time"),
    )


def _row(run_id: str, record: AssetRecord) -> tuple[str, ...]:
    why = rules_text(record.rules_broken) or "; ".join(record.why)
    if record.error:
        why = f"{record.error.code}: {record.error.message}"
    return (
        run_id,
        record.status.value,
        "" if record.version is None else str(record.version),
        number(record.rows_published) if record.rows_returned else "",
        number(record.rows_quarantined) if record.rows_quarantined else "",
        f"{record.seconds:.2f} s",
        why,
    )
