"""The tables that an asset refers to, as a test hands them in."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from polster.errors import UsageError, nearest
from polster.lakehouse.change import Change
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.staging import Staging
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import storage_cast, storage_schema
from polster.model.asset import Asset, AssetKey
from polster.model.reference import Reference


def publish_targets(
    asset: Asset, frames: Mapping[str, pl.LazyFrame | pl.DataFrame], lakehouse: Lakehouse
) -> tuple[dict[Reference, TableVersion | None], tuple[str, ...]]:
    """Publish ``frames`` under the names that ``asset`` refers to.

    Returns:
        The table by reference, None for the asset's own rows; and a note for each reference that
        cannot be checked, since the test does not give its table.

    Raises:
        UsageError: The asset refers to no table of that name.
    """
    wanted = {reference: _key(asset, reference) for reference in asset.options.references}
    named = {name: key for key in wanted.values() for name in (key.name, str(key))}
    for name in frames:
        if name not in named or named[name] == asset.key:
            known = [each for each, key in named.items() if key != asset.key]
            close = nearest(name, known)
            raise UsageError(
                f"`{asset.key.name}` does not refer to `{name}`",
                code="POL106",
                hint=f"did you mean `{close}`?" if close else "take it out of `references`",
            )
    tables = {
        named[name]: _publish(frame, named[name], lakehouse) for name, frame in frames.items()
    }
    found: dict[Reference, TableVersion | None] = {}
    notes: list[str] = []
    for reference, key in wanted.items():
        if key == asset.key:
            found[reference] = None
        elif key in tables:
            found[reference] = tables[key]
        else:
            notes.append(
                f"`{reference.rule}` is not checked: hand over "
                f'`references={{"{reference.target}": …}}`'
            )
    return found, tuple(notes)


def _key(asset: Asset, reference: Reference) -> AssetKey:
    parsed = AssetKey.parse(reference.target)
    return parsed or AssetKey(asset.key.layer, reference.target)


def _publish(
    frame: pl.LazyFrame | pl.DataFrame, key: AssetKey, lakehouse: Lakehouse
) -> TableVersion:
    rows = frame.lazy().collect()
    schema = storage_schema(rows.schema, place="the test")
    table = lakehouse.table(key)
    files = Staging(lakehouse.store, table.uri, "test").sink(storage_cast(rows, schema).lazy())
    return table.commit(Change(files, schema, types=rows.schema), onto=None)
