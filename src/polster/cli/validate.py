"""``polster validate``."""

from __future__ import annotations

from typing import Any

import typer

from polster.cli import console
from polster.cli.options import FormatOption, ProjectOption, TextOrJson
from polster.cli.projects import open_and_say
from polster.model.finding import Finding
from polster.operations.validate import validate

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(project: ProjectOption = None, format: FormatOption = TextOrJson.TEXT) -> None:
    """Check layers, names, options and imports; no data is touched."""
    opened = open_and_say(project)
    with console.results_apart():
        result = validate(opened)
    if format is TextOrJson.JSON:
        findings = [_as_json(finding) for finding in result.findings]
        console.show_json({"assets": result.assets, "findings": findings})
    elif result.findings:
        console.show_findings(result.findings)
        console.show()
        count = len(result.findings)
        noun = "mistake" if count == 1 else "mistakes"
        console.show(f"{result.assets} assets read, {count} {noun} found")
    else:
        console.show(f"{result.assets} assets, no mistakes found")
    raise typer.Exit(1 if result.has_errors else 0)


def _as_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "asset": finding.asset,
        "file": finding.file,
        "line": finding.line,
        "message": finding.message,
        "hint": finding.hint,
    }
