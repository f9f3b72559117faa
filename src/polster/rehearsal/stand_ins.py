"""Rows that stand in for what a function should have returned, so that its rules are tried."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import settle_terms
from polster.contracts.rules import unique_rules
from polster.errors import AssetError
from polster.model.asset import AssetKey
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.project.load import LoadedAsset
from polster.rehearsal.keys import KeyPools
from polster.rehearsal.mending import mend_contract
from polster.rehearsal.sampling import (
    CannotSampleError,
    sample_contract,
    seed_of,
)
from polster.rehearsal.verdicts import keeps_every_rule

if TYPE_CHECKING:
    import dataframely as dy


class StandIns:
    """Samples rows from the contracts of silver and gold where their functions returned no good.

    Attributes:
        rows: What was sampled, by asset.
        missing: Why nothing could be, by asset.
    """

    def __init__(self, loaded: Mapping[AssetKey, LoadedAsset], *, rows: int, seed: int) -> None:
        self.loaded = loaded
        self.rows: dict[AssetKey, pl.DataFrame] = {}
        self.missing: dict[AssetKey, str] = {}
        self._count = rows
        self._seed = seed
        self._pools = KeyPools()

    def add(self, graph: AssetGraph, published: Collection[AssetKey]) -> bool:
        """Sample rows for assets above bronze that have none, those first that others stand on.

        Args:
            graph: The project's assets.
            published: Assets whose tables have rows.

        Returns:
            Whether rows were found that a function may read now.
        """
        known = {*published, *self.rows, *self.missing}
        fresh = {key for key in self.loaded if key.layer is not Layer.BRONZE and key not in known}
        ready = [key for key in fresh if not graph.ancestors([key]) & fresh]
        for key in sorted(ready, key=self._width):
            self._sample(key)
        return bool(ready)

    def _width(self, key: AssetKey) -> tuple[int, AssetKey]:
        """Sort tables with short keys first, since others refer to them."""
        keys = list(self._keys(key))
        return (len(keys[0]) if keys else 1000, key)

    def _keys(self, key: AssetKey) -> Iterator[tuple[str, ...]]:
        contract = self.loaded[key].function.contract
        if contract is not None:
            yield from (rule.columns for rule in unique_rules(contract))

    def _sample(self, key: AssetKey) -> None:
        asset, contract = self.loaded[key].asset, self.loaded[key].function.contract
        if contract is None:
            self.missing[key] = "it has no contract"
            return
        own = next(self._keys(key), ())
        seed = seed_of(self._seed, str(key))
        given = self._pools.draw(contract, own, self._count, seed)
        try:
            try:
                rows = sample_contract(contract, self._count, seed=seed, given=given)
            except CannotSampleError:
                rows = self._without_pools(contract, seed)
            terms = settle_terms(asset, contract, rows.schema)
            rows = rows.filter(keeps_every_rule(terms, rows))
        except (AssetError, CannotSampleError, pl.exceptions.PolarsError) as error:
            self.missing[key] = f"no rows that keep its contract were found: {error}"
            return
        if not rows.height:
            self.missing[key] = "no rows that keep its contract were found"
            return
        self.rows[key] = rows
        self._pools.add(own, rows)

    def _without_pools(self, contract: type[dy.Schema], seed: int) -> pl.DataFrame:
        """Sample rows that share no key with others; some still tell more than none."""
        try:
            return sample_contract(contract, self._count, seed=seed)
        except CannotSampleError:
            return mend_contract(contract, self._count, seed=seed)
