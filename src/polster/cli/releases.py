"""``polster releases``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.model.release import ReleaseChange, ReleaseComparison, ReleasedTable
from polster.operations.releases import compare_releases, expired_releases, list_releases

EXPIRED = "expired: it can no longer be read"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    release: Annotated[
        str | None, typer.Argument(metavar="RELEASE", help="Show this release, not the list.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="RELEASE", help="Compare with this one, else the last."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="The newest so many.")] = 20,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """List the releases; or show the tables of one, and what changed since an earlier one."""
    opened = open_and_say(project, env)
    if release is not None or since is not None:
        compared = compare_releases(opened, release, before=since)
        if format is TextOrJson.JSON:
            console.show_json(_as_json(compared))
        else:
            _show(compared)
        return
    found = list_releases(opened, limit=limit)
    expired = expired_releases(opened, found)
    if format is TextOrJson.JSON:
        console.show_json(
            {
                "releases": [
                    {
                        "release": each.id,
                        "created_at": each.created_at,
                        "expired": each.id in expired,
                        "tables": {str(key): version for key, version in each.versions.items()},
                    }
                    for each in found
                ]
            }
        )
        return
    if not found:
        console.show("no release yet: the first run that succeeds makes one")
        return
    console.show_rows(
        ("release", "created at (UTC)", "tables", *(("",) if expired else ())),
        [
            (
                each.id,
                f"{each.created_at:%Y-%m-%d %H:%M:%S}",
                number(len(each.versions)),
                *((EXPIRED if each.id in expired else "",) if expired else ()),
            )
            for each in found
        ],
        right=("tables",),
    )


def _show(compared: ReleaseComparison) -> None:
    console.show_rows(
        ("table", "version", "rows", "before", "rows before", "what changed"),
        [_row(change) for change in compared.tables],
        right=("version", "rows", "before", "rows before"),
    )
    before = compared.before
    console.note(
        f"release {compared.after.id}, "
        + (f"beside {before.id}" if before else "the first, so there is none to compare it with")
    )


def _row(change: ReleaseChange) -> tuple[str, ...]:
    what = "; ".join(change.reasons)
    if change.after is None:
        what = "gone"
    elif change.before is None:
        what = "new"
    return (
        str(change.asset),
        *_version(change.after),
        *_version(change.before if change.is_change else None),
        what,
    )


def _version(table: ReleasedTable | None) -> tuple[str, str]:
    if table is None:
        return "", ""
    return str(table.version), "" if table.rows is None else number(table.rows)


def _as_json(compared: ReleaseComparison) -> dict[str, Any]:
    return {
        "release": compared.after.id,
        "since": compared.before and compared.before.id,
        "tables": [
            {
                "asset": change.asset,
                "changed": change.is_change,
                "version": change.after and change.after.version,
                "rows": change.after and change.after.rows,
                "version_before": change.before and change.before.version,
                "rows_before": change.before and change.before.rows,
                "reasons": change.reasons,
            }
            for change in compared.tables
        ],
    }
