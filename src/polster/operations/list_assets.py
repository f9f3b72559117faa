"""Listing the assets of a project."""

from __future__ import annotations

from dataclasses import dataclass

from polster.model.asset import Asset
from polster.model.layer import Layer
from polster.operations.open_project import Project


@dataclass(frozen=True, slots=True)
class ListedAsset:
    """An asset and the keys of what it reads, as far as they can be told.

    Attributes:
        depends_on: Asset keys; names as written where the graph has mistakes.
        refers_to: The same for what it refers to, its own table included.
    """

    asset: Asset
    depends_on: tuple[str, ...]
    refers_to: tuple[str, ...] = ()


def list_assets(project: Project, layer: Layer | None = None) -> list[ListedAsset]:
    """List the assets by layer and name, also of a project whose graph has mistakes."""
    graph = project.discovery.graph
    return [
        ListedAsset(
            asset,
            tuple(str(key) for key in graph.upstream(asset.key))
            if graph
            else tuple(parameter.name for parameter in asset.parameters),
            tuple(dict.fromkeys(map(str, graph.references.get(asset.key, {}).values())))
            if graph
            else tuple(reference.target for reference in asset.options.references),
        )
        for asset in sorted(
            project.discovery.assets,
            key=lambda asset: (list(Layer).index(asset.key.layer), asset.key),
        )
        if layer in (None, asset.key.layer)
    ]
