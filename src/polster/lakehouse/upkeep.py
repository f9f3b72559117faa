"""Keeping a lakehouse in order: small files merged, and what nobody needs any more removed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
from deltalake.exceptions import DeltaError

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.change import TableFile
from polster.lakehouse.expiring import Expired, Needs, expired, remove, size_of
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.merging import MOST_BYTES, merge, mergeable
from polster.lakehouse.store import LOG_FOLDER, said_by_store
from polster.lakehouse.table import Table, wait_for_others
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import BATCH_COLUMN, AssetKey
from polster.model.live import LiveRun
from polster.model.upkeep import Retention, Size, TableUpkeep

READING = timedelta(minutes=5)
"""Who reads without telling anybody, or begins to run, has so much time at least."""
FORGOTTEN = timedelta(days=1)
"""A run elsewhere that gave no sign of life for so long is over."""
ATTEMPTS = 3
"""How often files are merged again after a run was faster; else they wait for the next time."""
OWN_BYTES = 1024 * 1024
"""A merged file of a table of Polster's own, of which mostly the newest rows are read."""
LOCK = ("_polster", "upkeep.lock")


@dataclass(frozen=True, slots=True)
class _Target:
    """A table as upkeep finds it.

    Attributes:
        holds: The version of Polster whose rows it has; None for Polster's own tables.
        batch: Of a snapshot, the newest; earlier ones may share files, and stay as they are;
            else empty.
    """

    name: str
    table: Table
    newest: TableVersion
    holds: int | None
    batch: str = ""

    @property
    def files(self) -> list[TableFile]:
        """Return the files that may be merged."""
        files = self.newest.every_file
        if not self.batch:
            return files
        return [file for file in files if file.partition.get(BATCH_COLUMN) in (None, self.batch)]


