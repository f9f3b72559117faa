"""The source of an asset, and what ``validate`` says of it."""

from __future__ import annotations

from dataclasses import dataclass

from polster.dashboard.board import Board
from polster.dashboard.elements.listing import Listing
from polster.dashboard.elements.problem import show_finding
from polster.dashboard.elements.tag import Tag
from polster.dashboard.words import counted
from polster.model.asset import Asset
from polster.model.finding import Finding
from polster.operations.source_code import SourceCode, source_code


@dataclass(frozen=True, slots=True)
class AssetCheck:
    """What ``validate`` said of one asset.

    Attributes:
        unchecked: Why its columns could not be checked; None if they could.
    """

    findings: tuple[Finding, ...]
    unchecked: str | None


async def check_of(board: Board, asset: Asset) -> AssetCheck:
    """Return what ``validate`` says of an asset as its source is now.

    Raises:
        PolsterError: It could not be run to its end.
    """
    check = await board.checker.check()
    name = str(asset.key)
    findings = [
        finding
        for finding in check.findings
        if finding.asset == name or (finding.asset is None and finding.file == asset.file)
    ]
    return AssetCheck(tuple(findings), check.unchecked.get(name))


def draw_check(check: AssetCheck) -> None:
    """Show the findings, errors first."""
    if check.unchecked:
        Tag("p", f"Its columns could not be checked: {check.unchecked}", classes="note")
    if not check.findings:
        if not check.unchecked:
            Tag("p", "validate finds nothing wrong with it.", classes="state succeeded wrapping")
        return
    with Tag("ul", classes="findings"):
        for finding in sorted(check.findings, key=lambda each: each.severity):
            with Tag("li"):
                Tag("span", finding.severity, classes=f"state {finding.severity}")
                show_finding(finding)
    with Tag("p", classes="small"):
        Tag("a", "all findings of the project", href="/health")


async def source_of(board: Board, asset: Asset) -> SourceCode:
    """Read the asset's file.

    Raises:
        UsageError: It cannot be read.
    """
    return await board.ask(source_code, str(asset.key))


def draw_source(source: SourceCode) -> None:
    """Show the file with line numbers."""
    lines = source.text.removesuffix("\n").count("\n") + 1
    with Tag("p", classes="row small"):
        Tag("span", source.file, classes="place")
        Tag("span", counted(lines, "line") + (", cut" if source.is_cut else ""), classes="soft")
    Listing(source.text, marked=source.line, label=f"Source of {source.file}")
