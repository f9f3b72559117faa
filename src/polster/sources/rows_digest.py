"""A digest of rows in whatever order, by which the same rows are known when they come again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock

import polars as pl

RANGE = 1 << 64
SEEDS = (1, 2)


@dataclass(slots=True)
class RowsDigest:
    """Filled batch by batch, on several threads at once.

    Attributes:
        rows: How many were seen.
        columns: What they have, in the types in which they came.
    """

    rows: int = 0
    columns: pl.Schema = field(default_factory=pl.Schema)
    _sums: list[int] = field(default_factory=lambda: [0] * len(SEEDS))
    _lock: Lock = field(default_factory=Lock)

    def see(self, batch: pl.DataFrame) -> None:
        """Take rows in."""
        sums = [
            int(batch.hash_rows(seed=seed).cast(pl.Int128).sum()) if batch.height else 0
            for seed in SEEDS
        ]
        with self._lock:
            self.rows += batch.height
            self.columns = batch.schema
            for index, each in enumerate(sums):
                self._sums[index] = (self._sums[index] + each) % RANGE

    def text(self, stored: Mapping[str, pl.DataType] | None = None) -> str:
        """Return the digest of what was seen: columns, types, rows, and Polars' version.

        Types as returned belong to it beside those that are stored: two enumerations may hash their
        words alike. The version does because Polars may hash otherwise in another; then one
        identical batch lands once more, and nothing is lost.

        Args:
            stored: Columns that the rows are stored in, if they are.
        """
        both = [*(stored or {}).items(), *self.columns.items()]
        named = "\n".join(f"{name}\t{dtype}" for name, dtype in both)
        columns = blake2b(named.encode(), digest_size=8).hexdigest()
        sums = "-".join(f"{each:016x}" for each in self._sums)
        return f"{pl.__version__}|{self.rows}|{sums}|{columns}"
