"""What is known of the columns of bronze beside its contracts."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import polars as pl

from polster.lakehouse.dtypes import dtype_text, read_dtype
from polster.model.asset import Asset, AssetKey
from polster.model.departure import departures
from polster.model.finding import Finding, Severity, finding_about
from polster.project.schema_file import SCHEMA_FILE, damaged


@dataclass(frozen=True, slots=True)
class BronzeColumns:
    """What the project keeps of bronze, and what a lakehouse holds.

    What is kept goes before the tables: it was committed with the code, so that the check says
    the same on every machine, whereas a table may be older than the code, or newer.

    Attributes:
        kept: Type by name as text, by asset.
        published: Columns of the tables; what is not kept is known from these.
    """

    kept: Mapping[AssetKey, Mapping[str, str]] = field(default_factory=dict)
    published: Mapping[AssetKey, pl.Schema] = field(default_factory=dict)

    def of(self, asset: Asset) -> tuple[pl.Schema | None, list[Finding]]:
        """Return the columns that the source of ``asset`` sends, None if nobody knows them."""
        written = self.kept.get(asset.key)
        table = self.published.get(asset.key)
        if written is None:
            return table, []
        try:
            kept = pl.Schema({name: read_dtype(text) for name, text in written.items()})
        except ValueError as error:
            return None, [_unreadable(asset, error)]
        return kept, [] if table is None else list(_departing(asset, written, table))


def lacking(asset: Asset, contract: Collection[str], source: pl.Schema) -> Iterator[Finding]:
    """Say which columns of its contract the source of ``asset`` does not send."""
    missing = [f"`{name}`" for name in contract if name not in source]
    if missing:
        yield finding_about(
            asset,
            "POL733",
            f"the contract of `{asset.key}` wants {', '.join(missing)}, and {SCHEMA_FILE} says "
            "that its source sends no such column",
            hint=f"correct the contract, or, if the source has changed: polster run {asset.key}",
            severity=Severity.WARNING,
        )


def _departing(asset: Asset, written: Mapping[str, str], table: pl.Schema) -> Iterator[Finding]:
    """Say that the table is of another time than what is kept."""
    found = {name: dtype_text(dtype) or str(dtype) for name, dtype in table.items()}
    if said := departures(written, found):
        yield finding_about(
            asset,
            "POL733",
            f"the table of `{asset.key}` departs from {SCHEMA_FILE}, by which its readers are "
            f"checked: {'; '.join(said)}",
            hint=f"bring both together with: polster run {asset.key}",
            severity=Severity.WARNING,
        )


def _unreadable(asset: Asset, why: ValueError) -> Finding:
    error = damaged(f"{asset.key}: {why}")
    return Finding(
        error.code, error.message, asset=str(asset.key), file=error.place, hint=error.hint
    )
