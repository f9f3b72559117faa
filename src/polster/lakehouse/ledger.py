"""The ledger: one row an asset a run, in one Delta table beside the data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import polars as pl

from polster.lakehouse.own_rows import COMMIT_COLUMN, append_rows, scan_rows
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import (
    Table,
)
from polster.lakehouse.written_records import from_row, read_lineage, to_row
from polster.model.asset import AssetKey
from polster.model.lineage import AssetLineage
from polster.model.record import (
    INTERRUPTED,
    AssetRecord,
    AssetStatus,
    RunRecord,
    RunStatus,
    RunSummary,
)
from polster.model.scope import ScopeKind

LEDGER_SCHEMA = pl.Schema(
    {
        "run_id": pl.String(),
        "environment": pl.String(),
        "asset": pl.String(),
        "status": pl.String(),
        "started_at": pl.Datetime("us", "UTC"),
        "seconds": pl.Float64(),
        "reasons": pl.List(pl.String()),
        "rows_in": pl.String(),  # JSON: rows by upstream key
        "rows_returned": pl.Int64(),
        "rows_published": pl.Int64(),
        "rows_quarantined": pl.Int64(),
        "rules_broken": pl.String(),  # JSON: rows by rule
        "version": pl.Int64(),
        "notes": pl.List(pl.String()),
        "error": pl.String(),  # JSON: code, message, hint, place, frames of the traceback
        "fingerprint": pl.String(),  # JSON: code, contract, modules, inputs
        # Null in rows of older versions from here on:
        "lineage": pl.String(),  # JSON: columns by column
        # and what the run as a whole was; null, too, if it was killed before it could say so
        "run_status": pl.String(),
        "run_started_at": pl.Datetime("us", "UTC"),
        "run_seconds": pl.Float64(),
        "selection": pl.List(pl.String()),
        "full_refresh": pl.Boolean(),
        "matched": pl.String(),  # JSON: what joins kept by upstream key
        COMMIT_COLUMN: pl.Int64(),
        # Of what was published:
        "nulls": pl.String(),  # JSON: nulls by column
        "newest": pl.String(),  # JSON: newest moment by column
        "warnings": pl.String(),  # JSON: what is amiss in the version, and since when
        "batches": pl.List(pl.String()),  # of bronze: what `_batch_id` is of the rows
        "scope": pl.String(),  # JSON: how much of the table was made anew
        "files_in": pl.String(),  # JSON: digest of the files read by upstream key
        "source_counts": pl.String(),  # JSON: of bronze, what its source said and what came
    }
)
KNOWN_BY = frozenset({"run_id", "environment", "asset", "status", "reasons", "fingerprint"})
"""Columns that every version of Polster has written."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one run did to one asset.

    Attributes:
        run: The whole run; None if it was killed and another run records what it published.
    """

    run_id: str
    environment: str
    record: AssetRecord
    run: RunRecord | None = None


RECENT = 200
"""Commits in which what is current was mostly recorded; all are looked at if it was not."""
BY_COMMIT = (COMMIT_COLUMN, "started_at", "run_id")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger says of the version of a table.

    Attributes:
        commit: Of the ledger; -1 where an older version of Polster wrote the row.
        is_reused: Whether an earlier table of the asset had a version of the same number, where
            that was asked.
        newest: The version of the asset that was published last, where that was asked; else -1.
    """

    run_id: str
    record: AssetRecord
    commit: int
    is_reused: bool
    newest: int = -1


