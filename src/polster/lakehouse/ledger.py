"""The ledger: one row an asset a run, in one Delta table beside the data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import polars as pl

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import (
    ATTEMPTS,
    Table,
    TableVersion,
    UncertainCommitError,
    wait_for_others,
)
from polster.model.asset import AssetKey
from polster.model.lineage import AssetLineage, lineage_from_json, lineage_to_json
from polster.model.record import (
    INTERRUPTED,
    AssetRecord,
    AssetStatus,
    Failure,
    Fingerprint,
    Matched,
    RunRecord,
    RunStatus,
    RunSummary,
    Trace,
)
from polster.model.secrets import without_secrets
from polster.model.standing import StandingWarning

COMMIT_COLUMN = "commit"
"""Version of Polster's own table that a row came with; null in rows of older versions.

Rows are put in order by it: the clocks of those who run are not to be trusted.
"""

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
    }
)


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
        self.table = Table(store, store.uri("_polster", "runs"))

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

    def scan(self) -> pl.LazyFrame:
        """Return all rows, lazy; empty if no run was ever recorded."""
        return scan_rows(self.table, LEDGER_SCHEMA)

    def records(self, asset: AssetKey, limit: int | None = None) -> list[tuple[str, AssetRecord]]:
        """List what the runs did to ``asset``, newest first, with the run's identifier."""
        rows = (
            self._records()
            .filter(pl.col("asset") == str(asset))
            .sort(BY_COMMIT, descending=True, nulls_last=True)
        )
        with reaching(self.table.uri):
            found = (rows.head(limit) if limit else rows).collect()
        return [(row["run_id"], from_row(row)) for row in found.iter_rows(named=True)]

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

    def latest(self) -> dict[AssetKey, tuple[str, AssetRecord]]:
        """Return the newest record of each asset, with the run's identifier."""
        found = self._newest(self._records())
        return {key: (newest.run_id, newest.record) for key, newest in found.items()}

    def published(self, versions: Mapping[AssetKey, int]) -> dict[AssetKey, Recorded]:
        """Return what is recorded of the run that published each of ``versions``, where it is."""
        if not versions:
            return {}
        records = self._records()
        last = (
            _published(records)
            .group_by("asset")
            .agg(pl.col("version").sort_by(BY_COMMIT).last().alias("last_version"))
        )
        found = self._publishing(records, versions)
        return self._newest(found.join(last, on="asset", how="left"))

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
            if key is not None and (lineage := _lineage(key, text)) is not None:
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
            *((status == each.value).sum().alias(each.value) for each in AssetStatus),
        )
        .sort(BY_COMMIT, descending=True, nulls_last=True)
    )


def _summary(row: Mapping[str, Any]) -> RunSummary:
    assets = {each: row[each.value] for each in AssetStatus if row[each.value]}
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


def append_rows(table: Table, rows: pl.DataFrame, *, run_id: str, key: Sequence[str] = ()) -> None:
    """Append ``rows`` to one of Polster's own tables, retrying against other writers.

    Each row says which commit it came with.

    Args:
        table: The table; made if it does not exist.
        rows: What to add.
        run_id: The run that adds them.
        key: Columns by which a row that is there already is known, and left out.

    Raises:
        ConflictError: Others were faster again and again.
    """
    staging = Staging(table.store, table.uri, run_id)
    schema = pl.Schema({**rows.schema, COMMIT_COLUMN: pl.Int64()})
    for attempt in range(ATTEMPTS):
        onto = table.open()
        new = rows
        if key and onto is not None:
            with reaching(table.uri):
                earlier = _own_rows(onto, table.store, rows.schema)
                known = earlier.select(key).join(rows.lazy().select(key), on=key, how="semi")
                new = rows.join(known.collect(), on=key, how="anti")
        if not new.height:
            return
        # Deleted only where the commit was refused for certain: Ctrl-C may come at any moment
        try:
            if onto is not None and (more := _missing(onto, schema)):
                onto = table.add_columns(onto, more)
            commit = pl.lit(0 if onto is None else onto.version + 1, pl.Int64)
            with reaching(table.uri, writing=True):
                files = staging.sink(new.lazy().with_columns(commit.alias(COMMIT_COLUMN)))
            table.commit(
                files,
                schema=schema,
                mode="append",
                onto=onto,
                metadata={"run_id": run_id},
            )
            return
        except UncertainCommitError:
            raise
        except ConflictError:
            staging.discard()
            if attempt == ATTEMPTS - 1:
                raise
            wait_for_others(attempt)
        except LakehouseError:
            staging.discard()
            raise


def _missing(table: TableVersion, schema: pl.Schema) -> pl.Schema:
    """Return the columns that a table written by an older version of Polster does not have."""
    known = table.schema
    return pl.Schema({name: dtype for name, dtype in schema.items() if name not in known})


def scan_rows(table: Table, schema: pl.Schema) -> pl.LazyFrame:
    """Return the rows of one of Polster's own tables, lazy; none if it was never written."""
    opened = table.open()
    if opened is None:
        return pl.LazyFrame(schema=schema)
    return _own_rows(opened, table.store, schema)


