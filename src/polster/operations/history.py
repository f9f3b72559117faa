"""Listing what the runs did to one asset."""

from __future__ import annotations

from dataclasses import dataclass

from polster.errors import UsageError
from polster.model.asset import Asset
from polster.model.finding import Finding
from polster.model.record import AssetRecord
from polster.model.selection import select_one
from polster.operations.open_project import Project, Session


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What one run did to an asset."""

    run_id: str
    record: AssetRecord


def history(
    session: Session, name: str, *, limit: int | None = None
) -> tuple[Asset, list[HistoryEntry]]:
    """List what the runs did to the asset ``name``, newest first.

    Raises:
        UsageError: There is no such asset or environment.
        LakehouseError: The ledger cannot be read.
    """
    asset = asset_named(session, name)
    lakehouse = session.lakehouse
    entries = [
        HistoryEntry(run_id, record)
        for run_id, record in lakehouse.ledger.records(asset.key, limit)
    ]
    return asset, entries


def asset_named(project: Project, name: str) -> Asset:
    """Return the one asset that ``name`` means.

    Raises:
        UsageError: None or several do.
    """
    found = select_one(project.discovery.assets, name)
    if isinstance(found, Finding):
        raise UsageError(found.message, code=found.code, hint=found.hint)
    return found
