"""``polster upkeep``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.model.codec import to_json
from polster.model.upkeep import Size, TableUpkeep, in_total
from polster.operations.upkeep import upkeep

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Merge small files, and remove what no kept release and no run needs."""
    done = upkeep(open_and_say(project, env), dry_run=dry_run)
    if format is TextOrJson.JSON:
        tables = [_as_json(each) for each in done]
        total = _as_json(in_total(done))
        del total["table"], total["problem"]
        console.show_json({"dry_run": dry_run, "tables": tables, "total": total})
    else:
        _show(done, dry_run=dry_run)
    if any(each.problem for each in done):
        raise typer.Exit(1)


def _show(done: list[TableUpkeep], *, dry_run: bool) -> None:
    if not done:
        console.show("there is no table yet")
        return
    console.show_rows(
        ("table", "files", "then", "bytes", "then", "what was done"),
        [_row(each) for each in (*done, in_total(done))],
        right=("files", "then", "bytes"),
    )
    if dry_run:
        console.note("nothing was changed: this is what polster upkeep would do")


def _row(each: TableUpkeep) -> tuple[str, ...]:
    before, after = each.before, each.after
    return (
        each.table,
        number(before.files),
        number(after.files),
        number(before.size_bytes),
        number(after.size_bytes),
        _what(each),
    )


def _what(each: TableUpkeep) -> str:
    if each.problem:
        return f"left as it is: {each.problem}"
    parts = [
        f"{number(each.merged)} files merged into {number(each.into)}" if each.merged else "",
        f"{number(each.removed)} files removed" if each.removed else "",
        f"{number(each.leftovers)} of them left by killed runs" if each.leftovers else "",
        f"{number(each.commits)} log entries removed" if each.commits else "",
    ]
    return ", ".join(filter(None, parts))


def _as_json(each: TableUpkeep) -> dict[str, Any]:
    return {
        "table": each.table,
        "before": _size(each.before),
        "after": _size(each.after),
        **to_json(each, "merged", "into", "removed", "leftovers"),
        "log_entries": each.commits,
        "problem": each.problem,
    }


def _size(size: Size) -> dict[str, int]:
    return {"files": size.files, "bytes": size.size_bytes}
