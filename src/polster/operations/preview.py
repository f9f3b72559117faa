"""Showing the first rows of a published table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl

from polster.errors import LakehouseError, UsageError
from polster.lakehouse.store import reaching
from polster.lakehouse.types import is_exact, storage_cast, storage_dtype
from polster.model.asset import AssetKey
from polster.operations.history import asset_named
from polster.operations.open_project import Session

MOMENT = "%Y-%m-%d %H:%M:%S%.f"


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows of a table.

    Attributes:
        columns: Dtype by name, in the table's order.
        rows: One tuple a row, Python values; a moment with nanoseconds, which Python does not
            have, as text.
        total: Rows in the whole table.
        types: Dtype by name in short, such as ``datetime[μs, UTC]``.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[tuple[Any, ...], ...] = ()
    total: int = 0
    types: Mapping[str, str] = field(default_factory=dict)


def sample_of(frame: pl.DataFrame, total: int) -> Sample:
    """Return the rows of ``frame`` as a sample of a table of ``total`` rows."""
    columns = {name: str(dtype) for name, dtype in frame.schema.items()}
    types = {name: _in_short(dtype) for name, dtype in frame.schema.items()}
    return Sample(columns, tuple(_whole(frame).rows()), total, types)


def _whole(frame: pl.DataFrame) -> pl.DataFrame:
    """Write out what Python would cut off."""
    nested = {name: dtype for name, dtype in frame.schema.items() if dtype.is_nested()}
    fine = {name: dtype for name, dtype in nested.items() if not is_exact(dtype)}
    stored = {name: storage_dtype(dtype, every_value=True) or dtype for name, dtype in fine.items()}
    frame = storage_cast(frame, pl.Schema(stored))
    texts: list[pl.Expr] = []
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Datetime) and not is_exact(dtype):
            texts.append(pl.col(name).dt.to_string(f"{MOMENT}%:z" if dtype.time_zone else MOMENT))
        elif isinstance(dtype, pl.Duration) and not is_exact(dtype):
            texts.append(pl.col(name).dt.to_string("polars"))
    return frame.with_columns(texts)


def _in_short(dtype: pl.DataType) -> str:
    """Write a type as Polars does above its tables."""
    heading = repr(pl.Series(dtype=dtype)).splitlines()[1]
    return heading.removeprefix("Series: '' [").removesuffix("]")


@dataclass(frozen=True, slots=True)
class Preview:
    """Some rows of one version of an asset's table, as downstream assets read it."""

    asset: AssetKey
    version: int
    sample: Sample


def preview(
    session: Session,
    name: str,
    *,
    rows: int = 10,
    offset: int = 0,
    version: int | None = None,
) -> Preview:
    """Read ``rows`` rows of the asset ``name`` from ``offset`` on.

    Args:
        session: Whose asset.
        name: The asset.
        rows: At most so many.
        offset: Rows to pass over.
        version: Of the table; by default the newest.

    Raises:
        UsageError: There is no such asset, environment or version, or it was never built.
        LakehouseError: The table cannot be read.
    """
    key = asset_named(session, name).key
    lakehouse = session.lakehouse
    try:
        table = lakehouse.pin(key, version)
    except LakehouseError as error:
        if error.code != "POL405":
            raise
        raise UsageError(
            f"`{key}` has no version {version}",
            code=error.code,
            hint=f"see its versions with: polster history {key}",
        ) from error
    if table is None:
        raise UsageError(
            f"`{key}` was never built", code="POL404", hint=f"build it with: polster run +{key}"
        )
    with reaching(table.uri):
        frame = table.scan().slice(offset, rows).collect()
    return Preview(key, table.version, sample_of(frame, table.rows))
