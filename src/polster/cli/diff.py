"""``polster diff``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.diff_markdown import diff_as_markdown
from polster.cli.diff_text import diff_as_text
from polster.cli.options import EnvironmentOption, ProjectOption
from polster.cli.projects import open_and_say
from polster.model.codec import to_json
from polster.model.diff import AffectedAsset, AssetChange, Diff
from polster.operations.diff import diff

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Format(StrEnum):
    """How the difference is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


@app.command()
def command(
    revision: Annotated[
        str, typer.Argument(metavar="REV", help="Such as main, HEAD~1 or a tag.")
    ] = "HEAD",
    merge_base: Annotated[
        bool,
        typer.Option("--merge-base", help="Compare with the commit where this branch left REV."),
    ] = False,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="End with 1 if a change is breaking.")
    ] = False,
    env: EnvironmentOption = None,
    format: Annotated[
        Format, typer.Option("--format", help="For people, machines or a pull request.")
    ] = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say what changed since a git revision, what breaks readers, and what stands on it."""
    opened = open_and_say(project, env)
    with console.results_apart():
        found = diff(opened, revision, at_fork=merge_base)
    match format:
        case Format.JSON:
            console.show_json(_as_json(found))
        case Format.MARKDOWN:
            console.show(diff_as_markdown(found))
        case Format.TEXT:
            for line in diff_as_text(found):
                console.show(line)
    raise typer.Exit(1 if exit_code and found.breaking else 0)


MISTAKE = ("code", "message", "place")


def _as_json(found: Diff) -> dict[str, Any]:
    return {
        **to_json(found, "revision", "commit"),
        "breaking": bool(found.breaking),
        "assets": [_change(change) for change in found.assets],
        "affected": [_affected(entry) for entry in found.affected],
        "mistakes_then": [to_json(finding, *MISTAKE) for finding in found.mistakes_then],
        "mistakes_now": [to_json(finding, *MISTAKE) for finding in found.mistakes_now],
    }


def _change(change: AssetChange) -> dict[str, Any]:
    return {
        "asset": change.asset,
        "change": change.presence,
        "breaking": change.is_breaking,
        "owner": change.owner,
        "reasons": change.reasons,
        "table": [to_json(each, "column", "what", "impact") for each in change.table],
        "unknown": change.unknown,
    }


def _affected(entry: AffectedAsset) -> dict[str, Any]:
    return {
        "asset": entry.asset,
        "owner": entry.owner,
        "breaking": entry.is_breaking,
        "causes": entry.causes,
        "unknown": entry.unknown,
        "columns": [
            {
                "column": each.ref.column,
                "causes": [
                    {
                        **to_json(cause.ref, "asset", "column"),
                        "by_value": cause.by_value,
                        "certain": cause.is_certain,
                        "breaking": cause.is_breaking,
                    }
                    for cause in each.causes
                ],
            }
            for each in entry.columns
        ],
    }