@dataclass
class Upkeep:
    """One upkeep of a lakehouse, table by table.

    Attributes:
        id: Who keeps it up, for the history.
        fewest: So many small files at least are merged.
        dry_run: Whether nothing is changed.
    """

    lakehouse: Lakehouse
    id: str
    retention: Retention = field(default_factory=Retention)
    fewest: int = 2
    dry_run: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        live = self.lakehouse.live.all()
        self._ended = {run.run_id for run in live if self._is_over(run)}
        going = [run for run in live if not self._is_over(run)]
        self._running = {run.run_id for run in going}
        quiet = self.now - READING
        self._begun = min([quiet, *(run.started_at for run in going)])
        self._released: dict[AssetKey, int] = {}
        for release in self.lakehouse.releases.all(self.retention.releases):
            for key, version in release.versions.items():
                self._released[key] = min(version, self._released.get(key, version))

    def asset(self, key: AssetKey) -> list[TableUpkeep]:
        """Keep up the table of an asset, and its quarantine."""
        place = f"quarantine/{key.layer}/{key.name}"
        return [
            *self._each(str(key), self.lakehouse.table(key), key),
            *self._each(place, self.lakehouse.quarantine(key).table),
        ]

    def own(self) -> list[TableUpkeep]:
        """Keep up the ledger, the releases and the acknowledgements."""
        lakehouse = self.lakehouse
        return [
            *self._each("_polster/runs", lakehouse.ledger.table),
            *self._each("_polster/releases", lakehouse.releases.table),
            *self._each("_polster/acknowledgements", lakehouse.acknowledgements.table),
        ]

    def _each(self, name: str, table: Table, key: AssetKey | None = None) -> list[TableUpkeep]:
        try:
            return self._keep_up(name, table, key)
        except LakehouseError as error:
            return [TableUpkeep(name, problem=error.message)]
        except (DeltaError, pl.exceptions.PolarsError, OSError, ValueError) as error:
            return [TableUpkeep(name, problem=said_by_store(error))]

    def _keep_up(self, name: str, table: Table, key: AssetKey | None) -> list[TableUpkeep]:
        target = self._find(name, table, key)
        if target is None:
            return []
        before = self._size(target)
        done = replace(self._merged(target, key), before=before)
        if not table.store.is_local:  # of a store nothing is deleted
            return [replace(done, after=self._size_after(target, done, Expired()))]
        # Once more: what is needed is asked after the merge
        target = self._find(name, table, key) or target
        found = expired(table, self._needs(key, target))
        after = self._size_after(target, done, found)
        if not self.dry_run:
            remove(table, found)
            after = size_of(table)
        return [
            replace(
                done,
                after=after,
                removed=len(found.files),
                leftovers=found.leftovers,
                commits=found.commits,
            )
        ]

    def _find(self, name: str, table: Table, key: AssetKey | None) -> _Target | None:
        """Open a table; None if there is none, or another program or a kill left it unclear."""
        newest = table.open()
        if newest is None or newest.unknown_features:
            return None
        if key is None:
            return _Target(name, table, newest, None)
        published = self.lakehouse.published(newest)
        if published is None or published.record.asset != key:
            return None
        if self.lakehouse.unfinished(newest, published):
            return None
        return _Target(name, table, newest, published.version, published.batch)

    def _merged(self, target: _Target, key: AssetKey | None) -> TableUpkeep:
        unchanged = TableUpkeep(target.name)
        for attempt in range(ATTEMPTS):
            most = OWN_BYTES if target.holds is None else MOST_BYTES
            groups = mergeable(target.files, self.fewest, most)
            if not groups:
                return unchanged
            merged = sum(map(len, groups))
            if self.dry_run:
                return replace(unchanged, merged=merged, into=len(groups))
            with suppress(ConflictError):
                self._merge(target, groups)
                return replace(unchanged, merged=merged, into=len(groups))
            wait_for_others(attempt)
            found = self._find(target.name, target.table, key)
            if found is None:
                return unchanged
            target = found
        return unchanged

    def _merge(self, target: _Target, groups: list[list[TableFile]]) -> TableVersion:
        return merge(target.table, target.newest, groups, upkeep_id=self.id, holds=target.holds)

    def _needs(self, key: AssetKey | None, target: _Target) -> Needs:
        if key is None or target.holds is None:
            return Needs(self._begun, None, self._begun, self._has_ended)
        version = min(target.holds, self._released.get(key, target.holds))
        since = min(self._begun, self.now - self.retention.keep)
        return Needs(since, version, self._begun, self._has_ended)

    def _has_ended(self, run_id: str) -> bool:
        if run_id in self._running:
            return False
        if run_id not in self._ended and self.lakehouse.ledger.known([run_id]):
            self._ended.add(run_id)
        return run_id in self._ended

    def _is_over(self, run: LiveRun) -> bool:
        return run.is_killed or self.now - run.updated_at > FORGOTTEN

    def _size(self, target: _Target) -> Size:
        if target.table.store.is_local:
            return size_of(target.table)
        files = target.newest.every_file
        return Size(len(files), sum(file.size_bytes for file in files))

    def _size_after(self, target: _Target, done: TableUpkeep, found: Expired) -> Size:
        """Foretell what will lie there: merged files as large as those that they are made of."""
        if not target.table.store.is_local:
            fewer = done.merged - done.into
            return Size(done.before.files - fewer, done.before.size_bytes)
        log = tuple(f"{LOG_FOLDER}/{name}" for name in found.log)
        gone = size_of(target.table, (*found.files, *log))
        files = done.before.files + done.into - gone.files
        return Size(files, done.before.size_bytes - gone.size_bytes)


@contextmanager
def alone(lakehouse: Lakehouse) -> Iterator[bool]:
    """Keep other upkeeps of a local lakehouse away; the end of the process ends that, too.

    Yields:
        Whether there is no other.
    """
    if not lakehouse.store.is_local or sys.platform == "win32":
        yield True
        return
    import fcntl  # only there where it is needed

    path = Path(lakehouse.store.uri(*LOCK))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
