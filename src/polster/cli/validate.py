"""``polster validate``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from polster.cli import console
from polster.cli.findings import (
    NOT_CHECKED,
    excerpts,
    finding_as_json,
    github_lines,
    sarif,
    severities,
)
from polster.cli.options import EnvironmentOption, ProjectOption, SelectionArgument
from polster.cli.projects import open_and_say
from polster.cli.run_report import reach_as_json
from polster.errors import UsageError
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding, Severity, finding_about
from polster.model.scope import Reaches, ScopeKind, farthest
from polster.operations.fix import fix
from polster.operations.open_project import Session, open_project
from polster.operations.validate import Preparation, Validation, validate

app = typer.Typer(rich_markup_mode=None, add_completion=False)


Reached = Mapping[AssetKey, Mapping[AssetKey, Reaches]]
KINDS = {
    ScopeKind.ROW_LOCAL: "row-local",
    ScopeKind.LOCAL: "by columns",
    ScopeKind.WHOLE: "whole",
}


class Format(StrEnum):
    """How findings are written."""

    TEXT = "text"
    JSON = "json"
    GITHUB = "github"
    SARIF = "sarif"


@app.command()
def command(
    selection: SelectionArgument = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Warnings, and what is not checked, count as errors, too."),
    ] = False,
    mend: Annotated[
        bool, typer.Option("--fix", help="Mend what is mended mechanically, then check.")
    ] = False,
    from_data: Annotated[
        bool, typer.Option("--from-data", help="Ask the sources of bronze for their columns.")
    ] = False,
    reach: Annotated[
        bool,
        typer.Option("--reach", help="Say how much is made anew when rows change, too."),
    ] = False,
    no_cache: Annotated[
        bool, typer.Option("--no-cache", help="Examine what did not change, too.")
    ] = False,
    env: EnvironmentOption = None,
    format: Annotated[Format, typer.Option("--format", help="For whom.")] = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Check layers, schemas, lineage and habits; no data is touched."""
    if reach and format not in (Format.TEXT, Format.JSON):
        raise UsageError(
            f"`--reach` is no finding, which `--format {format}` shows alone",
            code="POL106",
            hint="leave out --reach, or ask for --format json",
        )
    with console.results_apart(), Preparation(remember=not no_cache) as preparation:
        opened = open_and_say(project, env, preparation.begin)
        result = validate(opened, selection or (), from_data=from_data, preparation=preparation)
        if mend:
            mended = fix(opened.root, result.findings)
            for finding in mended:
                console.note(f"mended {finding.code} at {finding.place}")
            if mended:
                opened = open_project(opened.root, environment=env)
                result = validate(opened, selection or (), from_data=from_data)
        reached = _reached(opened, selection or ()) if reach else None
    assets = {asset.key: asset for asset in opened.discovery.assets}
    level = Severity.ERROR if strict else Severity.WARNING
    gaps = [_gap(assets[key], why, level) for key, why in result.unchecked.items()]
    _show(result, gaps, format, opened.root, reached)
    if reach and reached is None:
        console.note("how much is made anew is said once the mistakes are mended")
    doubtful = strict and (result.findings or result.unchecked)
    failed = result.count(Severity.ERROR) or doubtful or result.stumbled
    raise typer.Exit(1 if failed else 0)


def _gap(asset: Asset, why: str, severity: Severity) -> Finding:
    """Return what could not be looked at in the form of a finding, for programs that show those."""
    message = f"the columns of `{asset.key}` were not checked: {why}"
    return finding_about(asset, NOT_CHECKED, message, severity=severity)


def _reached(session: Session, selection: Sequence[str]) -> Reached | None:
    """Say of each asset how far rows reach that change; None where the pipeline has mistakes."""
    if session.discovery.graph is None:
        return None
    from polster.operations.reach import reach_of_each  # no other check waits for Polars

    return reach_of_each(session, selection)


def _show(
    result: Validation,
    gaps: Sequence[Finding],
    format: Format,
    root: Path,
    reached: Reached | None,
) -> None:
    match format:
        case Format.JSON:
            document: dict[str, object] = {
                "assets": result.assets,
                "findings": [finding_as_json(finding) for finding in result.findings],
                "unchecked": {str(key): why for key, why in result.unchecked.items()},
            }
            if reached is not None:
                document["reach"] = [reach_as_json(*each) for each in reached.items()]
            console.show_json(document)
        case Format.SARIF:
            console.show_json(sarif(result.findings, root, gaps))
        case Format.GITHUB:
            for line in github_lines([*result.findings, *gaps], root):
                console.show(line)
        case Format.TEXT:
            console.show_findings(result.findings, excerpt=excerpts(root, result.findings))
            if result.findings:
                console.show()
            _show_unchecked(result)
            if reached:
                _show_reached(reached)
            console.show(_summary(result))


def _show_unchecked(result: Validation) -> None:
    """Name every asset that was not fully checked, those together that have one reason."""
    reasons: dict[str, list[str]] = {}
    for key, why in result.unchecked.items():
        reasons.setdefault(why, []).append(str(key))
    for why, keys in reasons.items():
        console.show(f"not checked: the columns of {', '.join(keys)}: {why}")
    if reasons:
        console.show()


def _show_reached(reached: Reached) -> None:
    console.show_rows(
        ("asset", "when rows change in", "it makes anew"),
        [
            (str(key), str(name), each.meaning)
            for key, inputs in reached.items()
            for name, each in inputs.items()
        ],
    )
    kinds = Counter(farthest(inputs.values()) for inputs in reached.values())
    console.show()
    counts = ", ".join(f"{kinds[kind]} {word}" for kind, word in KINDS.items() if kinds[kind])
    console.show(f"made anew when rows change: {counts}")


def _summary(result: Validation) -> str:
    assets = "1 asset" if result.assets == 1 else f"{result.assets} assets"
    fixable = sum(finding.fix is not None for finding in result.findings)
    parts = [severities(result.findings)] if result.findings else []
    if result.unchecked:
        parts.append(f"{len(result.unchecked)} not fully checked")
    text = f"{assets}, {', '.join(parts) or 'no mistakes found'}"
    return text + (f"; {fixable} can be mended with --fix" if fixable else "")
