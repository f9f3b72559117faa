"""Releases: consistent sets of table versions, one written by each run that changed something."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import polars as pl

from polster.lakehouse.own_rows import COMMIT_COLUMN, append_rows, scan_rows
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import Table
from polster.model.asset import AssetKey
from polster.model.release import Release, ReleaseSummary

RELEASE_SCHEMA = pl.Schema(
    {
        "release": pl.String(),  # the run's identifier
        "created_at": pl.Datetime("us", "UTC"),
        "asset": pl.String(),
        "version": pl.Int64(),
        COMMIT_COLUMN: pl.Int64(),
    }
)
KNOWN_BY = frozenset({"release", "created_at", "asset", "version"})
"""Columns that every version of Polster has written."""


class Releases:
    """The releases of one lakehouse."""

    def __init__(self, store: Store) -> None:
        self.table = Table(store, store.uri("_polster", "releases"), known_by=KNOWN_BY)

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

    def holds(self, identifier: str) -> bool:
        """Tell whether there is a release ``identifier``.

        Raises:
            LakehouseError: The releases cannot be read.
        """
        found = scan_rows(self.table, RELEASE_SCHEMA).filter(pl.col("release") == identifier)
        with reaching(self.table.uri):
            return found.select("release").head(1).collect().height > 0

    def all(self, limit: int | None = None) -> list[Release]:
        """List the releases, newest first, at most ``limit`` of them.

        Raises:
            LakehouseError: The releases cannot be read.
        """
        wanted = pl.col("asset"), pl.col("version")
        if limit:  # a release is a commit; between them upkeep makes a few
            rows = scan_rows(self.table, RELEASE_SCHEMA, newest=2 * limit)
            found = self._newest_first(rows, limit, *wanted)
            if found.height == limit:
                return [_release(*row) for row in found.iter_rows()]
        found = self._newest_first(scan_rows(self.table, RELEASE_SCHEMA), limit, *wanted)
        return [_release(*row) for row in found.iter_rows()]

    def named(self, identifiers: Collection[str]) -> dict[str, Release]:
        """Return those of the releases that there are, by identifier.

        Raises:
            LakehouseError: The releases cannot be read.
        """
        rows = scan_rows(self.table, RELEASE_SCHEMA)
        rows = rows.filter(pl.col("release").is_in(list(identifiers)))
        found = self._newest_first(rows, None, pl.col("asset"), pl.col("version"))
        return {row[0]: _release(*row) for row in found.iter_rows()}

    def summaries(self, limit: int | None = None) -> list[ReleaseSummary]:
        """Summarise the releases, newest first, at most ``limit`` of them.

        Raises:
            LakehouseError: The releases cannot be read.
        """
        rows = scan_rows(self.table, RELEASE_SCHEMA)
        found = self._newest_first(rows, limit, pl.len())
        return [ReleaseSummary(*row) for row in found.iter_rows()]

    def _newest_first(
        self, rows: pl.LazyFrame, limit: int | None, *wanted: pl.Expr
    ) -> pl.DataFrame:
        """Collect one row a release, by commit: ``release``, ``created_at``, what is wanted."""
        summed = (
            rows.group_by("release")
            .agg(pl.col("created_at", COMMIT_COLUMN).first(), *wanted)
            .sort(COMMIT_COLUMN, "created_at", "release", descending=True, nulls_last=True)
            .drop(COMMIT_COLUMN)
        )
        with reaching(self.table.uri):
            return (summed.head(limit) if limit else summed).collect()


def _release(
    identifier: str, created_at: datetime, assets: list[str], versions: list[int]
) -> Release:
    keyed = zip(map(AssetKey.parse, assets), versions, strict=True)
    return Release(identifier, created_at, {key: version for key, version in keyed if key})
