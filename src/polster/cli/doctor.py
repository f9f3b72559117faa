"""``polster doctor``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.findings import finding_as_json, severities
from polster.cli.options import (
    EnvironmentOption,
    FormatOption,
    ProjectOption,
    SelectionArgument,
    TextOrJson,
)
from polster.cli.projects import open_and_say
from polster.model.finding import Severity
from polster.operations.doctor import Diagnosis, doctor

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    selection: SelectionArgument = None,
    releases: Annotated[
        bool, typer.Option("--releases", help="Also the versions that releases name.")
    ] = False,
    store: Annotated[
        bool,
        typer.Option("--store", help="Also ask the object store whether it keeps writers apart."),
    ] = False,
    env: EnvironmentOption = None,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Examine every table: log, files, rows, ledger, quarantine. Nothing is changed."""
    session = open_and_say(project, env)
    found = doctor(session, selection or (), releases=releases, store=store)
    if format is TextOrJson.JSON:
        console.show_json(
            {
                "tables": found.tables,
                "files": found.files,
                "findings": [finding_as_json(finding) for finding in found.findings],
                "unchecked": found.unchecked,
            }
        )
    else:
        _show(found)
    is_wrong = any(finding.severity is Severity.ERROR for finding in found.findings)
    raise typer.Exit(1 if is_wrong else 0)


def _show(found: Diagnosis) -> None:
    console.show_findings(found.findings)
    if found.findings:
        console.show()
    for what in found.unchecked:
        console.show(f"not checked: {what}")
    tables = "1 table" if found.tables == 1 else f"{found.tables} tables"
    files = "1 file" if found.files == 1 else f"{found.files} files"
    console.show(f"{tables}, {files}: {severities(found.findings) or 'nothing wrong'}")
