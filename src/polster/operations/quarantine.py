"""Showing the rows that broke a contract, and which rules they broke."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import polars as pl

from polster.errors import LakehouseError, UsageError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.quarantine import RULES_COLUMN, RUN_COLUMN, TIME_COLUMN
from polster.lakehouse.set_aside import SetAside
from polster.lakehouse.store import reaching
from polster.model.asset import AssetKey
from polster.model.record import AssetRecord, AssetStatus
from polster.model.set_aside import SetAsideFile
from polster.operations.history import asset_named
from polster.operations.open_project import Session
from polster.operations.preview import Sample, sample_of
from polster.operations.quarantine_rule import raise_unless_rule


@dataclass(frozen=True, slots=True)
class QuarantineReport:
    """The rows that one run kept out of a table, or that its current version goes without.

    Attributes:
        run_id: The run, the last one where several made parts of the table; None if no run judged
            the asset, but for those that failed otherwise.
        rule: Only rows that broke it are told of; None for all.
        rule_counts: Rows by rule, most first; a row may break several.
        sample: The first rows by broken rules, ``_rules`` first.
        earlier_rows: Rows that other runs kept out.
        since: When the first of the runs judged that found a rule broken ever since, by rule.
        files: Of bronze, files that could not be read, the newest first.
    """

    asset: AssetKey
    run_id: str | None
    rule: str | None
    rule_counts: Mapping[str, int]
    sample: Sample
    earlier_rows: int
    since: Mapping[str, datetime] = field(default_factory=dict)
    files: tuple[SetAsideFile, ...] = ()


def quarantine(
    session: Session,
    name: str,
    *,
    rows: int = 10,
    run_id: str | None = None,
    rule: str | None = None,
) -> QuarantineReport:
    """Report on the rows that a run kept out of the asset ``name``, by default its last.

    Args:
        session: Whose asset.
        name: The asset.
        rows: At most so many are sampled.
        run_id: The run.
        rule: Only rows that broke it, whatever else they broke.

    Raises:
        UsageError: There is no such asset, environment, run or rule.
        LakehouseError: The quarantine cannot be read, or is missing.
    """
    report = _rows_kept_out(session, name, rows=rows, run_id=run_id, rule=rule)
    files = session.lakehouse.set_aside(report.asset).files() if rule is None else []
    if run_id is not None:
        files = [each for each in files if each.run_id == run_id]
    return replace(report, files=tuple(files))


def _rows_kept_out(
    session: Session, name: str, *, rows: int, run_id: str | None, rule: str | None
) -> QuarantineReport:
    asset = asset_named(session, name)
    key = asset.key
    lakehouse = session.lakehouse
    standing: list[str] = []
    if run_id is None:
        run_id = _last_run(lakehouse, key)
        standing = lakehouse.standing_runs(key)
        standing = standing if run_id in standing else []  # it failed, or is of bronze
    else:
        raise_unless_known(lakehouse, key, run_id)
    table = lakehouse.quarantine(key)
    frame = table.scan()
    if frame is None or run_id is None:
        raise_if_missing(lakehouse, key, run_id)
        if rule is not None:
            raise_unless_rule(session, lakehouse, asset, rule)
        return QuarantineReport(key, run_id, rule, {}, Sample(), 0)
    with reaching(table.table.uri):
        broken = pl.lit(True) if rule is None else pl.col(RULES_COLUMN).list.contains(rule)
        frame = frame.filter(broken)
        of_now = table.standing(standing) if len(standing) > 1 else None
        kept = frame.filter(pl.col(RUN_COLUMN) == run_id)
        if of_now is not None:
            kept = of_now.filter(broken)
        counts = (
            kept.select(pl.col(RULES_COLUMN).explode().alias("rule"))
            .group_by("rule")
            .len()
            .sort("len", "rule", descending=[True, False])
            .collect()
        )
        first = (
            kept.sort(pl.col(RULES_COLUMN).list.join(" "), maintain_order=True)
            .select(RULES_COLUMN, pl.exclude(RULES_COLUMN, RUN_COLUMN))
            .head(rows)
            .collect()
        )
        total = int(kept.select(pl.len()).collect().item())
        everything = int(frame.select(pl.len()).collect().item())
    if not total and rule is None:
        raise_if_missing(lakehouse, key, run_id)
    if not everything and rule is not None:
        raise_unless_rule(session, lakehouse, asset, rule)
    return QuarantineReport(
        key,
        run_id,
        rule,
        dict(counts.iter_rows()),
        sample_of(first, total),
        everything - total,
        _since(lakehouse, key, run_id),
    )


@dataclass(frozen=True, slots=True)
class QuarantineCount:
    """How many rows one run kept out of one asset, and left out that earlier ones had kept out.

    Attributes:
        at: When the run judged it, timezone-aware UTC.
        rows_returned: Rows that the function returned for all of the table.
        rules: Rows by broken rule; a row may break several.
        is_published: Whether the rest of the rows was published; the run failed otherwise.
    """

    asset: AssetKey
    run_id: str
    at: datetime
    rows_returned: int
    rows_quarantined: int
    rules: Mapping[str, int]
    is_published: bool = True


def files_set_aside(session: Session) -> dict[AssetKey, list[SetAsideFile]]:
    """List the files that bronze could not read, by asset; what its source still has first.

    Raises:
        UsageError: There is no such environment.
        LakehouseError: The quarantine cannot be read.
    """
    return SetAside.every(session.lakehouse.store)


def quarantine_counts(
    session: Session,
    *,
    asset: str | None = None,
    since: datetime | None = None,
) -> list[QuarantineCount]:
    """Count what runs kept out, from the ledger: one an asset a run that judged rows, oldest first.

    Raises:
        UsageError: There is no such asset or environment.
        LakehouseError: The ledger cannot be read.
    """
    key = None if asset is None else asset_named(session, asset).key
    lakehouse = session.lakehouse
    return _counts(lakehouse, key, since)


def _counts(
    lakehouse: Lakehouse, key: AssetKey | None, since: datetime | None = None
) -> list[QuarantineCount]:
    return [
        QuarantineCount(
            record.asset,
            run_id,
            record.started_at,
            record.returned_now,
            record.quarantined_now,
            record.rules_now,
            record.status is AssetStatus.PUBLISHED,
        )
        for run_id, record in lakehouse.ledger.judgements(key, since)
    ]


def _since(lakehouse: Lakehouse, key: AssetKey, run_id: str) -> dict[str, datetime]:
    """Return since when every run up to ``run_id`` found a rule broken that it found broken."""
    counts = _counts(lakehouse, key)
    place = next((at for at, count in enumerate(counts) if count.run_id == run_id), -1)
    return {rule: at for (_, rule), at in broken_since(counts[: place + 1]).items()}


def broken_since(counts: Sequence[QuarantineCount]) -> dict[tuple[AssetKey, str], datetime]:
    """Return since when every run finds a rule broken, for what the newest run found broken.

    Args:
        counts: Oldest first.

    Returns:
        When the first of these runs judged, by asset and rule.
    """
    found: dict[AssetKey, dict[str, datetime]] = {}
    for count in counts:
        before = found.get(count.asset, {})
        broken = [rule for rule, rows in count.rules.items() if rows]
        found[count.asset] = {rule: before.get(rule, count.at) for rule in broken}
    return {(asset, rule): at for asset, rules in found.items() for rule, at in rules.items()}


def quarantined_rows(
    session: Session,
    name: str,
    *,
    offset: int = 0,
    limit: int = 100,
    rule: str | None = None,
    run_id: str | None = None,
) -> Sample:
    """Read some rows that were kept out of the asset ``name``, those of the newest run first.

    Args:
        session: Whose asset.
        name: The asset.
        offset: Rows to pass over.
        limit: At most so many.
        rule: Only rows that broke it.
        run_id: Only rows of that run.

    Returns:
        The rows with ``_rules`` first, ``_run_id`` and ``_rejected_at`` last; ``total`` counts
        all that ``rule`` and ``run_id`` leave.

    Raises:
        UsageError: There is no such asset, environment or run.
        LakehouseError: The quarantine cannot be read, or is missing.
    """
    key = asset_named(session, name).key
    lakehouse = session.lakehouse
    kept = kept_rows(lakehouse, key, rule=rule, run_id=run_id)
    if kept is None:
        raise_unless_known(lakehouse, key, run_id)
        raise_if_missing(lakehouse, key, run_id)
        return Sample()
    with reaching(lakehouse.quarantine(key).table.uri):
        runs = kept.group_by(RUN_COLUMN).agg(pl.len(), pl.col(TIME_COLUMN).max())
        sizes = runs.sort(TIME_COLUMN, RUN_COLUMN, descending=True).collect()
        places = {run: at for at, (run, _) in enumerate(lakehouse.ledger.records(key))}
        if not sizes.height:  # a killed run left rows that the ledger knows nothing of
            raise_unless_known(lakehouse, key, run_id)
        pages = [kept.clear()]
        passed = 0
        by_run = {run: size for run, size, _ in sizes.iter_rows()}
        for run in sorted(by_run, key=lambda run: places.get(run, len(places))):
            size = by_run[run]  # a sort of the rows would have to hold the whole table
            begin, end = max(offset - passed, 0), min(offset + limit - passed, size)
            if begin < end:
                rows = kept.filter(pl.col(RUN_COLUMN) == run)
                pages.append(rows.slice(begin, end - begin))
            passed += size
        found = pl.concat(pages).collect()
    return sample_of(found, int(sizes["len"].sum()))


def kept_rows(
    lakehouse: Lakehouse, key: AssetKey, *, rule: str | None, run_id: str | None
) -> pl.LazyFrame | None:
    """Return the rows kept out of ``key``, ``_rules`` first, lazy; None if there never were any.

    Of the run that made the current version, those that this version goes without.
    """
    runs = [] if run_id is None else lakehouse.standing_runs(key)
    quarantine = lakehouse.quarantine(key)
    is_current = len(runs) > 1 and run_id == runs[0]
    frame = quarantine.standing(runs) if is_current else quarantine.scan(run_id)
    if frame is None:
        return None
    if rule is not None:
        frame = frame.filter(pl.col(RULES_COLUMN).list.contains(rule))
    last = (RUN_COLUMN, TIME_COLUMN)
    return frame.select(RULES_COLUMN, pl.exclude(RULES_COLUMN, *last), *last)


def raise_unless_known(lakehouse: Lakehouse, key: AssetKey, run_id: str | None) -> None:
    """Raise UsageError if ``run_id`` names a run that never looked at ``key``."""
    if run_id is None or run_id in (known for known, _ in lakehouse.ledger.records(key)):
        return
    raise UsageError(
        f"there is no run `{run_id}` of `{key}`",
        code="POL408",
        hint=f"see its runs with: polster history {key}",
    )


def raise_if_missing(lakehouse: Lakehouse, key: AssetKey, run_id: str | None) -> None:
    """Raise LakehouseError if rows were kept out of ``key``, by ``run_id`` or by any run.

    To be called where the quarantine holds none of them.
    """
    records = lakehouse.ledger.records(key)
    kept = sum(record.rows_quarantined for run, record in records if run_id in (None, run))
    if not kept:
        return
    table = lakehouse.quarantine(key).table
    by = "runs" if run_id is None else f"run {run_id}"
    rows = f"{kept} row{'' if kept == 1 else 's'}"
    raise LakehouseError(
        f"the quarantine table of `{key}` is missing"
        if table.open() is None
        else f"the quarantine of `{key}` holds no row of {by}",
        code="POL410",
        place=table.uri,
        hint=f"{by} kept {rows} out, by the ledger; bring the table back from where it went, "
        f"or judge again with: polster run {key} --full-refresh",
    )


def _last_run(lakehouse: Lakehouse, key: AssetKey) -> str | None:
    """Return the last run that judged rows of ``key``; one that failed only if it kept some out.

    Readers get what the run before it published.
    """

    def judged(record: AssetRecord) -> bool:
        if record.status is AssetStatus.FAILED:
            return record.rows_quarantined > 0
        return record.status is AssetStatus.PUBLISHED and record.rows_returned > 0

    runs = (run_id for run_id, record in lakehouse.ledger.records(key) if judged(record))
    return next(runs, None)
