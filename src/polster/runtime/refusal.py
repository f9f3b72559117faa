"""When nothing may pass: by the contract, or because the rows are not what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from polster.contracts.expected import Surprise
from polster.errors import AssetError
from polster.model.asset import Asset, Load, Policy
from polster.runtime.stage import Staged

REFUSALS = frozenset(
    {"POL306", "POL307", "POL324", "POL325", "POL327", "POL328", "POL329", "POL330", "POL391"}
)
"""Codes of failures in which the rows may not pass: by a rule, by the share, or as a surprise."""


class RefusedError(AssetError):
    """The rows may not be published.

    Attributes:
        counted: What the record of the asset keeps of them all the same.
    """

    counted: Mapping[str, Any] = {}


def refusal(
    asset: Asset, staged: Staged, surprises: Sequence[Surprise] = ()
) -> RefusedError | None:
    """Return why the staged rows may not be published, or None if they may.

    Args:
        asset: Whose rows.
        staged: The rows, judged by the contract.
        surprises: What about them is not as expected.
    """
    return _by_contract(asset, staged) or by_surprise(asset, surprises)


def by_surprise(asset: Asset, surprises: Sequence[Surprise]) -> RefusedError | None:
    """Return why rows may not be published though they keep the contract; None if they may."""
    failing = [each for each in surprises if each.fails]
    if not failing:
        return None
    return RefusedError(
        "; ".join(each.message for each in failing),
        code=failing[0].code,
        place=asset.place,
        hint="; ".join(dict.fromkeys(each.hint for each in failing)),
    )


def _by_contract(asset: Asset, staged: Staged) -> RefusedError | None:
    returned, rejected = staged.returned, staged.rows_rejected
    look = f"look at the rows: polster quarantine {asset.key}"
    failing = {
        rule: count
        for rule, count in staged.broken.items()
        if asset.options.policy(rule) is Policy.FAIL
    }
    if failing:
        rules = ", ".join(
            f"{rule} ({count} {'row' if count == 1 else 'rows'})"
            for rule, count in sorted(failing.items())
        )
        message = f"rows break the contract, which lets none pass: {rules}"
        return RefusedError(message, code="POL306", place=asset.place, hint=look)
    if unmet := _unmet(asset, staged):
        return unmet
    rejected += staged.rejected_beside
    returned += staged.rejected_beside + staged.rows_beside
    share = rejected / returned if returned else 0.0
    allowed = asset.options.max_quarantined
    if allowed is not None:
        if share <= allowed:
            return None
        message = (
            f"{rejected} of {returned} rows break the contract, "
            f"{share:.1%} where {allowed:.1%} are allowed"
        )
    else:
        if share < 1:
            return None
        every = "the only row breaks" if returned == 1 else f"all {returned} rows break"
        if asset.options.load is Load.APPEND:
            message = f"{every} the contract, so nothing would be added"
            look += "; if a batch of such rows alone is right, write max_quarantined=1.0"
        else:
            message = f"{every} the contract, so nothing would be left"
            look += "; if an empty table is right, write max_quarantined=1.0"
    return RefusedError(message, code="POL307", place=asset.place, hint=look)


def _unmet(asset: Asset, staged: Staged) -> RefusedError | None:
    """Return which rules do not hold of a table without rows, as if they rejected all there were.

    So ``max_quarantined=1.0`` lets it pass where the rules' policy is to quarantine.
    """
    may_be_empty = asset.options.max_quarantined == 1
    failing = [
        rule
        for rule in staged.unmet
        if (policy := asset.options.policy(rule)) is Policy.FAIL
        or (policy is Policy.QUARANTINE and not may_be_empty)
    ]
    if not failing:
        return None
    named = ", ".join(f"`{rule}`" for rule in failing)
    verb = "does" if len(failing) == 1 else "do"
    return RefusedError(
        f"no row is left, and {named} of the contract {verb} not hold of a table without rows",
        code="POL330",
        place=asset.place,
        hint="look at the source; if an empty table is right, let the rule hold of one: "
        "(pl.len() == 0) | (…)",
    )