class Ledger:
    """The record of all runs of one lakehouse."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.table = Table(store, store.uri("_polster", "runs"), known_by=KNOWN_BY)

    def append(self, entries: Sequence[Entry]) -> None:
        """Add what runs did to assets, in one commit; what is recorded already is left out.

        Raises:
            ConflictError: Other runs were faster again and again.
            LakehouseError: The ledger cannot be written.
        """
        if not entries:
            return
        rows = [
            {
                **to_row(entry.record),
                "run_id": entry.run_id,
                "environment": entry.environment,
                **_run_columns(entry.run),
            }
            for entry in entries
        ]
        frame = pl.DataFrame(rows, schema=LEDGER_SCHEMA)
        append_rows(self.table, frame, run_id=entries[0].run_id, key=("run_id", "asset"))

    def scan(self, *, newest: int | None = None) -> pl.LazyFrame:
        """Return all rows, or those of so many commits, lazy; empty if no run was recorded."""
        return scan_rows(self.table, LEDGER_SCHEMA, newest=newest)

    def records(
        self, asset: AssetKey, limit: int | None = None, *, newest: int | None = None
    ) -> list[tuple[str, AssetRecord]]:
        """List what the runs did to ``asset``, newest first, with the run's identifier.

        Args:
            asset: Which.
            limit: At most so many.
            newest: Only what came with so many of the newest commits, which costs always the same.
        """
        rows = (
            self.scan(newest=newest)
            .drop("lineage")
            .filter(pl.col("asset") == str(asset))
            .sort(BY_COMMIT, descending=True, nulls_last=True)
        )
        with reaching(self.table.uri):
            found = (rows.head(limit) if limit else rows).collect()
        return [(row["run_id"], from_row(row)) for row in found.iter_rows(named=True)]

    def publishers(self, asset: AssetKey, *, newest: int | None = None) -> list[tuple[str, bool]]:
        """List the runs that published ``asset``, newest first, and whether each made all of it.

        What else they recorded is left unread: what made a table part by part are thousands.

        Args:
            asset: Which.
            newest: As for :meth:`records`.
        """
        kind = pl.col("scope").str.json_path_match("$.kind")
        rows = (
            _published(self.scan(newest=newest))
            .filter(pl.col("asset") == str(asset))
            .sort(BY_COMMIT, descending=True, nulls_last=True)
            .select("run_id", kind.fill_null(ScopeKind.WHOLE.value) == ScopeKind.WHOLE.value)
        )
        with reaching(self.table.uri):
            return rows.collect().rows()

    def books(self) -> dict[AssetKey, list[Recorded]]:
        """Return everything that is recorded, by asset, oldest first."""
        with reaching(self.table.uri):
            rows = self._records().sort(BY_COMMIT).collect()
        found: dict[AssetKey, list[Recorded]] = {}
        for row in rows.iter_rows(named=True):
            recorded = _recorded(row, is_reused=False)
            found.setdefault(recorded.record.asset, []).append(recorded)
        return found

    def judgements(
        self, asset: AssetKey | None = None, since: datetime | None = None
    ) -> list[tuple[str, AssetRecord]]:
        """List the records of runs that judged rows, oldest first, with the run's identifier."""
        rows = self._records().filter(
            pl.col("status").is_in([AssetStatus.PUBLISHED.value, AssetStatus.FAILED.value]),
            pl.col("rows_returned") > 0,
        )
        if asset is not None:
            rows = rows.filter(pl.col("asset") == str(asset))
        if since is not None:
            rows = rows.filter(pl.col("started_at") >= since)
        with reaching(self.table.uri):
            found = rows.sort(*BY_COMMIT, "asset").collect()
        return [(row["run_id"], from_row(row)) for row in found.iter_rows(named=True)]

    def latest(self) -> dict[AssetKey, Recorded]:
        """Return the newest record of each asset."""
        return self._newest(self._records())

    def newest_commit(self) -> int:
        """Return the number of the newest commit; -1 if no run was ever recorded.

        Raises:
            LakehouseError: The ledger of an object store cannot be read.
        """
        if self.store.is_local:  # a listing, where opening would read the whole log
            version = self.store.latest_version(self.table.uri)
            return -1 if version is None else version
        opened = self.table.open()
        return opened.version if opened else -1

    def known(self, run_ids: Collection[str]) -> frozenset[str]:
        """Return which of these runs are recorded."""
        ids = pl.col("run_id")
        with reaching(self.table.uri):
            found = self.scan().filter(ids.is_in(list(run_ids))).select(ids.unique()).collect()
        return frozenset(found.to_series())

    def published(self, versions: Mapping[AssetKey, int]) -> dict[AssetKey, Recorded]:
        """Return what is recorded of the run that published each of ``versions``, where it is."""
        if not versions:
            return {}
        found = self._published_in(self.scan(newest=RECENT).drop("lineage"), versions)
        if found.keys() < versions.keys():
            return self._published_in(self._records(), versions)
        if len({each.commit for each in found.values()}) == 1:
            return found  # none of them was made of another that came after it
        reused = self._reused(versions)
        return {key: replace(each, is_reused=key in reused) for key, each in found.items()}

    def _published_in(
        self, records: pl.LazyFrame, versions: Mapping[AssetKey, int]
    ) -> dict[AssetKey, Recorded]:
        found = self._publishing(records, versions)
        return self._newest(found.join(_last_versions(records), on="asset", how="left"))

    def _reused(self, versions: Mapping[AssetKey, int]) -> set[AssetKey]:
        """Return of which of ``versions`` there are several, of tables that were begun anew."""
        names = {str(key): key for key in versions}
        rows = self._publishing(self.scan().select("asset", "status", "version"), versions)
        several = rows.group_by("asset").len().filter(pl.col("len") > 1).select("asset")
        with reaching(self.table.uri):
            return {names[name] for name in several.collect().to_series()}

    def last_versions(self, assets: Collection[AssetKey]) -> dict[AssetKey, int]:
        """Return the version of each of ``assets`` that was published last, where any was."""
        if not assets:
            return {}
        names = {str(key): key for key in assets}
        rows = _last_versions(self.scan().filter(pl.col("asset").is_in(list(names))))
        with reaching(self.table.uri):
            return {names[name]: version for name, version in rows.collect().iter_rows()}

    def lineages(self, versions: Mapping[AssetKey, int]) -> dict[AssetKey, AssetLineage]:
        """Return what the columns of each of ``versions`` were made of, where it is known."""
        if not versions:
            return {}
        rows = self.scan().select("asset", "status", "version", "lineage", *BY_COMMIT)
        found = self._publishing(rows, versions).drop_nulls("lineage").sort(BY_COMMIT)
        with reaching(self.table.uri):
            newest = found.select("asset", "lineage").collect()
        lineages: dict[AssetKey, AssetLineage] = {}
        for name, text in newest.iter_rows():
            key = AssetKey.parse(name)
            if key is not None and (lineage := read_lineage(key, text)) is not None:
                lineages[key] = lineage
        return lineages

    def runs(self, limit: int | None = None, before: str | None = None) -> list[RunSummary]:
        """List the runs, newest first; with ``before``, those older than that run."""
        summaries = _summaries(self.scan())
        if before is not None:
            summaries = summaries.with_row_index("place")
            start = summaries.filter(pl.col("run_id") == before).select(start="place")
            summaries = summaries.join(start, how="cross", maintain_order="left")
            summaries = summaries.filter(pl.col("place") > pl.col("start"))
        with reaching(self.table.uri):
            found = (summaries.head(limit) if limit else summaries).collect()
        return [_summary(row) for row in found.iter_rows(named=True)]

    def run(self, run_id: str) -> RunRecord | None:
        """Return what one run did; None if it is not recorded."""
        rows = self._records().filter(pl.col("run_id") == run_id)
        with reaching(self.table.uri):
            found, summaries = pl.collect_all([rows, _summaries(rows)])
        if not found.height:
            return None
        summary = _summary(summaries.row(0, named=True))
        return RunRecord(
            run_id,
            summary.status,
            summary.environment,
            summary.started_at,
            summary.seconds,
            tuple(from_row(row) for row in found.iter_rows(named=True)),
            summary.selection,
            summary.full_refresh,
        )

    def _records(self) -> pl.LazyFrame:
        """Return all rows without the lineage, which is long and wanted by few."""
        return self.scan().drop("lineage")

    def _publishing(self, rows: pl.LazyFrame, versions: Mapping[AssetKey, int]) -> pl.LazyFrame:
        """Keep the rows of the runs that published one of ``versions``."""
        wanted = pl.LazyFrame(
            {"asset": [str(key) for key in versions], "version": list(versions.values())},
            schema={"asset": pl.String(), "version": pl.Int64()},
        )
        return _published(rows).join(wanted, on=["asset", "version"], how="semi")

    def _newest(self, rows: pl.LazyFrame) -> dict[AssetKey, Recorded]:
        with reaching(self.table.uri):
            newest = (
                rows.with_columns(pl.len().over("asset").alias("count"))
                .sort(BY_COMMIT)
                .unique("asset", keep="last", maintain_order=False)
                .collect()
            )
        found: dict[AssetKey, Recorded] = {}
        for row in newest.iter_rows(named=True):
            recorded = _recorded(
                row, is_reused=row["count"] > 1, newest=row.get("last_version", -1)
            )
            found[recorded.record.asset] = recorded
        return found


