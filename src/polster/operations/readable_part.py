"""The part of a pipeline that can be shown though its source has mistakes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

from polster.lakehouse.lakehouse import Lakehouse
from polster.model.asset import DEFAULT_POLICY, EVERY_RULE, Asset, AssetKey, Options, Parameter
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, build_graph
from polster.model.layer import LayerRules
from polster.model.record import AssetRecord
from polster.operations.open_project import Session
from polster.project.discovery import ASSET_FOLDER
from polster.project.import_path import PACKAGE


def readable_part(session: Session, before: Session | None = None) -> Session | None:
    """Return the project with each asset that has a mistake as it was before, to look at only.

    Where nobody remembers how it was, its last run does: it keeps what each asset reads. What no
    run ever looked at is left out, with what reads it.

    Args:
        session: Whose source has mistakes.
        before: As it could be read earlier, if it could.

    Returns:
        A project with a graph; None if no run is recorded, so that there is nothing to look at.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The ledger cannot be read.
    """
    lakehouse = session.lakehouse
    recorded = _recorded(lakehouse)
    if not recorded:
        return None
    found = session.discovery
    wrong = set(filter(None, map(_asset_of, found.findings)))
    earlier = {asset.key: asset for asset in before.discovery.assets} if before else {}
    stand_ins = [
        earlier.get(key) or _as_recorded(recorded[key])
        for key in sorted(wrong)
        if key in earlier or key in recorded
    ]
    right = [asset for asset in found.assets if asset.key not in wrong]
    graph = _largest_graph([*right, *stand_ins], session.settings.rules)
    return replace(session, discovery=replace(found, assets=tuple(graph), graph=graph))


def _recorded(lakehouse: Lakehouse) -> dict[AssetKey, AssetRecord]:
    """Return of each asset the record that says what it reads: of its version, else the last."""
    latest = {key: found.record for key, found in lakehouse.ledger.latest().items()}
    published = lakehouse.ledger.published(lakehouse.versions(latest))
    return latest | {key: found.record for key, found in published.items()}


def _asset_of(finding: Finding) -> AssetKey | None:
    """Return the asset that a finding is about, by its file if that cannot be read."""
    name = finding.asset or (PurePath(finding.file).stem if finding.file else "")
    return AssetKey.parse(name)


def _as_recorded(record: AssetRecord) -> Asset:
    key = record.asset
    inputs = record.fingerprint.inputs if record.fingerprint else record.rows_in
    upstream = [parsed for name in inputs if (parsed := AssetKey.parse(name))]
    return Asset(
        key,
        f"{ASSET_FOLDER}/{key.identifier}.py",
        1,
        f"{PACKAGE}.{key.identifier}",
        tuple(Parameter(each.identifier, 1) for each in upstream),
        Options(on_violation={EVERY_RULE: DEFAULT_POLICY[key.layer]}),
    )


def _largest_graph(assets: Iterable[Asset], rules: LayerRules) -> AssetGraph:
    """Connect what can be connected; an asset that cannot, and what reads it, are left out."""
    kept = {asset.key: asset for asset in assets}
    while True:
        checked = build_graph([kept[key] for key in sorted(kept)], rules, suggest=False)
        if checked.graph is not None:
            return checked.graph
        left_out = {finding.asset for finding in checked.findings}
        kept = {key: asset for key, asset in kept.items() if str(key) not in left_out}