def _own_rows(table: TableVersion, store: Store, schema: pl.Schema) -> pl.LazyFrame:
    """Return the rows of one of Polster's own tables, lazy.

    The files that the log names are scanned as they are: every command does this, and Polars'
    Delta reader loads pyarrow where it is installed. They lie in the table's folder, whose path
    delta-rs would write percent-encoded, which Polars takes for the name.
    """
    files = [f"{table.uri}/{uri.rpartition('/')[2]}" for uri in table.delta.file_uris()]
    if not files:
        return pl.LazyFrame(schema=schema)
    return pl.scan_parquet(
        files,
        schema=schema,
        missing_columns="insert",
        extra_columns="ignore",
        storage_options=store.storage_options,
        credential_provider=None if store.options else "auto",
    )


def to_row(record: AssetRecord) -> dict[str, Any]:
    """Write a record as a row of the ledger, run and environment left out."""
    return {
        "asset": str(record.asset),
        "status": record.status.value,
        "started_at": record.started_at,
        "seconds": record.seconds,
        "reasons": [without_secrets(reason) for reason in record.reasons],
        "rows_in": json.dumps(dict(record.rows_in)),
        "rows_returned": record.rows_returned,
        "rows_published": record.rows_published,
        "rows_quarantined": record.rows_quarantined,
        "rules_broken": json.dumps(dict(record.rules_broken)),
        "version": record.version,
        "notes": [without_secrets(note) for note in record.notes],
        "error": failure_to_json(record.error) if record.error else None,
        "fingerprint": json.dumps(asdict(record.fingerprint)) if record.fingerprint else None,
        "lineage": lineage_to_json(record.lineage) if record.lineage else None,
        "nulls": None if record.nulls is None else json.dumps(dict(record.nulls)),
        "newest": _newest_to_json(record.newest) if record.newest else None,
        "warnings": _warnings_to_json(record.warnings) if record.warnings else None,
        "matched": json.dumps({name: asdict(each) for name, each in record.matched.items()})
        if record.matched
        else None,
    }


def from_row(row: Mapping[str, Any]) -> AssetRecord:
    """Read a record from a row of the ledger, or from the metadata of a commit."""
    key = AssetKey.parse(row["asset"])
    if key is None:
        raise ValueError(f"not an asset key: {row['asset']}")
    started = row["started_at"]
    fingerprint, lineage = row["fingerprint"], row.get("lineage")
    return AssetRecord(
        asset=key,
        status=AssetStatus(row["status"]),
        started_at=datetime.fromisoformat(started) if isinstance(started, str) else started,
        reasons=tuple(row["reasons"] or ()),
        rows_in=json.loads(row["rows_in"]),
        rows_returned=row["rows_returned"],
        rows_published=row["rows_published"],
        rows_quarantined=row["rows_quarantined"],
        rules_broken=json.loads(row["rules_broken"]),
        version=row["version"],
        seconds=row["seconds"],
        notes=tuple(row["notes"] or ()),
        error=failure_from_json(row["error"]) if row["error"] else None,
        fingerprint=Fingerprint(**json.loads(fingerprint)) if fingerprint else None,
        lineage=_lineage(key, lineage) if lineage else None,
        nulls=json.loads(row["nulls"]) if row.get("nulls") else None,
        newest=_newest_from_json(row["newest"]) if row.get("newest") else {},
        warnings=_warnings_from_json(key, row["warnings"]) if row.get("warnings") else (),
        matched={
            name: Matched(**each) for name, each in json.loads(row.get("matched") or "{}").items()
        },
    )


def _newest_to_json(newest: Mapping[str, datetime]) -> str:
    return json.dumps({column: moment.isoformat() for column, moment in newest.items()})


def _newest_from_json(text: str) -> dict[str, datetime]:
    return {column: datetime.fromisoformat(moment) for column, moment in json.loads(text).items()}


def _warnings_to_json(warnings: Sequence[StandingWarning]) -> str:
    return json.dumps(
        [
            {
                "code": warning.code,
                "subject": warning.subject,
                "message": warning.message,
                "hint": warning.hint,
                "run_id": warning.run_id,
                "since": warning.since.isoformat(),
            }
            for warning in warnings
        ]
    )


def _warnings_from_json(asset: AssetKey, text: str) -> tuple[StandingWarning, ...]:
    return tuple(
        StandingWarning(asset, **{**each, "since": datetime.fromisoformat(each["since"])})
        for each in json.loads(text)
    )


def _lineage(key: AssetKey, text: str) -> AssetLineage | None:
    """Read a lineage; None if another version of Polster wrote it in another way."""
    try:
        return lineage_from_json(key, text)
    except (ValueError, TypeError, LookupError):
        return None


def to_metadata(record: AssetRecord) -> dict[str, Any]:
    """Write a record as the metadata of the commit that publishes it."""
    row = to_row(record)
    return {**row, "started_at": record.started_at.astimezone(UTC).isoformat()}


def failure_to_json(failure: Failure) -> str:
    """Write a failure without what exceptions say, since that may hold values of the data.

    Credentials in URLs are hidden in the rest.
    """
    written = {
        "code": failure.code,
        "message": failure.message if failure.kept is None else failure.kept,
        "hint": failure.hint,
        "place": failure.place,
    }
    if failure.trace is not None:
        written["frames"] = failure.trace.frames
    return json.dumps({key: text and without_secrets(text) for key, text in written.items()})


def failure_from_json(text: str) -> Failure:
    """Read what :func:`failure_to_json` wrote."""
    written = json.loads(text)
    frames = written.pop("frames", None)
    return Failure(**written, trace=Trace(frames, frames) if frames else None)
