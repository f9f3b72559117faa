"""``polster runs``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import (
    number,
    record_as_json,
    rules_text,
    run_as_json,
    show_details,
    show_failure,
)
from polster.model.codec import to_json
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, RunRecord, RunSummary
from polster.operations.runs import all_runs, find_run

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN", help="Show this run, not the list.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 20,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """List the runs, those in progress first; or show what one of them did."""
    opened = open_and_say(project, env)
    if run_id is not None:
        found = find_run(opened, run_id)
        if format is TextOrJson.JSON:
            console.show_json(
                _live_as_json(found) if isinstance(found, LiveRun) else _recorded_as_json(found)
            )
        elif isinstance(found, LiveRun):
            _show_live(found)
        else:
            _show_recorded(found, environment=env)
        return
    runs = all_runs(opened, limit=limit)
    if format is TextOrJson.JSON:
        console.show_json(
            {
                "live": [_live_as_json(run) for run in runs if isinstance(run, LiveRun)],
                "runs": [_as_json(run) for run in runs if isinstance(run, RunSummary)],
            }
        )
        return
    if not runs:
        console.show("no run yet")
        return
    console.show_rows(
        ("run", "result", "started at (UTC)", "time", "rows", "quarantined", "assets", "asked for"),
        [_live_row(run) if isinstance(run, LiveRun) else _row(run) for run in runs],
        right=("time", "rows", "quarantined"),
    )


def _row(run: RunSummary) -> tuple[str, ...]:
    return (
        run.run_id,
        run.status.value,
        f"{run.started_at:%Y-%m-%d %H:%M:%S}",
        f"{run.seconds:.1f} s",
        number(run.rows_published) if run.rows_published else "",
        number(run.rows_quarantined) if run.rows_quarantined else "",
        ", ".join(f"{count} {status}" for status, count in run.assets.items()),
        _asked_for(run.selection, full_refresh=run.full_refresh),
    )


def _show_recorded(record: RunRecord, *, environment: str | None) -> None:
    _show_head(record)
    _show_assets([_asset_row(record.started_at, asset) for asset in record.assets])
    console.show()
    _show_matched(record.assets)
    show_details(record, environment=environment)


def _show_live(run: LiveRun) -> None:
    now = datetime.now(UTC)
    lost = run.is_lost(now)
    until = run.updated_at if lost else now
    _show_head(run)
    rows = [_asset_row(run.started_at, asset) for asset in run.finished]
    for key, begun in run.running.items():
        after, time = _seconds_between(run.started_at, begun), _seconds_between(begun, until)
        result = "not finished" if lost else run.state(key)
        rows.append((str(key), result, f"{after:.2f} s", f"{time:.2f} s", "", "", "", ""))
    result = "not begun" if lost else "waiting"
    rows += [(str(key), result, "", "", "", "", "", "") for key in run.waiting]
    _show_assets(rows)
    console.show()
    for asset in run.finished:
        if asset.error:
            show_failure(str(asset.asset), asset.error)
            console.show()
    place = f"process {run.process_id} on {run.host}"
    said = "was killed" if run.is_killed else "is running"
    if lost and not run.is_killed:
        said = "gave no sign of life any more"
    time = _seconds_between(run.started_at, until)
    console.show(
        f"run {run.run_id}, {place}, {said} after {time:.1f} s: {_advance(run)} assets done"
    )


def _seconds_between(earlier: datetime, later: datetime) -> float:
    """Return the seconds from one moment to another, none if clocks disagree."""
    return max(0.0, (later - earlier).total_seconds())


def _show_head(run: LiveRun | RunRecord) -> None:
    asked_for = _asked_for(run.selection, full_refresh=run.full_refresh)
    console.show(f"asked for: {asked_for}; started at {run.started_at:%Y-%m-%d %H:%M:%S} UTC")
    console.show()


def _show_assets(rows: list[tuple[str, ...]]) -> None:
    console.show_rows(
        (
            "asset",
            "result",
            "after",
            "time",
            "rows in",
            "published",
            "quarantined",
            "rules broken, or why",
        ),
        rows,
        right=("after", "time", "rows in", "published", "quarantined"),
    )


def _asset_row(run_started_at: datetime, asset: AssetRecord) -> tuple[str, ...]:
    after = _seconds_between(run_started_at, asset.started_at)
    done = asset.status is AssetStatus.PUBLISHED
    return (
        str(asset.asset),
        asset.status.value,
        f"{after:.2f} s",
        f"{asset.seconds:.2f} s",
        number(sum(asset.rows_in.values())) if asset.rows_in else "",
        number(asset.rows_published) if done else "",
        number(asset.rows_quarantined) if asset.rows_quarantined else "",
        rules_text(asset.rules_broken) or "; ".join(asset.why),
    )


def _show_matched(assets: Sequence[AssetRecord]) -> None:
    """Show what joins kept of what they read; nothing if no asset joins anything."""
    rows = [
        (
            str(asset.asset),
            upstream,
            number(matched.rows),
            "not counted" if matched.kept is None else number(matched.kept),
            "" if matched.share is None else f"{matched.share:.0%}",
            matched.note,
        )
        for asset in assets
        for upstream, matched in asset.matched.items()
    ]
    if rows:
        heads = ("asset", "joins rows of", "rows", "kept", "share", "note")
        console.show_rows(heads, rows, right=("rows", "kept", "share"))
        console.show()


def _live_row(run: LiveRun) -> tuple[str, ...]:
    now = datetime.now(UTC)
    lost = run.is_lost(now)
    time = _seconds_between(run.started_at, run.updated_at if lost else now)
    return (
        run.run_id,
        "killed" if run.is_killed else "no sign of life" if lost else "running",
        f"{run.started_at:%Y-%m-%d %H:%M:%S}",
        f"{time:.1f} s",
        "",
        "",
        f"{_advance(run)} on {run.host}",
        _asked_for(run.selection, full_refresh=run.full_refresh),
    )


def _advance(run: LiveRun) -> str:
    total = len(run.waiting) + len(run.running) + len(run.finished)
    return f"{len(run.finished)} of {total}"


def _asked_for(selection: tuple[str, ...] | None, *, full_refresh: bool) -> str:
    if selection is None:
        return "not recorded"
    words = " ".join(selection) or "everything"
    return f"{words}, full refresh" if full_refresh else words


SUMMARY = (
    *("run_id", "status", "environment", "started_at", "seconds", "selection", "full_refresh"),
    *("assets", "rows_published", "rows_quarantined"),
)
LIVE = ("run_id", "environment", "host", "process_id", "started_at", "updated_at", "is_killed")


def _as_json(run: RunSummary) -> dict[str, Any]:
    return {
        **to_json(run, *SUMMARY),
        "seconds": round(run.seconds, 3),
        "assets": to_json({**dict.fromkeys(AssetStatus, 0), **run.assets}),
    }


def _recorded_as_json(record: RunRecord) -> dict[str, Any]:
    more = to_json(record, "started_at", "selection", "full_refresh")
    return {**run_as_json(record), **more}


def _live_as_json(run: LiveRun) -> dict[str, Any]:
    return {
        **to_json(run, *LIVE),
        "is_lost": run.is_lost(datetime.now(UTC)),
        **to_json(run, "selection", "full_refresh", "waiting"),
        "running": [str(key) for key in run.running],
        "staged": {
            str(key): to_json(each, "at", "number", "of", "rows")
            for key, each in run.staged.items()
        },
        "finished": [record_as_json(record) for record in run.finished],
    }