def _published(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.filter(pl.col("status") == AssetStatus.PUBLISHED.value)


def _last_versions(rows: pl.LazyFrame) -> pl.LazyFrame:
    version = pl.col("version").sort_by(BY_COMMIT).last().alias("last_version")
    return _published(rows).group_by("asset").agg(version)


def _recorded(row: Mapping[str, Any], *, is_reused: bool, newest: int = -1) -> Recorded:
    commit = -1 if row[COMMIT_COLUMN] is None else row[COMMIT_COLUMN]
    return Recorded(row["run_id"], from_row(row), commit, is_reused, newest)


def _summaries(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return one row a run, newest first; lazy."""
    status = pl.col("status")
    begun = pl.col("started_at").min()
    ended = (pl.col("started_at") + pl.duration(microseconds=pl.col("seconds") * 1e6)).max()
    reasons = pl.col("reasons").list.contains(INTERRUPTED)
    return (
        rows.group_by("run_id")
        .agg(
            pl.col("environment").first(),
            pl.col("run_status").drop_nulls().first(),
            pl.coalesce(pl.col("run_started_at").min(), begun).alias("started_at"),
            pl.coalesce(
                pl.col("run_seconds").max(), (ended - begun).dt.total_microseconds() / 1e6
            ).alias("seconds"),
            pl.col("selection").drop_nulls().first(),
            pl.col("full_refresh").any(),
            reasons.any().alias("interrupted"),
            pl.col(COMMIT_COLUMN).max(),
            pl.col("rows_published", "rows_quarantined").sum(),
            status.value_counts().alias("assets"),
        )
        .sort(BY_COMMIT, descending=True, nulls_last=True)
    )


def _summary(row: Mapping[str, Any]) -> RunSummary:
    counts = {AssetStatus(each["status"]): each["count"] for each in row["assets"]}
    known = {each: counts.pop(each) for each in AssetStatus if each in counts}
    assets = {**known, **dict(sorted(counts.items()))}
    status = RunStatus.UNKNOWN
    if row["run_status"] is not None:
        status = RunStatus(row["run_status"])
    elif row["interrupted"]:
        status = RunStatus.INTERRUPTED
    elif AssetStatus.FAILED in assets:
        status = RunStatus.FAILED
    selection = row["selection"]
    return RunSummary(
        row["run_id"],
        status,
        row["environment"],
        row["started_at"],
        row["seconds"],
        None if selection is None else tuple(selection),
        bool(row["full_refresh"]),
        assets,
        row["rows_published"],
        row["rows_quarantined"],
        -1 if row[COMMIT_COLUMN] is None else row[COMMIT_COLUMN],
    )


def _run_columns(run: RunRecord | None) -> dict[str, Any]:
    if run is None:
        return {}
    return {
        "run_status": run.status.value,
        "run_started_at": run.started_at,
        "run_seconds": run.seconds,
        "selection": None if run.selection is None else list(run.selection),
        "full_refresh": run.full_refresh,
    }
