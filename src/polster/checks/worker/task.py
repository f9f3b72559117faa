"""What the parent asks of a child, and what the child answers; plain values only."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.model.asset import Asset, AssetKey
from polster.model.graph import ties
from polster.model.reference import Reference


@dataclass(frozen=True, slots=True)
class Before:
    """What an asset looked like when it was examined before, its code being the same.

    Attributes:
        inputs: Digest of what it read.
        outcome: What those that read it need to know.
    """

    inputs: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Task:
    """Assets to examine.

    Attributes:
        root: The project's folder.
        assets: Upstream first, everything that is needed to type the inputs included, but for
            what is given.
        inputs: For each asset, parameter name to the upstream's key.
        references: For each asset that refers to others, or to its own table, the asset meant.
        wanted: The assets to tell of.
        hopeless: Assets that are not called again, since they hung or crashed before.
        lakehouse: Where published tables lie; None if nobody knows.
        storage_options: For an object store.
        kept: Columns of bronze as the project keeps them, or as the sources were asked.
        asked: The assets whose sources were asked; their tables do not matter.
        lineage: Whether column lineage is asked for.
        folder: Empty; where functions are called. The parent takes it away.
        progress: The file in which the child says how far it is.
        given: What is known of upstreams that need not be examined.
        before: Assets that need not be examined if what they read is as it was.
    """

    root: str
    assets: tuple[Asset, ...]
    inputs: Mapping[AssetKey, Mapping[str, AssetKey]]
    wanted: frozenset[AssetKey]
    hopeless: frozenset[AssetKey]
    lakehouse: str | None
    storage_options: Mapping[str, str]
    lineage: bool
    kept: Mapping[AssetKey, Mapping[str, str]] = field(default_factory=dict)
    asked: frozenset[AssetKey] = frozenset()
    references: Mapping[AssetKey, Mapping[Reference, AssetKey]] = field(default_factory=dict)
    folder: str = ""
    progress: str = ""
    given: Mapping[AssetKey, str] = field(default_factory=dict)
    before: Mapping[AssetKey, Before] = field(default_factory=dict)

    def ties(self, key: AssetKey) -> dict[str, AssetKey]:
        """Return what ``key`` is bound to by name, as its graph does."""
        return ties(key, self.inputs[key], self.references.get(key, {}))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one asset.

    Attributes:
        written: What was examined, as JSON; None if nothing it depends on has changed since it
            was examined before.
        outcome: What those that read it need to know; None if that cannot be written.
        is_lasting: Whether the same is found again as long as nothing changes.
    """

    asset: AssetKey
    written: str | None
    outcome: str | None
    is_lasting: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """Modules that read files while they were imported; told at the end."""

    modules: frozenset[str]


def inputs_digest(
    inputs: Mapping[str, AssetKey], outcomes: Mapping[AssetKey, str | None]
) -> str | None:
    """Return a digest of all that an asset is bound to; None if not all of that is known."""
    written: list[list[str]] = []
    for name, key in inputs.items():
        outcome = outcomes.get(key)
        if outcome is None:
            return None
        written.append([name, str(key), outcome])
    return hashlib.blake2b(json.dumps(written).encode(), digest_size=16).hexdigest()
