"""``polster rehearse``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.findings import excerpts, finding_as_json, severities
from polster.cli.options import FormatOption, ProjectOption, SelectionArgument, TextOrJson
from polster.cli.projects import open_and_say
from polster.cli.run_report import number
from polster.model.codec import to_json
from polster.model.finding import Severity
from polster.operations.rehearse import ROWS, AssetRehearsal, Rehearsal, TrialResult, rehearse

app = typer.Typer(rich_markup_mode=None, add_completion=False)
RULES_NAMED = 3
MOST_ROWS = 1_000_000


@app.command()
def command(
    selection: SelectionArgument = None,
    rows: Annotated[
        int,
        typer.Option("--rows", min=1, max=MOST_ROWS, help="Rows sampled for each bronze asset."),
    ] = ROWS,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="Another number samples other rows.")
    ] = 0,
    from_data: Annotated[
        bool, typer.Option("--from-data", help="Take rows of the landed bronze tables.")
    ] = False,
    format: FormatOption = TextOrJson.TEXT,
    project: ProjectOption = None,
) -> None:
    """Run on sampled rows in a lakehouse of its own, and break every rule on purpose."""
    opened = open_and_say(project)
    with console.results_apart():
        result = rehearse(opened, selection or (), rows=rows, seed=seed, from_data=from_data)
    if format is TextOrJson.JSON:
        console.show_json(_as_json(result))
    elif not len(opened.graph):
        console.show("no assets yet")
    else:
        _show_assets(result)
        console.show_findings(result.findings, excerpt=excerpts(opened.root, result.findings))
        if result.findings:
            console.show()
        console.show(_summary(result))
    raise typer.Exit(1 if result.count(Severity.ERROR) else 0)


def _show_assets(result: Rehearsal) -> None:
    console.show_rows(
        ("asset", "rows", "quarantined", "rules", "result"),
        [
            (
                str(entry.key),
                "" if entry.left_out else number(entry.returned),
                number(entry.quarantined) if entry.quarantined and not entry.left_out else "",
                f"{entry.broken} of {len(entry.trials)}" if entry.trials else "",
                _told(entry),
            )
            for entry in result.assets
        ],
        right=("rows", "quarantined", "rules"),
    )
    console.show()


def _told(entry: AssetRehearsal) -> str:
    """Say in a few words what became of the rules of one asset."""
    if entry.is_source:
        return f"not rehearsed: {entry.left_out}" if entry.left_out else f"rows {entry.sampled}"
    told = _rules_told(entry) or "no rules to break"
    if entry.left_out:
        where = f"; in rows {entry.sampled}: " if entry.sampled else "; rules "
        return f"function not rehearsed: {entry.left_out}{where}{told}"
    return f"{told}, in rows {entry.sampled}" if entry.sampled else told


def _rules_told(entry: AssetRehearsal) -> str:
    parts = []
    for result in TrialResult:
        rules = [trial.rule for trial in entry.trials if trial.result is result]
        if not rules:
            continue
        if len(rules) == len(entry.trials):
            parts.append(f"all {result.value}")
        elif result in (TrialResult.WRONG, TrialResult.NOT_BROKEN):
            named = ", ".join(rules[:RULES_NAMED])
            more = f" and {len(rules) - RULES_NAMED} more" if len(rules) > RULES_NAMED else ""
            parts.append(f"{result.value}: {named}{more}")
        else:
            parts.append(f"{len(rules)} {result.value}")
    return "; ".join(parts)


def _as_json(result: Rehearsal) -> dict[str, Any]:
    return {
        "seconds": round(result.seconds, 3),
        "assets": [
            {
                "asset": str(entry.key),
                "rows": entry.returned,
                "published": entry.published,
                "quarantined": entry.quarantined,
                "left_out": entry.left_out or None,
                "sampled": entry.sampled or None,
                "rules": [to_json(trial) for trial in entry.trials],
            }
            for entry in result.assets
        ],
        "findings": [finding_as_json(finding) for finding in result.findings],
    }


def _summary(result: Rehearsal) -> str:
    trials = [trial for entry in result.assets for trial in entry.trials]
    broken = sum(entry.broken for entry in result.assets)
    count = len(result.assets)
    assets = "1 asset" if count == 1 else f"{count} assets"
    left_out = sum(bool(entry.left_out) for entry in result.assets)
    if left_out:
        assets = f"{count - left_out} of {assets}"
    rules = "1 rule" if len(trials) == 1 else f"{len(trials)} rules"
    if broken < len(trials):
        rules = f"{broken} of {rules}"
    found = severities(result.findings) or "nothing amiss"
    return f"{assets} rehearsed and {rules} broken in {result.seconds:.1f} s: {found}"
