"""Releases: consistent sets of table versions, one written by each run that changed something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from polster.lakehouse.ledger import append_rows
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.model.asset import AssetKey

RELEASE_SCHEMA = pl.Schema(
    {
        "release": pl.String(),  # the run's identifier
        "created_at": pl.Datetime("us", "UTC"),
        "asset": pl.String(),
        "version": pl.Int64(),
    }
)


@dataclass(frozen=True, slots=True)
class Release:
    """The versions that belong together after one run."""

    id: str
    created_at: datetime
    versions: Mapping[AssetKey, int]


class Releases:
    """The releases of one lakehouse."""

    def __init__(self, store: Store) -> None:
        self.table = Table(store, store.uri("_polster", "releases"))

    def write(self, release: Release) -> None:
        """Add a release, one row an asset, in one commit."""
        rows = [
            {
                "release": release.id,
                "created_at": release.created_at,
                "asset": str(key),
                "version": version,
            }
            for key, version in sorted(release.versions.items())
        ]
        append_rows(self.table, pl.DataFrame(rows, schema=RELEASE_SCHEMA), run_id=release.id)

    def latest(self) -> Release | None:
        """Return the newest release; None if there is none."""
        table = self.table.open()
        if table is None:
            return None
        rows = table.scan()
        newest = rows.sort("created_at", "release").last().collect()
        if not newest.height:
            return None
        identifier, created_at = newest["release"][0], newest["created_at"][0]
        found = rows.filter(pl.col("release") == identifier).collect()
        versions = {
            key: version
            for asset, version in found.select("asset", "version").iter_rows()
            if (key := AssetKey.parse(asset)) is not None
        }
        return Release(identifier, created_at, versions)
