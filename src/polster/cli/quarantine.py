"""``polster quarantine``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import EnvironmentOption, FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.cli.samples import sample_as_json, show_sample
from polster.operations.quarantine import QuarantineReport, quarantine

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    asset: Annotated[str, typer.Argument(help="silver.clean_logs, or clean_logs.")],
    rows: Annotated[int, typer.Option("--rows", min=0, help="How many rows to show.")] = 10,
    run: Annotated[
        str | None, typer.Option("--run", metavar="ID", help="An earlier run, by identifier.")
    ] = None,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Show the rows that broke the contract in the last run, and which rules they broke."""
    report = quarantine(open_and_say(project), asset, rows=rows, run_id=run, environment=env)
    if format is TextOrJson.JSON:
        console.show_json(
            {
                "asset": str(report.asset),
                "run_id": report.run_id,
                "rules_broken": dict(report.rule_counts),
                "earlier_rows": report.earlier_rows,
                **sample_as_json(report.sample),
            }
        )
        return
    _show(report)


def _show(report: QuarantineReport) -> None:
    if report.run_id is None:
        console.show(f"no run has judged {report.asset} yet")
        return
    if not report.sample.total:
        console.show(f"run {report.run_id} kept no row out of {report.asset}")
    else:
        console.show_rows(
            ("rule", "rows"),
            [(rule, number(count)) for rule, count in report.rule_counts.items()],
            right=("rows",),
        )
        console.show()
        show_sample(report.sample)
        console.note(
            f"{report.asset}, run {report.run_id}: "
            f"{number(len(report.sample.rows))} of {number(report.sample.total)} rows"
        )
    if report.earlier_rows:
        console.note(f"other runs kept out {number(report.earlier_rows)} rows: see polster history")
