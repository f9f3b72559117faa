"""What a rehearsal tells of each asset: the rules broken on purpose, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from polster.model.asset import AssetKey
from polster.model.finding import Finding, Severity
from polster.model.layer import Layer


class TrialResult(StrEnum):
    """What became of rows that break a rule on purpose."""

    QUARANTINED = "quarantined"  # exactly these, under exactly this rule
    REFUSED = "refused"  # the asset failed under exactly this rule, as its policy says
    COUNTED = "counted"  # they were published and counted, as the policy "warn" says
    WRONG = "wrong"  # something else
    NOT_BROKEN = "not broken"  # no row was found that breaks it
    BY_TYPE = "kept by its type"  # no value of the type that is returned can break it
    NOT_TRIED = "not tried"  # there are no good rows to begin with

    @property
    def is_broken(self) -> bool:
        """Tell whether rows were found that break the rule."""
        return self not in (TrialResult.NOT_BROKEN, TrialResult.BY_TYPE, TrialResult.NOT_TRIED)


@dataclass(frozen=True, slots=True)
class Trial:
    """One rule of one asset, broken on purpose.

    Attributes:
        rule: As the quarantine names it.
        rows: How many rows break it.
        how: What was done to rows that kept it, or why it could not be broken.
    """

    rule: str
    rows: int
    result: TrialResult
    how: str = ""


@dataclass(frozen=True, slots=True)
class AssetRehearsal:
    """What a rehearsal did for one asset.

    Attributes:
        returned: Rows that the function returned for usual rows; of bronze, rows put in its place.
        published: Of these, rows that were published.
        quarantined: Of these, rows set apart.
        trials: One a rule, in the contract's order.
        left_out: Why its function was not rehearsed; empty if it was.
        sampled: Where its rows come from, or those in which its rules were broken; empty if its
            function returned them.
    """

    key: AssetKey
    returned: int = 0
    published: int = 0
    quarantined: int = 0
    trials: tuple[Trial, ...] = ()
    left_out: str = ""
    sampled: str = ""

    @property
    def broken(self) -> int:
        """Count the rules that rows were found for which break them."""
        return sum(trial.result.is_broken for trial in self.trials)

    @property
    def is_source(self) -> bool:
        """Tell whether its rows were put there, and its function not called."""
        return self.key.layer is Layer.BRONZE


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal told.

    Attributes:
        assets: Upstream first.
        findings: Sorted by file and line, severities as the settings say.
        seconds: Wall time.
    """

    assets: tuple[AssetRehearsal, ...]
    findings: tuple[Finding, ...]
    seconds: float

    def count(self, severity: Severity) -> int:
        """Count the findings of ``severity``."""
        return sum(finding.severity is severity for finding in self.findings)
