"""Importing another asset's function, where a parameter was meant."""

from __future__ import annotations

from collections.abc import Iterator

from polster.checks.habits.reach import asset_of_module
from polster.checks.habits.sighting import EVERY_LAYER, Seen, Sighting, place_of
from polster.model.asset import AssetKey
from polster.model.finding import Severity


def asset_imports(seen: Seen) -> Iterator[Sighting]:
    """Yield the functions of other assets that a unit imports or names: POL606."""
    for imported in seen.unit.imports:
        key = _function(seen, imported.name)
        if key is not None:
            place = imported.node.lineno, imported.node.col_offset
            yield _sighting(key, place, f"imports the function of `{key}`")
    for parts, node in seen.unit.names.items():
        if len(parts) == 1:  # such a name was imported, which is told above
            continue
        meant = seen.sources.meaning(seen.module, seen.unit, parts)
        key = _function(seen, meant) if meant is not None else None
        if key is not None:
            yield _sighting(key, place_of(node), f"uses the function of `{key}`")


def _function(seen: Seen, name: str) -> AssetKey | None:
    """Return the asset whose function ``name`` is, if it is another one's."""
    if "." not in name:
        return None
    found = seen.sources.split(seen.sources.canonical(name))
    if found is None or not found[1] or found[0].name == seen.module.name:
        return None
    key = asset_of_module(found[0].name)
    return key if key is not None and key.name == found[1][0] else None


def _sighting(key: AssetKey, place: tuple[int, int], does: str) -> Sighting:
    return Sighting(
        "POL606",
        *place,
        does,
        f"take its table instead, as the parameter `{key.identifier}: pl.LazyFrame`",
        Severity.ERROR,
        EVERY_LAYER,
    )
