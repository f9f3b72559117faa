"""Landing a bronze batch: audit columns, and a digest by which an identical snapshot is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from threading import Lock

import polars as pl

from polster.errors import AssetError
from polster.lakehouse.table import BATCH_COLUMN, TableVersion
from polster.lakehouse.types import (
    is_stored_as,
    read_schema,
    same_but_case,
    storage_schema,
    widened,
)
from polster.model.asset import Asset, Load

INGESTED_COLUMN = "_ingested_at"
SOURCE_COLUMN = "_source"
DIGEST_RANGE = 1 << 64
DIGEST_SEEDS = (1, 2)


@dataclass(slots=True)
class BatchLanding:
    """Follows one bronze batch while it streams by, on several threads at once.

    Attributes:
        batch: Identifier of the batch, the run's.
        at: When the run started.
        source: Where the rows come from.
        in_folder: Whether the batch is a partition of the table, and its column not in the files.
    """

    batch: str
    at: datetime
    source: str
    in_folder: bool
    rows: int = 0
    _digests: list[int] = field(default_factory=lambda: [0] * len(DIGEST_SEEDS))
    _returned: pl.Schema = field(default_factory=pl.Schema)
    _lock: Lock = field(default_factory=Lock)

    def see(self, batch: pl.DataFrame) -> None:
        """Take the rows into the digest; their order does not matter."""
        digests = [
            int(batch.hash_rows(seed=seed).cast(pl.Int128).sum()) if batch.height else 0
            for seed in DIGEST_SEEDS
        ]
        with self._lock:
            self.rows += batch.height
            self._returned = batch.schema
            for index, digest in enumerate(digests):
                self._digests[index] = (self._digests[index] + digest) % DIGEST_RANGE

    def finish(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Add the audit columns."""
        audit: dict[str, pl.Expr] = {
            INGESTED_COLUMN: pl.lit(self.at).cast(pl.Datetime("us", "UTC")),
            SOURCE_COLUMN: pl.lit(self.source, pl.String),
        }
        if not self.in_folder:
            audit[BATCH_COLUMN] = pl.lit(self.batch, pl.String)
        return batch.with_columns(**audit)

    def content(self, schema: pl.Schema) -> str:
        """Return the digest of what was seen: columns, types, rows, and Polars' version.

        Types as returned belong to it too: two enumerations may hash their words alike.

        The version belongs to it because Polars may hash otherwise in another; then one
        identical batch lands once more, and nothing is lost.
        """
        both = [*schema.items(), *self._returned.items()]
        named = "\n".join(f"{name}\t{dtype}" for name, dtype in both)
        columns = blake2b(named.encode(), digest_size=8).hexdigest()
        digests = "-".join(f"{digest:016x}" for digest in self._digests)
        return f"{pl.__version__}|{self.rows}|{digests}|{columns}"


@dataclass(frozen=True, slots=True)
class LandingPlan:
    """How a batch goes into the table as it is.

    Attributes:
        file_schema: Columns of the staged files.
        types: What readers get of the columns that arrive.
        new_columns: Columns that the table does not have yet.
        partition: The partition that the batch is, if it is one.
        notes: What the user should know.
    """

    file_schema: pl.Schema
    types: pl.Schema
    new_columns: pl.Schema
    partition: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def table_columns(self) -> pl.Schema:
        """Return the columns of the files and of the partition."""
        return pl.Schema({**self.file_schema, **dict.fromkeys(self.partition, pl.String())})


def plan_landing(
    asset: Asset, arriving: pl.Schema, table: TableVersion | None, batch: str
) -> LandingPlan:
    """Compare a batch with the table that it goes to. Bronze never rewrites what it holds.

    New columns are added; missing ones are null; a column keeps its type, and takes values of
    another type only if none can be lost.

    Raises:
        AssetError: A column has changed to a type that the table cannot hold, or its name from
            upper to lower case.
    """
    stored = storage_schema(arriving, place=asset.place)
    existing = pl.Schema() if table is None else table.stored_schema
    partitioned = (
        asset.options.load is Load.SNAPSHOT
        if table is None
        else BATCH_COLUMN in table.delta.metadata().partition_columns
    )
    clashes = [
        f"`{name}` was {existing[name]} and arrives as {dtype}"
        for name, dtype in arriving.items()
        if name in existing and not widened(existing[name], dtype)
    ]
    clashes += [
        f"a column comes in another spelling: {twins}"
        for twins in same_but_case(dict.fromkeys([*existing, *stored]))
    ]
    if clashes:
        raise AssetError(
            f"the source changed its columns: {'; '.join(clashes)}; bronze never rewrites what it "
            "holds, so nothing was landed",
            code="POL406",
            place=asset.place,
            hint="read the column as it was (schema_overrides=…), or land the new form under a "
            "new name",
        )
    types = {name: existing.get(name, dtype) for name, dtype in stored.items()}
    types |= {INGESTED_COLUMN: pl.Datetime("us", "UTC"), SOURCE_COLUMN: pl.String()}
    if not partitioned:
        types[BATCH_COLUMN] = pl.String()
    new = {name: dtype for name, dtype in types.items() if existing and name not in existing}
    gone = [name for name in existing if name not in types and name != BATCH_COLUMN]
    notes = []
    if new:
        notes.append(f"new in the source: {', '.join(new)}")
    if gone:
        notes.append(f"no longer in the source, null from now on: {', '.join(gone)}")
    return LandingPlan(
        pl.Schema(types),
        _types_read(asset, arriving, types, pl.Schema() if table is None else table.schema),
        pl.Schema(new),
        {BATCH_COLUMN: batch} if partitioned else {},
        tuple(notes),
    )


def _types_read(
    asset: Asset, arriving: pl.Schema, stored: Mapping[str, pl.DataType], before: pl.Schema
) -> pl.Schema:
    """Return the types that readers get of the columns that arrive.

    Readers of a snapshot get what arrived last; those of several batches get a type that all
    were stored in, where the batches do not agree on another.
    """
    snapshot = asset.options.load is Load.SNAPSHOT
    types = {
        name: dtype
        if is_stored_as(dtype, stored[name]) and (snapshot or before.get(name, dtype) == dtype)
        else stored[name]
        for name, dtype in read_schema(arriving).items()
    }
    return pl.Schema(types)
