"""Keys that sampled tables share, so that joins between them find something."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.rules import contract_columns, contract_rules
from polster.rehearsal.sampling import pick, seed_of

if TYPE_CHECKING:
    import dataframely as dy


@dataclass(slots=True)
class KeyPools:
    """The keys of the tables sampled so far.

    A table whose columns have the names and types of another one's primary key refers to it.
    """

    pools: list[pl.DataFrame] = field(default_factory=list)

    def add(self, key: Sequence[str], rows: pl.DataFrame) -> None:
        """Let other tables refer to the columns ``key`` of ``rows``; without a key to nothing."""
        if key and rows.height:
            self.pools.append(rows.select(key).unique(maintain_order=True))

    def draw(
        self, contract: type[dy.Schema], key: Sequence[str], rows: int, seed: int
    ) -> dict[str, pl.Series]:
        """Draw values for the columns of ``contract`` that refer to other tables.

        Args:
            contract: Of the table to be sampled.
            key: Its own key; what is drawn for the whole of it is drawn once.
            rows: How many of each.
            seed: The same seed draws the same.
        """
        types = {name: column.dtype for name, column in contract_columns(contract).items()}
        given: dict[str, pl.Series] = {}
        for pool in sorted(self.pools, key=lambda each: -each.width):
            fits = all(types.get(name) == dtype for name, dtype in pool.schema.items())
            if not fits or given.keys() & set(pool.columns):
                continue
            allowed = _allowed(contract, pool)
            own_seed = seed_of(seed, *pool.columns)
            if set(key) <= set(pool.columns) and key:
                if allowed.height < rows:
                    continue
                drawn = allowed[pick(allowed.height, rows, own_seed)]
            elif allowed.height:
                drawn = allowed[pick(allowed.height, rows, own_seed, again=True)]
            else:
                continue
            given |= {column.name: column for column in drawn}
        return given


def _allowed(contract: type[dy.Schema], pool: pl.DataFrame) -> pl.DataFrame:
    """Return the keys of ``pool`` that the rules of ``contract`` let stand."""
    for rule in contract_rules(contract).rows:
        if rule.columns and set(rule.columns) <= set(pool.columns):
            pool = pool.filter(rule.holds.fill_null(True))
    return pool
