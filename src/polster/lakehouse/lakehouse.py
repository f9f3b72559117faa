"""A lakehouse: the tables of one environment of one project."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from polster.lakehouse.ledger import Ledger, from_row
from polster.lakehouse.live import LiveRuns
from polster.lakehouse.quarantine import Quarantine
from polster.lakehouse.releases import Releases
from polster.lakehouse.store import Store
from polster.lakehouse.table import Commit, Table, TableVersion
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.record import AssetRecord

OPENING_THREADS = 8
COMMITS_LOOKED_AT = 50
HARMLESS = ("OPTIMIZE", "VACUUM START", "VACUUM END", "ADD COLUMN")
"""Operations after which a table still holds the rows that Polster published."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a commit of Polster says of itself.

    Attributes:
        record: What the run did.
        run_id: The run.
        version: The commit.
        batch: For snapshot bronze, the batch that it landed; else empty.
        content: For snapshot bronze, a digest of the rows landed, order ignored; else empty.
        source: For bronze that scans one file, a digest of that file; else empty.
    """

    record: AssetRecord
    run_id: str
    environment: str
    version: int
    batch: str
    content: str
    source: str


class Lakehouse:
    """The tables of one environment.

    Args:
        store: Where it lies.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.ledger = Ledger(store)
        self.live = LiveRuns(store)
        self.releases = Releases(store)

    def table(self, key: AssetKey) -> Table:
        """Return the table of an asset, which may not exist yet."""
        return Table(self.store, self.store.uri(key.layer, key.name), key)

    def quarantine(self, key: AssetKey) -> Quarantine:
        """Return the quarantine of an asset, which may not exist yet."""
        return Quarantine.of(self.store, key)

    def versions(self, keys: Iterable[AssetKey]) -> dict[AssetKey, int]:
        """Return the newest version of each table that exists, as cheaply as the store allows."""
        wanted = list(keys)
        if self.store.is_local:
            found = [self.store.latest_version(self.table(key).uri) for key in wanted]
        else:
            with ThreadPoolExecutor(OPENING_THREADS) as pool:
                opened = list(pool.map(lambda key: self.table(key).open(), wanted))
            found = [table.version if table else None for table in opened]
        return {
            key: version for key, version in zip(wanted, found, strict=True) if version is not None
        }

    def pin(self, key: AssetKey, version: int | None = None) -> TableVersion | None:
        """Open a version of an asset's table as readers get it; None if there is no table."""
        table = self.table(key).open(version)
        if table is None or key.layer is not Layer.BRONZE:
            return table
        return as_read(table, self.published(table))

    def published(self, table: TableVersion) -> Published | None:
        """Read the newest commit of Polster up to ``table``'s version.

        None if Polster never wrote the table, or another program changed it since.
        """
        if table.key is None:
            return None
        for commit in self.table(table.key).history(table, COMMITS_LOOKED_AT):
            if "asset" in commit.metadata:
                return _published(commit)
            if commit.operation not in HARMLESS:
                return None
        return None


def as_read(table: TableVersion, published: Published | None) -> TableVersion:
    """Return ``table`` as readers get it, ``published`` being what its newest commit says.

    Readers of snapshot bronze get the latest batch: the one of the newest commit that landed
    rows.
    """
    return replace(table, batch=published.batch) if published and published.batch else table


def _published(commit: Commit) -> Published:
    metadata = {"version": commit.version, **commit.metadata}
    return Published(
        record=from_row(metadata | {"version": commit.version}),
        run_id=str(metadata["run_id"]),
        environment=str(metadata["environment"]),
        version=commit.version,
        batch=str(metadata["batch"]),
        content=str(metadata["content"]),
        source=str(metadata.get("source", "")),
    )
