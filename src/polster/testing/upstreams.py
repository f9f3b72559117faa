"""The frames of a test in the types that a run would hand over."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from polster.contracts.casts import Cast, CastKind, cast_hint, cast_kind
from polster.contracts.rules import contract_columns
from polster.errors import UsageError
from polster.model.asset import Asset, AssetKey
from polster.model.graph import resolve
from polster.model.layer import LayerRules
from polster.project.asset_file import read_asset_file
from polster.project.discovery import ASSET_FOLDER, asset_files
from polster.project.load import load_asset
from polster.runtime.failures import naming_misuse


def as_published(
    asset: Asset, root: Path | None, frames: Mapping[str, pl.LazyFrame | pl.DataFrame]
) -> dict[str, pl.LazyFrame]:
    """Give ``frames`` the types of the contracts of what the asset reads.

    Args:
        asset: What is tested.
        root: The project's folder; None for an asset that stands in no project, of whose upstream
            nothing is known.
        frames: What it reads, by parameter; columns may be left out.

    Raises:
        UsageError: A column, or a value of it, cannot have the contract's type.
        AssetError: The file of what it reads cannot be imported.
    """
    known = [] if root is None else [AssetKey.parse(file.stem) for file in asset_files(root)]
    keys = [key for key in known if key is not None]
    typed: dict[str, pl.LazyFrame] = {}
    for name, frame in frames.items():
        upstream = resolve(name, reader=asset.key, known=keys, rules=LayerRules())
        typed[name] = frame.lazy()
        if root is not None and isinstance(upstream, AssetKey):
            typed[name] = _typed(upstream, root, frame.lazy())
    return typed


def _typed(upstream: AssetKey, root: Path, frame: pl.LazyFrame) -> pl.LazyFrame:
    read = read_asset_file(root / ASSET_FOLDER / f"{upstream.identifier}.py", root)
    if not isinstance(read, Asset):
        return frame
    with naming_misuse(read):
        contract = load_asset(read).function.contract
    if contract is None:
        return frame
    given = frame.collect_schema()
    casts = [
        Cast(name, given[name], column.dtype, cast_kind(given[name], column.dtype))
        for name, column in contract_columns(contract).items()
        if name in given and not column.validate_dtype(given[name])
    ]
    for cast in casts:
        if cast.kind is CastKind.IMPOSSIBLE:
            raise _unlike(upstream, cast, cast_hint(cast.column, cast.source, cast.target))
    kept = [pl.col(cast.column).alias(cast.original) for cast in casts]
    work = frame.with_columns(kept).with_columns(cast.value() for cast in casts)
    lost = work.select(cast.failed().any().alias(cast.column) for cast in casts).collect()
    for cast in casts:
        if lost[cast.column].any():
            raise _unlike(upstream, cast, "give the test values that the contract lets pass")
    return work.select(list(given))


def _unlike(upstream: AssetKey, cast: Cast, hint: str) -> UsageError:
    return UsageError(
        f"`{upstream}` publishes `{cast.column}` as {cast.target}, and the test gives "
        f"{cast.source} that cannot become it",
        code="POL106",
        hint=hint,
    )
