"""``polster quarantine``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polster.cli import console
from polster.cli.completion import complete_rule_of_asset
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
from polster.errors import UsageError
from polster.operations.export_quarantine import ExportFormat, export_quarantine
from polster.operations.open_project import Session
from polster.operations.quarantine import QuarantineReport, quarantine

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: AssetArgument,
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows to show.")] = 10,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="An earlier run, by identifier.")
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule",
            help="Only rows that broke this rule.",
            autocompletion=complete_rule_of_asset,
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="Write all rows to FILE.csv or .parquet."),
    ] = None,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Show the rows that broke the contract in the last run, and which rules they broke."""
    opened = open_and_say(project, env)
    if export is not None:
        _export(opened, asset, export, rule=rule, run_id=run)
        return
    report = quarantine(opened, asset, rows=rows, run_id=run, rule=rule)
    if format is TextOrJson.JSON:
        console.show_json(
            {
                "asset": report.asset,
                "run_id": report.run_id,
                "rule": report.rule,
                "rules_broken": report.rule_counts,
                "since": report.since,
                "earlier_rows": report.earlier_rows,
                **sample_as_json(report.sample),
                "files": report.files,
            },
            is_data=True,
        )
        return
    _show(report)


def _export(
    session: Session, asset: str, target: Path, *, rule: str | None, run_id: str | None
) -> None:
    endings = [f".{each}" for each in ExportFormat]
    if target.suffix not in endings:
        raise UsageError(
            f"`{target.name}` says no format",
            code="POL106",
            hint=f"let its name end with {' or '.join(endings)}",
        )
    if target.exists():
        raise UsageError(
            f"`{target}` is there already", code="POL502", hint="choose another name, or delete it"
        )
    rows = export_quarantine(
        session,
        asset,
        target,
        format=ExportFormat(target.suffix[1:]),
        rule=rule,
        run_id=run_id,
    )
    console.note(f"{number(rows)} {'row' if rows == 1 else 'rows'} written to {target}")


def _show(report: QuarantineReport) -> None:
    if report.files:
        console.show_rows(
            ("file set aside", "since (UTC)", "now", "why"),
            [
                (
                    each.name,
                    each.at[:19].replace("T", " "),
                    "still there" if each.is_open else "mended or gone",
                    each.reason,
                )
                for each in report.files
            ],
        )
        console.show()
        console.note(f"their bytes are kept in {report.files[0].kept.rpartition('/')[0]}")
    if report.run_id is None:
        console.show(f"no run has judged {report.asset} yet")
        return
    by_rule = f" by the rule {report.rule}" if report.rule else ""
    if not report.sample.total:
        console.show(f"run {report.run_id} kept no row out of {report.asset}{by_rule}")
    else:
        console.show_rows(
            ("rule", "rows", "since (UTC)"),
            [
                (rule, number(count), f"{at:%Y-%m-%d %H:%M:%S}" if at else "")
                for rule, count in report.rule_counts.items()
                for at in (report.since.get(rule),)
            ],
            right=("rows",),
        )
        console.show()
        show_sample(report.sample)
        console.note(
            f"{report.asset}, run {report.run_id}: "
            f"{number(len(report.sample.rows))} of {number(report.sample.total)} rows{by_rule}"
        )
    if report.earlier_rows:
        console.note(
            f"other runs kept out {number(report.earlier_rows)} rows{by_rule}: see polster history"
        )
