"""Showing the rows that broke a contract, and which rules they broke."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from polster.errors import UsageError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.quarantine import RULES_COLUMN, RUN_COLUMN
from polster.lakehouse.store import reaching
from polster.model.asset import AssetKey
from polster.model.record import AssetRecord, AssetStatus
from polster.operations.environment import open_lakehouse
from polster.operations.history import asset_named
from polster.operations.open_project import Project
from polster.operations.preview import Sample

RAN = (AssetStatus.PUBLISHED, AssetStatus.FAILED)


@dataclass(frozen=True, slots=True)
class QuarantineReport:
    """The rows that one run kept out of a table.

    Attributes:
        run_id: The run; None if no run ever judged the asset.
        rule_counts: Rows by rule, most first; a row may break several.
        sample: The first rows by broken rules, ``_rules`` first.
        earlier_rows: Rows that other runs kept out.
    """

    asset: AssetKey
    run_id: str | None
    rule_counts: Mapping[str, int]
    sample: Sample
    earlier_rows: int


def quarantine(
    project: Project,
    name: str,
    *,
    rows: int = 10,
    run_id: str | None = None,
    environment: str | None = None,
) -> QuarantineReport:
    """Report on the rows that a run kept out of the asset ``name``, by default its last.

    Raises:
        UsageError: There is no such asset, environment or run.
        LakehouseError: The quarantine cannot be read.
    """
    key = asset_named(project, name).key
    _, lakehouse = open_lakehouse(project, environment)
    if run_id is None:
        run_id = _last_run(lakehouse, key)
    elif run_id not in (known for known, _ in lakehouse.ledger.records(key)):
        raise UsageError(
            f"there is no run `{run_id}` of `{key}`",
            code="POL408",
            hint=f"see its runs with: polster history {key}",
        )
    table = lakehouse.quarantine(key)
    frame = table.scan()
    if frame is None or run_id is None:
        return QuarantineReport(key, run_id, {}, Sample({}, (), 0), 0)
    with reaching(table.table.uri):
        kept = frame.filter(pl.col(RUN_COLUMN) == run_id)
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
    columns = {column: str(dtype) for column, dtype in first.schema.items()}
    return QuarantineReport(
        key,
        run_id,
        dict(counts.iter_rows()),
        Sample(columns, tuple(first.rows()), total),
        everything - total,
    )


def _last_run(lakehouse: Lakehouse, key: AssetKey) -> str | None:
    """Return the last run that judged rows of ``key``."""

    def judged(record: AssetRecord) -> bool:
        return record.status in RAN and record.rows_returned > 0

    runs = (run_id for run_id, record in lakehouse.ledger.records(key) if judged(record))
    return next(runs, None)
