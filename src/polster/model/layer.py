"""The three layers, and which may read which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Layer(StrEnum):
    """A layer of the medallion architecture."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


LAYERS = {layer.value: layer for layer in Layer}

LAYER_REASONS = {
    Layer.BRONZE: "bronze holds what arrived from outside, so it reads no other asset",
    Layer.SILVER: "silver validates what bronze holds, so it reads bronze only",
    Layer.GOLD: "gold stands on validated data, so it reads silver only",
}
"""Why each layer reads what it reads, as a clause for messages."""

REFERABLE = {
    Layer.BRONZE: (),
    Layer.SILVER: (Layer.SILVER,),
    Layer.GOLD: (Layer.SILVER, Layer.GOLD),
}
"""The layers whose tables each layer may refer to: those that are judged, and not above it."""

OPTIONAL_ARROWS = {"silver->silver": Layer.SILVER, "gold->gold": Layer.GOLD}
"""The arrows that a project may allow in ``[tool.polster.rules]``; there are no others."""


@dataclass(frozen=True, slots=True)
class LayerRules:
    """Which layer may read which.

    Attributes:
        within: Layers whose assets may also read assets of their own layer.
    """

    within: frozenset[Layer] = frozenset()

    def readable_by(self, reader: Layer) -> tuple[Layer, ...]:
        """List the layers that an asset of layer ``reader`` may read, lowest first.

        >>> LayerRules().readable_by(Layer.GOLD)
        (<Layer.SILVER: 'silver'>,)
        """
        below = {Layer.BRONZE: (), Layer.SILVER: (Layer.BRONZE,), Layer.GOLD: (Layer.SILVER,)}
        return below[reader] + ((reader,) if reader in self.within else ())

    def may_read(self, reader: Layer, upstream: Layer) -> bool:
        """Tell whether an asset of ``reader`` may depend on one of ``upstream``."""
        return upstream in self.readable_by(reader)
