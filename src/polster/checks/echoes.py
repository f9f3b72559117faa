"""One fault is told once: at the line that shows it, not again by the call that ran into it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from polster.checks.habits.check import Spot, spot
from polster.model.finding import Finding, Severity

CLOCK_AND_CHANCE = frozenset({"POL607", "POL608"})
PLAN_DIFFERS = "POL704"
OUTSIDE = frozenset({"POL603", "POL604"})
REFUSED = "POL705"

Echo = tuple[str, object]
"""A code that only a call finds, and where: at an asset for a plan, at a line for a refusal."""


def without_echoes(
    findings: Sequence[Finding], reached_from: Mapping[Spot, frozenset[str]]
) -> list[Finding]:
    """Leave out what a call over zero rows found, where the source names its cause.

    A plan that differs is named by a clock or chance that its asset comes to, a refusal by what
    reads or writes on the same line. A cause that is only a warning hides no error.

    Args:
        findings: Those that are told; what a comment accepts names no cause.
        reached_from: Keys of the assets that come to a finding, if they are several.
    """
    causes: dict[Echo, Severity] = {}
    for finding in findings:
        for echo in _echoes(finding, reached_from):
            if causes.get(echo) is not Severity.ERROR:
                causes[echo] = finding.severity
    return [
        finding
        for finding in findings
        if causes.get(_as_echo(finding)) not in (finding.severity, Severity.ERROR)
    ]


def _echoes(finding: Finding, reached_from: Mapping[Spot, frozenset[str]]) -> Iterator[Echo]:
    """Yield what a call may find for the same reason."""
    if finding.code in CLOCK_AND_CHANCE:
        for asset in reached_from.get(spot(finding), (finding.asset,)):
            yield PLAN_DIFFERS, asset
    elif finding.code in OUTSIDE:
        yield REFUSED, finding.place


def _as_echo(finding: Finding) -> Echo:
    return finding.code, finding.asset if finding.code == PLAN_DIFFERS else finding.place
