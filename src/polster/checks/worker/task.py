"""What the parent asks of a child; plain values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from polster.model.asset import Asset, AssetKey


@dataclass(frozen=True, slots=True)
class Task:
    """Assets to examine.

    Attributes:
        root: The project's folder.
        assets: Upstream first, everything that is needed to type the inputs included.
        inputs: For each asset, parameter name to the upstream's key.
        wanted: The assets to tell of.
        hopeless: Assets that are not called again, since they hung or crashed before.
        lakehouse: Where published tables lie; None if nobody knows.
        storage_options: For an object store.
        lineage: Whether column lineage is asked for.
        folder: Empty; where functions are called. The parent takes it away.
        progress: The file in which the child says how far it is.
    """

    root: str
    assets: tuple[Asset, ...]
    inputs: Mapping[AssetKey, Mapping[str, AssetKey]]
    wanted: frozenset[AssetKey]
    hopeless: frozenset[AssetKey]
    lakehouse: str | None
    storage_options: Mapping[str, str]
    lineage: bool
    folder: str = ""
    progress: str = ""
