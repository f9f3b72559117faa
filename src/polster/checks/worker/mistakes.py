"""What keeps an asset from being examined, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from polster.checks.worker.guard import Guard
from polster.errors import AssetError
from polster.model.asset import Asset
from polster.model.finding import Finding, finding_about
from polster.project.load import user_place
from polster.runtime.parameters import Problem


def parameter_finding(asset: Asset, problem: Problem) -> Finding:
    """Say that nothing can be handed to a parameter."""
    finding = finding_about(asset, problem.code, problem.message, hint=problem.hint)
    return replace(finding, line=problem.line(asset))


def deeds_done(guard: Guard, asset: Asset, root: Path, when: str) -> Iterator[Finding]:
    """Yield the first thing that was refused, at the last line of the project on the way there."""
    for error in guard.deeds[:1]:
        file, _, line = (user_place(error, root) or asset.place).rpartition(":")
        finding = finding_about(
            asset,
            "POL705",
            f"`{asset.key}` {error.deed} {when}",
            hint="only bronze reads from outside, and only Polster writes tables",
        )
        yield replace(finding, file=file, line=int(line))


def finding_from(error: AssetError, asset: Asset) -> Finding:
    """Say what a run of ``asset`` would fail with."""
    file, _, line = (error.place or asset.place).rpartition(":")
    if not line.isdecimal():
        file, line = error.place or asset.file, "1"
    return Finding(
        error.code,
        error.message,
        asset=str(asset.key),
        file=file,
        line=int(line),
        hint=error.hint,
    )
