"""A lakehouse: the tables of one environment of one project."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice, takewhile
from types import MappingProxyType

from polster.errors import LakehouseError
from polster.lakehouse.acknowledgements import Acknowledgements
from polster.lakehouse.ledger import RECENT, Ledger
from polster.lakehouse.live import LiveRuns
from polster.lakehouse.pin import Pin
from polster.lakehouse.quarantine import Quarantine
from polster.lakehouse.quick_check import (
    QuickCheck,
    oldest_version,
    quick_check,
    quick_check_in_store,
)
from polster.lakehouse.releases import Releases
from polster.lakehouse.rewriting import Unfinished, is_rewrite, unfinished
from polster.lakehouse.set_aside import SetAside
from polster.lakehouse.store import Store
from polster.lakehouse.table import ADOPTED, Commit, Table, is_merge, published_version
from polster.lakehouse.table_version import METADATA_PREFIX, TableVersion
from polster.lakehouse.written_records import from_row
from polster.model.asset import BATCH_COLUMN, AssetKey
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus, Fingerprint

OPENING_THREADS = 8
NOTHING_EXPECTED: Mapping[AssetKey, int] = MappingProxyType({})
HARMLESS = (
    "OPTIMIZE",
    "VACUUM START",
    "VACUUM END",
    "ADD COLUMN",
    "ADD FEATURE",
    "SET TBLPROPERTIES",
    "UPDATE FIELD METADATA",
    "UPDATE TABLE METADATA",
)
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
        source: For bronze, what its source wants to be told next time; of a frame that is known
            before it is computed, a digest; else empty.
        asked: Whether a source said what was new, and no frame.
        types: For snapshot bronze, the dtypes of the batch that are not those that its table
            remembers, as text by column.
    """

    record: AssetRecord
    run_id: str
    environment: str
    version: int
    batch: str
    content: str
    source: str
    asked: bool = False
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def sent(self) -> frozenset[str] | None:
        """Return the columns that were published; None if that is not recorded."""
        lineage = self.record.lineage
        return frozenset(lineage.columns) if lineage else None


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose a table is.

    Attributes:
        asset: Key of the asset that Polster made it for, or that it was taken over for; empty if
            nothing says that it is one of Polster's.
        changes: What other programs did to it since Polster's last commit, newest first; what
            leaves every row as it is does not count.
    """

    asset: str
    changes: tuple[str, ...]


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
        self.acknowledgements = Acknowledgements(store)

    def table(self, key: AssetKey) -> Table:
        """Return the table of an asset, which may not exist yet."""
        return Table(self.store, self.store.uri(key.layer, key.name), key)

    def quarantine(self, key: AssetKey) -> Quarantine:
        """Return the quarantine of an asset, which may not exist yet."""
        return Quarantine.of(self.store, key)

    def set_aside(self, key: AssetKey) -> SetAside:
        """Return the files of an asset of bronze that could not be read."""
        return SetAside.of(self.store, key)

    def standing_runs(self, key: AssetKey) -> list[str]:
        """Return the runs that made the table of ``key`` what it is, newest first.

        They go back to the last that made all of it. What the ledger does not know yet is no part.
        """
        found: list[str] = []
        for newest in (RECENT, None):  # few go back to the beginning
            found.clear()
            for run_id, is_whole in self.ledger.publishers(key, newest=newest):
                found.append(run_id)
                if is_whole:
                    return found
        return found

    def published_by(
        self, runs: Collection[str], table: TableVersion, fingerprint: Fingerprint
    ) -> list[str]:
        """Return those of ``runs`` that published into a table by code of this fingerprint.

        After a kill the ledger does not know the newest yet; the table itself does.
        """
        key, newest = table.key, self.published(table)
        known: dict[str, Fingerprint | None] = {}
        for recent in (RECENT, None):  # few are older
            for run_id, record in self.ledger.records(key, newest=recent) if key else ():
                is_published = record.status is AssetStatus.PUBLISHED
                known[run_id] = record.fingerprint if is_published else None
            if newest is not None:
                known[newest.run_id] = newest.record.fingerprint
            if known.keys() >= set(runs):
                break
        return [run_id for run_id in runs if known.get(run_id) == fingerprint]

    def versions(
        self, keys: Iterable[AssetKey], expected: Mapping[AssetKey, int] = NOTHING_EXPECTED
    ) -> dict[AssetKey, int]:
        """Return the newest version of each table that exists, as cheaply as the store allows.

        Args:
            keys: Whose tables.
            expected: Where the newest is another, it is looked at whether it only merged files.

        Raises:
            LakehouseError: A table cannot be read.
        """
        if not self.store.is_local:
            return {key: check.version for key, check in self.quick_checks(keys).items()}
        listed = {key: self.store.latest_version(self.table(key).uri) for key in keys}
        found = {key: version for key, version in listed.items() if version is not None}
        others = [key for key in found if expected.get(key, found[key]) != found[key]]
        checks = self.quick_checks(others)
        return found | {key: check.version for key, check in checks.items()}

    def oldest_versions(self, keys: Iterable[AssetKey]) -> dict[AssetKey, int]:
        """Return the oldest version of each table that upkeep left to be read.

        In an object store it removes none, so that there is no entry.
        """
        if not self.store.is_local:
            return {}
        found = {key: oldest_version(self.table(key).uri) for key in keys}
        return {key: version for key, version in found.items() if version is not None}

    def quick_checks(self, keys: Iterable[AssetKey]) -> dict[AssetKey, QuickCheck]:
        """Check each table that exists, as far as the store allows it cheaply.

        In an object store its log is listed, and its newest commit read; its files are not asked
        for.

        Raises:
            LakehouseError: A table of an object store cannot be read.
        """
        wanted = list(keys)
        if self.store.is_local:
            found = [quick_check(self.table(key).uri) for key in wanted]
        else:
            with ThreadPoolExecutor(OPENING_THREADS) as pool:
                found = list(pool.map(self._newest_commit, wanted))
        return {key: check for key, check in zip(wanted, found, strict=True) if check}

    def _newest_commit(self, key: AssetKey) -> QuickCheck | None:
        table = self.table(key)
        if check := quick_check_in_store(self.store, table.uri):
            return check
        opened = table.open()
        if opened is None:
            return None
        newest = next(self._history(opened), None)
        if newest is not None and (version := published_version(newest)) != newest.version:
            log = islice(self._history(opened), newest.version - version + 1)
            newest = next((commit for commit in log if commit.version == version), newest)
        return QuickCheck(newest.version if newest else opened.version, newest)

    def pin(self, key: AssetKey, version: int | None = None) -> TableVersion | None:
        """Open a version of an asset's table as readers get it; None if there is no table."""
        table = self.table(key).open(version)
        if table is None or key.layer is not Layer.BRONZE:
            return table
        published = self.published(table)
        left = self.unfinished(table, published)
        return self.as_read(left.before if left else table, published)

    def read(self, pin: Pin) -> TableVersion:
        """Open what was pinned, in this process or another.

        Raises:
            LakehouseError: The table cannot be read, or has no such version any more.
        """
        if isinstance(pin, TableVersion):
            return pin
        table = Table(self.store, pin.uri, pin.key).open(pin.version)
        if table is None:
            raise LakehouseError(
                f"the table of `{pin.key}` is gone",
                code="POL401",
                place=pin.uri,
                hint="run it again",
            )
        batch, counted, sent, types = pin.batch, pin.counted, pin.sent, pin.types
        return replace(table, batch=batch, counted=counted, sent=sent, types=types)

    def as_read(self, table: TableVersion, published: Published | None) -> TableVersion:
        """Return ``table`` as readers get it, ``published`` being what its newest commit says.

        Readers of snapshot bronze get the latest batch: the one of the newest commit that landed
        rows; where another program changed the table since, or the log does not go back so far, of
        the newest whose rows are there.
        """
        batch = published.batch if published else self._newest_batch(table)
        if not batch:
            return table
        sent, types = (published.sent, published.types) if published else (None, {})
        return replace(table, batch=batch, sent=sent, types=types)

    def _newest_batch(self, table: TableVersion) -> str:
        """Return the batch of a snapshot that landed last; empty if no partition is a batch.

        The log says it, and where that was cleaned the ledger. Where neither does, the batches do
        by their names, which begin with the time of reading; the times of the files do not, as
        compaction writes old rows anew.
        """
        column = f"partition.{BATCH_COLUMN}"
        files = table.files
        there: set[str] = set()
        if column in files.columns:
            there = set(files[column].drop_nulls())
        if not there:
            return ""
        for commit in self._history(table):
            if (batch := str(commit.metadata.get("batch", ""))) in there:
                return batch
        for run_id, record in self.ledger.records(table.key) if table.key else ():
            if record.status is not AssetStatus.PUBLISHED or record.version is None:
                continue
            batch = record.batches[0] if record.batches else run_id
            has_rows = batch in there or not record.rows_published
            if record.version <= table.version and has_rows:
                return batch
        return max(there)

    def published(self, table: TableVersion) -> Published | None:
        """Read the newest commit of Polster up to ``table``'s version.

        None if Polster never wrote the table, another program changed it since, or the log does
        not go back so far.
        """
        if table.key is None:
            return None
        newest = next(self._not_harmless(table), None)
        return _published(newest) if newest and "asset" in newest.metadata else None

    def publications(self, table: TableVersion) -> Iterator[Published]:
        """Read what Polster published into ``table``, newest first, as far as the log goes back."""
        for commit in self._history(table):
            if commit.metadata.get("asset") == str(table.key) and not is_harmless(commit):
                yield _published(commit)

    def unfinished(self, table: TableVersion, published: Published | None) -> Unfinished | None:
        """Tell whether a kill left ``table`` half rewritten, ``published`` being what it holds."""
        if table.key is None or (published is not None and published.version == table.version):
            return None
        passed = takewhile(is_harmless, self._history(table))
        return unfinished(self.table(table.key), table, passed)

    def origin(self, table: TableVersion) -> Origin:
        """Find out whose table lies in the place of an asset's, and who changed it last."""
        marked = str(table.delta.metadata().name or "")
        changes: list[str] = []
        for commit in self._not_harmless(table):
            owner = commit.metadata.get("asset") or commit.metadata.get(ADOPTED)
            if owner:
                return Origin(str(owner), tuple(changes))
            changes.append(f"{commit.operation or 'a commit'} at version {commit.version}")
        is_ours = marked.startswith(METADATA_PREFIX)
        return Origin(marked.removeprefix(METADATA_PREFIX) if is_ours else "", tuple(changes))

    def _not_harmless(self, table: TableVersion) -> Iterator[Commit]:
        """Read the commits up to ``table``'s version that say more than that its rows stayed."""
        for commit in self._history(table):
            if ADOPTED in commit.metadata or not is_harmless(commit):
                yield commit

    def _history(self, table: TableVersion) -> Iterator[Commit]:
        return Table(self.store, table.uri).history(table)


def is_harmless(commit: Commit) -> bool:
    """Tell whether the table still holds the rows of the commit before."""
    return commit.operation in HARMLESS or is_rewrite(commit) or is_merge(commit)


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
        asked=bool(metadata.get("asked", False)),
        types=json.loads(metadata.get("types") or "{}"),
    )
