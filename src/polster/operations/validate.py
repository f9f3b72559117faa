"""Checking a pipeline without touching data."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import dataclass

from polster.errors import AssetError
from polster.model.asset import Asset
from polster.model.finding import Finding, Severity
from polster.operations.open_project import Project
from polster.project.discovery import ASSET_FOLDER
from polster.project.import_path import import_afresh
from polster.project.load import load_asset


@dataclass(frozen=True, slots=True)
class Validation:
    """What a check found.

    Attributes:
        assets: How many assets could be read.
        findings: Sorted by file and line.
    """

    assets: int
    findings: tuple[Finding, ...]

    @property
    def has_errors(self) -> bool:
        """Tell whether a run would be refused."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def validate(project: Project) -> Validation:
    """Check the layer rules, the names and options of ``project``, and that its files import."""
    findings = list(project.discovery.findings)
    if not (project.root / ASSET_FOLDER).is_dir():
        findings.append(
            Finding(
                "POL217",
                f"the project has no folder {ASSET_FOLDER}",
                file=ASSET_FOLDER,
                hint="add an asset with: polster add-asset",
            )
        )
    import_afresh(project.root)
    with chdir(project.root):
        for asset in project.discovery.assets:
            findings.extend(_import_problems(asset))
    findings.sort(key=lambda finding: (finding.file or "", finding.line or 0, finding.code))
    return Validation(len(project.discovery.assets), tuple(findings))


def _import_problems(asset: Asset) -> list[Finding]:
    try:
        load_asset(asset)
    except AssetError as error:
        file, _, line = (error.place or asset.file).partition(":")
        return [
            Finding(
                error.code,
                error.message,
                asset=str(asset.key),
                file=file,
                line=int(line) if line.isdecimal() else 1,
                hint=error.hint,
            )
        ]
    return []
