"""``polster status``."""

from __future__ import annotations

from collections.abc import Collection

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.cli.standing import show_standing, standing_as_json
from polster.operations.overview import OverviewAsset, overview
from polster.operations.readable_part import readable_part
from polster.operations.runs import vanished_runs

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say for each asset whether its table can be trusted now, and if not, why."""
    opened = open_and_say(project, env)
    mistakes = opened.discovery.findings if opened.discovery.graph is None else ()
    shown = readable_part(opened) or opened if mistakes else opened
    assets = overview(shown).assets.values()
    if format is TextOrJson.JSON:
        console.show_json({"assets": [_as_json(asset) for asset in assets]})
    else:
        _show(assets)
    console.show_findings(vanished_runs(opened), to_stderr=True)
    if mistakes:
        console.show_findings(mistakes, to_stderr=True)
        console.note("\nan asset with a mistake is shown as its last run knew it")
        raise typer.Exit(1)


def _show(assets: Collection[OverviewAsset]) -> None:
    if not assets:
        console.show("no assets yet")
        return
    console.show_rows(
        ("asset", "state", "last run", "published at (UTC)", "rows", "quarantined", "why"),
        [_as_row(asset) for asset in assets],
        right=("rows", "quarantined"),
    )
    for asset in assets:
        for said in asset.state.uncounted:
            console.show(f"note: {asset.key}: {said}")
    show_standing(warning for asset in assets for warning in asset.state.open_warnings)


def _as_json(asset: OverviewAsset) -> dict[str, object]:
    state = asset.state
    last, published = state.last, state.published
    return {
        "asset": state.asset,
        "state": asset.condition,
        "reasons": asset.reasons,
        "notes": asset.notes,
        "version": state.version,
        "last_status": state.last_status,
        "last_run_at": last and last.started_at,
        "last_error": last and last.error and last.error.message,
        "published_at": published and published.started_at,
        "rows_published": published and published.rows_now,
        "rows_quarantined": published and published.quarantined_now,
        "not_counted": state.uncounted,
        "warnings": standing_as_json(state.warnings),
    }


def _as_row(asset: OverviewAsset) -> tuple[str, ...]:
    published, last = asset.state.published, asset.state.last
    return (
        str(asset.key),
        asset.condition.value,
        last.status.value if last else "",
        f"{published.started_at:%Y-%m-%d %H:%M:%S}" if published else "",
        number(published.rows_now) if published else "",
        number(published.quarantined_now) if published and published.quarantined_now else "",
        "; ".join(_why(asset)),
    )


def _why(asset: OverviewAsset) -> list[str]:
    """Say why an asset stands as it does, what it noted, and what readers get meanwhile."""
    said = [*asset.reasons, *(f"note: {note}" for note in asset.notes)]
    if asset.stands_in is not None:
        at = f" of {asset.published_at:%Y-%m-%d %H:%M} UTC" if asset.published_at else ""
        said.append(f"readers get version {asset.stands_in}{at}")
    return said
