"""What can be said of a reference before any row is there: columns, types, and the key meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from polster.checks.worker.upstream import Upstream
from polster.errors import AssetError
from polster.model.asset import Asset, AssetKey
from polster.model.contract import ContractColumn
from polster.model.finding import Finding, Severity, finding_about
from polster.model.reference import Reference
from polster.runtime.references import check_reference


def reference_findings(
    asset: Asset,
    references: Mapping[Reference, AssetKey],
    known: Mapping[AssetKey, Upstream],
    contract: Sequence[ContractColumn],
) -> Iterator[Finding]:
    """Say what is wrong with the references of ``asset``.

    Args:
        asset: Who refers.
        references: To what, by the asset meant.
        known: The columns of the tables, its own included.
        contract: The columns of its contract; empty if that cannot be imported.
    """
    own = known[asset.key].schema
    if own is None or not contract:  # which is told already
        return
    judged = pl.Schema({each.name: own[each.name] for each in contract if each.name in own})
    for reference, key in references.items():
        target = known[key]
        if target.schema is None:
            continue
        try:
            check_reference(asset, reference, judged, target.schema)
        except AssetError as error:
            yield finding_about(asset, error.code, error.message, hint=error.hint)
            continue
        if not any(set(each) <= set(reference.target_columns) for each in target.keys):
            named = ", ".join(f"`{name}`" for name in reference.target_columns)
            yield finding_about(
                asset,
                "POL236",
                f"`{asset.key}` refers to {named} of `{key}`, which is no key there: a value "
                "may stand for several rows",
                hint=f"mark what tells the rows of `{key}` apart: `primary_key=True` or "
                "`unique=True` in its contract",
                severity=Severity.WARNING,
            )
