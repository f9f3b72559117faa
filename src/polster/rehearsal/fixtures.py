"""Rows of a project's own to rehearse with: ``tests/fixtures/bronze_orders.csv``."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from polster.errors import UsageError
from polster.model.asset import AssetKey

FIXTURES = "tests/fixtures"
SUFFIXES = ("parquet", "csv", "jsonl", "ndjson")


def fixture_name(key: AssetKey) -> str:
    """Return where the rows of ``key`` may lie, relative to the project's folder.

    >>> from polster.model.layer import Layer
    >>> fixture_name(AssetKey(Layer.BRONZE, "orders"))
    'tests/fixtures/bronze_orders.csv'
    """
    return f"{FIXTURES}/{key.identifier}.csv"


def read_fixture(root: Path, key: AssetKey, known: pl.Schema) -> pl.DataFrame | None:
    """Read the rows that the project keeps for ``key``; None if it keeps none.

    Args:
        root: The project's folder.
        key: A bronze asset.
        known: Types of its columns where they are known; what else a CSV file holds is text.

    Raises:
        UsageError: The file cannot be read.
    """
    for suffix in SUFFIXES:
        file = root / FIXTURES / f"{key.identifier}.{suffix}"
        if file.is_file():
            try:
                return _read(file, suffix, known)
            except (OSError, pl.exceptions.PolarsError) as error:
                raise UsageError(
                    f"the rows to rehearse with cannot be read: {error}",
                    code="POL106",
                    place=file.relative_to(root).as_posix(),
                ) from error
    return None


def _read(file: Path, suffix: str, known: pl.Schema) -> pl.DataFrame:
    if suffix == "parquet":
        return pl.read_parquet(file, glob=False)
    if suffix == "csv":
        rows = pl.read_csv(file, infer_schema=False, glob=False)
        return rows.cast({name: dtype for name, dtype in known.items() if name in rows.columns})
    return pl.read_ndjson(file.read_bytes())  # a name such as [x] would be a pattern
