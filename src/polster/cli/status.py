"""``polster status``."""

from __future__ import annotations

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.model.record import AssetStatus
from polster.operations.status import AssetState, Freshness, status

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say for each asset whether its table can be trusted now, and if not, why."""
    states = status(open_and_say(project), environment=env)
    if format is TextOrJson.JSON:
        console.show_json({"assets": [_as_json(state) for state in states]})
        return
    if not states:
        console.show("no assets yet")
        return
    console.show_rows(
        ("asset", "state", "last run", "published at (UTC)", "rows", "quarantined", "why"),
        [_as_row(state) for state in states],
        right=("rows", "quarantined"),
    )


def _as_json(state: AssetState) -> dict[str, object]:
    last, published = state.last, state.published
    return {
        "asset": str(state.asset),
        "state": state.freshness.value,
        "reasons": list(state.reasons),
        "version": state.version,
        "last_status": last.status.value if last else None,
        "last_run_at": last.started_at.isoformat() if last else None,
        "last_error": last.error.message if last and last.error else None,
        "published_at": published.started_at.isoformat() if published else None,
        "rows_published": published.rows_published if published else None,
        "rows_quarantined": published.rows_quarantined if published else None,
    }


def _as_row(state: AssetState) -> tuple[str, ...]:
    published, last = state.published, state.last
    why = "; ".join(state.reasons)
    if last and last.status is AssetStatus.FAILED and last.error:
        why = f"{last.error.code}: {last.error.message}"
    return (
        str(state.asset),
        "never built" if state.freshness is Freshness.MISSING else state.freshness.value,
        last.status.value if last else "",
        f"{published.started_at:%Y-%m-%d %H:%M:%S}" if published else "",
        number(published.rows_published) if published else "",
        number(published.rows_quarantined) if published and published.rows_quarantined else "",
        why,
    )
