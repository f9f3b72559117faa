"""What of the pipeline one looks at, as the address of the overview says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from urllib.parse import urlencode

from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer
from polster.operations.overview import Condition, Overview, OverviewAsset, Standing

LIST = "list"
GRAPH = "graph"
QUARANTINED: Literal["quarantined"] = "quarantined"
"""Of assets in whatever condition: rows were kept out of the version that counts."""
State: TypeAlias = Condition | Literal["quarantined"]
STATES: tuple[State, ...] = (*Condition, QUARANTINED)


@dataclass(frozen=True, slots=True)
class View:
    """What one looks at; by default everything.

    Attributes:
        search: Words that all stand in the key, whatever their case.
        layer: Assets of it alone.
        condition: Assets in it alone, or those that rows were kept out of.
        tag: Assets that have it alone.
        owner: Assets of this owner alone.
        focus: It, all that it stands on and all that stands on it alone.
        collapsed: Layers that are one node.
        shown: ``graph`` or ``list``; None leaves it to the width of the window.
    """

    search: str = ""
    layer: Layer | None = None
    condition: State | None = None
    tag: str | None = None
    owner: str | None = None
    focus: AssetKey | None = None
    collapsed: frozenset[Layer] = frozenset()
    shown: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> View:
        """Read the query of an address; what makes no sense in it is left out.

        >>> View.parse({"q": "logs", "layer": "silver", "condition": "rusty"}).query
        '?q=logs&layer=silver'
        """
        layers = {layer.value: layer for layer in Layer}
        states = {str(state): state for state in STATES}
        shown = query.get("view")
        collapsed = query.get("collapsed", "").split(",")
        return cls(
            search=query.get("q", "")[:200],
            layer=layers.get(query.get("layer", "")),
            condition=states.get(query.get("condition", "")),
            tag=query.get("tag") or None,
            owner=query.get("owner") or None,
            focus=AssetKey.parse(query.get("focus", "")),
            collapsed=frozenset(layers[name] for name in collapsed if name in layers),
            shown=shown if shown in (LIST, GRAPH) else None,
        )

    @property
    def query(self) -> str:
        """Return the query that :meth:`parse` reads, empty for everything."""
        said = {
            "q": self.search,
            "layer": self.layer,
            "condition": self.condition,
            "tag": self.tag,
            "owner": self.owner,
            "focus": str(self.focus) if self.focus else None,
            "collapsed": ",".join(layer for layer in Layer if layer in self.collapsed),
            "view": self.shown,
        }
        filled = {name: str(value) for name, value in said.items() if value}
        return f"?{urlencode(filled)}" if filled else ""

    @property
    def address(self) -> str:
        """Return the address that shows this."""
        return f"/{self.query}"

    @property
    def is_narrowed(self) -> bool:
        """Tell whether assets may be left out."""
        limits = (self.layer, self.condition, self.tag, self.owner, self.focus)
        return bool(self.search.strip()) or any(limits)

    def chosen(
        self, overview: Overview, standings: Mapping[AssetKey, Standing]
    ) -> dict[AssetKey, None]:
        """Return the assets that are looked at, in the order of the overview."""
        near = self._near(overview)
        words = self.search.lower().split()
        return {
            key: None
            for key, entry in overview.assets.items()
            if (near is None or key in near)
            and self._is_in_state(entry, standings[key])
            and self._takes(entry.asset, words)
        }

    def _is_in_state(self, entry: OverviewAsset, standing: Standing) -> bool:
        if self.condition == QUARANTINED:
            return entry.quarantined > 0
        return self.condition is None or standing.condition is self.condition

    def _takes(self, asset: Asset, words: list[str]) -> bool:
        key = str(asset.key)
        return (
            (self.layer is None or asset.key.layer is self.layer)
            and (self.tag is None or self.tag in asset.options.tags)
            and (self.owner is None or asset.options.owner == self.owner)
            and all(word in key for word in words)
        )

    def _near(self, overview: Overview) -> set[AssetKey] | None:
        """Return the focus with all that it stands on, and all that stands on it."""
        if self.focus is None:
            return None
        if self.focus not in overview.assets:
            return set()
        above, below = {self.focus}, {self.focus}
        for key, entry in overview.assets.items():  # upstream before downstream
            if not above.isdisjoint(entry.upstream):
                above.add(key)
        for key in reversed(list(overview.assets)):
            if key in below:
                below.update(overview.assets[key].upstream)
        return above | below
