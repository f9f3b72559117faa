"""Whether a rule is one by which rows of an asset can be kept out."""

from __future__ import annotations

import polars as pl

from polster.contracts.rules import DTYPE_RULE
from polster.errors import UsageError, nearest
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.quarantine import RULES_COLUMN
from polster.lakehouse.store import reaching
from polster.model.asset import Asset
from polster.operations.describe import describe
from polster.operations.open_project import Session


def raise_unless_rule(session: Session, lakehouse: Lakehouse, asset: Asset, rule: str) -> None:
    """Raise UsageError if ``rule`` is none of the contract, and no row in the quarantine broke it.

    To be called where no row is found for it: reading the contract takes a moment. If that cannot
    be read, nothing is said against the rule.

    Raises:
        UsageError: There is no such rule.
        LakehouseError: The quarantine cannot be read.
    """
    known = _standing(lakehouse, asset)
    if rule in known:
        return
    described = describe(session, str(asset.key))
    if asset.options.contract and described.contract is None:
        return
    known |= described.policies().keys()
    if rule in known | {column.name + DTYPE_RULE for column in described.contract or ()}:
        return
    close = nearest(rule, known)
    hint = f"did you mean `{close}`?" if close else f"its rules: {', '.join(sorted(known))}"
    raise UsageError(
        f"`{asset.key}` has no rule `{rule}`",
        code="POL106",
        hint=hint if known else "it has no contract",
    )


def _standing(lakehouse: Lakehouse, asset: Asset) -> set[str]:
    """Return the rules that rows in the quarantine broke."""
    quarantine = lakehouse.quarantine(asset.key)
    frame = quarantine.scan()
    if frame is None:
        return set()
    with reaching(quarantine.table.uri):
        rules = frame.select(pl.col(RULES_COLUMN).explode().unique()).collect()
    return set(rules.to_series().drop_nulls())
