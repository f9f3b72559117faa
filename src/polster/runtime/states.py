"""What is published now, from the ledger and, where that does not know, from the tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from polster.errors import LakehouseError
from polster.lakehouse.lakehouse import Lakehouse, Origin, Published
from polster.lakehouse.ledger import Recorded
from polster.lakehouse.quick_check import QuickCheck, data_damage
from polster.lakehouse.set_aside import SetAside
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AssetKey, Load
from polster.model.decision import TableState
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus, Failure, Fingerprint
from polster.model.set_aside import SetAsideFile
from polster.model.standing import StandingWarning

SHOWN = 3
"""So many files are named in a warning."""


@dataclass(frozen=True, slots=True)
class States:
    """The state of every table at one moment.

    Attributes:
        tables: State by key; no entry means that there is no table.
        published: The record of each current version, where Polster knows it.
        runs: The run that published it, of those.
        unrecorded: What commits say that the ledger does not: the run was killed in between.
        deleted: By the ledger, the last version of each table that was published and is gone.
    """

    tables: dict[AssetKey, TableState]
    published: dict[AssetKey, AssetRecord]
    runs: dict[AssetKey, str] = field(default_factory=dict)
    unrecorded: list[Published] = field(default_factory=list)
    deleted: dict[AssetKey, int] = field(default_factory=dict)


def read_states(
    lakehouse: Lakehouse, keys: Iterable[AssetKey], *, every_file: Collection[AssetKey] = ()
) -> States:
    """Read the state of the tables of ``keys``.

    The ledger is one table and says nearly everything; only a table whose newest version it
    does not know is opened.

    Args:
        lakehouse: Where they lie.
        keys: Whose tables.
        every_file: Of these, local tables are opened, and every file is looked for, not only
            those of the newest commit.
    """
    wanted = list(keys)
    return _Reader(lakehouse, wanted, lakehouse.quick_checks(wanted)).read(every_file)


def unrecorded(lakehouse: Lakehouse, tables: Mapping[AssetKey, TableVersion]) -> list[Published]:
    """Return what commits say that the ledger does not, of each table the oldest first.

    Several runs may have been killed one after the other, so that each log is read back to the
    newest commit that the ledger knows.
    """
    found: list[Published] = []
    logs = {key: lakehouse.publications(table) for key, table in tables.items()}
    while logs:
        heads = {key: head for key, log in logs.items() if (head := next(log, None))}
        known = lakehouse.ledger.published({key: head.version for key, head in heads.items()})
        logs = {
            key: logs[key]
            for key, head in heads.items()
            if key not in known or known[key].run_id != head.run_id
        }
        found += [heads[key] for key in logs]
    return found[::-1]


class _Reader:
    """Reads the states once."""

    def __init__(
        self,
        lakehouse: Lakehouse,
        wanted: Collection[AssetKey],
        checks: Mapping[AssetKey, QuickCheck],
    ) -> None:
        self.lakehouse = lakehouse
        self.wanted = wanted
        self.checks = checks
        versions = {key: check.version for key, check in checks.items()}
        self.recorded = lakehouse.ledger.published(versions)
        self.reused = [(str(key), found) for key, found in self.recorded.items() if found.is_reused]
        self.found: dict[AssetKey, Published] = {}
        self.opened: dict[AssetKey, TableVersion] = {}

    def read(self, every_file: Collection[AssetKey]) -> States:
        states = States({}, {})
        for key in self.wanted:
            check = self.checks.get(key)
            state = self._without_log(key) if check is None else self._state(key, check)
            if state is None:
                continue
            if key in every_file and state.is_sound and self.lakehouse.store.is_local:
                state = self._with_every_file(key, state)
            states.tables[key] = state
            if published := self.found.get(key) or self._known(key):
                states.published[key] = published.record
                states.runs[key] = published.run_id
        absent = [key for key in self.wanted if key not in states.tables]
        states.deleted.update(self.lakehouse.ledger.last_versions(absent))
        states.unrecorded.extend(unrecorded(self.lakehouse, self.opened))
        return states

    def _record(self, key: AssetKey) -> AssetRecord | None:
        if key in self.found:
            return self.found[key].record
        known = self._known(key)
        return known.record if known else None

    def _known(self, key: AssetKey) -> Recorded | None:
        """Return what the ledger says of the newest version, if it is the one that lies there."""
        known = self.recorded.get(key)
        commit = self.checks[key].commit if key in self.checks else None
        if known is None or commit is None:
            return known
        says = commit.metadata.get("asset"), commit.metadata.get("run_id")
        return known if says == (str(key), known.run_id) else None

    def _state(self, key: AssetKey, check: QuickCheck) -> TableState:
        if check.damage:
            known = self.recorded.get(key)
            return self._damaged(key, check.version, check.damage, known.record if known else None)
        known = self._known(key)
        if known is not None:
            back = self._put_back(key, known, check.version)
            is_told = back is not None and not self._is_news(key, check.version)
            fingerprint = self._fingerprint(known)
            return TableState(check.version, fingerprint, changes=back, is_told=is_told)
        try:
            table = self.lakehouse.table(key).open(check.version)
        except LakehouseError as error:
            if not self.lakehouse.store.is_local:
                raise
            return self._damaged(key, check.version, error.message, None)
        published = self.lakehouse.published(table) if table else None
        if table is not None and published is not None and published.record.asset == key:
            self.found[key], self.opened[key] = published, table
            return TableState(check.version, published.record.fingerprint)
        return self._changed(key, table) if table else TableState(check.version, None)

    def _changed(self, key: AssetKey, table: TableVersion) -> TableState:
        """Return the state of a table whose newest commit is not one of Polster for ``key``."""
        origin = self.lakehouse.origin(table)
        if refusal := foreign(key, origin, table.uri):
            return TableState(table.version, None, refusal=refusal)
        if key.layer is not Layer.BRONZE or not origin.changes:
            return TableState(table.version, None)
        is_told = not self._is_news(key, table.version)
        return TableState(table.version, None, changes=_changes(origin), is_told=is_told)

    def _put_back(self, key: AssetKey, known: Recorded, version: int) -> str | None:
        """Say that a later version was published, and is not there any more; None if not so."""
        if known.newest <= version:
            return None
        check = self.lakehouse.quick_checks([key]).get(key)
        if check is not None and check.version >= known.newest:  # just published by another run
            return None
        return f"its table was put back to version {version}, and had version {known.newest}"

    def _is_news(self, key: AssetKey, version: int) -> bool:
        """Tell whether the last run did not look at this version, and so tell of the change."""
        last = self.lakehouse.ledger.records(key, 1)
        return not last or last[0][1].version != version

    def _without_log(self, key: AssetKey) -> TableState | None:
        """Return the state of bronze whose log is gone though its files are there; else None."""
        if key.layer is not Layer.BRONZE or not self.lakehouse.store.has_files(
            self.lakehouse.table(key).uri
        ):
            return None
        for _, record in self.lakehouse.ledger.records(key):
            if record.status is AssetStatus.PUBLISHED and record.version is not None:
                return self._damaged(key, record.version, "its log is gone", record)
        return None

    def _with_every_file(self, key: AssetKey, state: TableState) -> TableState:
        try:
            table = self.lakehouse.table(key).open(state.version)
        except LakehouseError as error:
            return self._damaged(key, state.version, error.message, self._record(key))
        damage = data_damage(table) if table else None
        return self._damaged(key, state.version, damage, self._record(key)) if damage else state

    def _damaged(
        self, key: AssetKey, version: int, damage: str, record: AssetRecord | None
    ) -> TableState:
        fingerprint = record.fingerprint if record else None
        if key.layer is not Layer.BRONZE:
            return TableState(version, fingerprint, damage=damage)
        place = self.lakehouse.table(key).uri
        return TableState(version, fingerprint, damage=damage, refusal=lost(damage, place))

    def _fingerprint(self, known: Recorded) -> Fingerprint | None:
        """Return what a version was made from; an input whose number was used anew is another."""
        fingerprint = known.record.fingerprint
        if fingerprint is None:
            return None
        return fingerprint.without_numbers(
            [name for name, found in self.reused if found.commit > known.commit]
        )


def appending(graph: AssetGraph) -> list[AssetKey]:
    """List the bronze that appends: of it, readers get every file there ever was."""
    return [key for key, asset in graph.assets.items() if asset.options.load is Load.APPEND]


def foreign(key: AssetKey, origin: Origin, place: str) -> Failure | None:
    """Say that a table is not the one of ``key``; None if it is."""
    if not origin.asset:
        return Failure(
            "POL414",
            "a table that Polster did not make lies in its place",
            f"move it away, or take it over with: polster run {key} --adopt",
            place,
        )
    if origin.asset != str(key):
        return Failure(
            "POL415",
            f"the table of `{origin.asset}` lies in its place",
            f"move it back, or make it the table of `{key}` with: polster run {key} --adopt",
            place,
        )
    return None


def lost(damage: str, place: str) -> Failure:
    """Say that a bronze table is damaged: what it held cannot be built anew."""
    return Failure(
        "POL413",
        f"{damage}; bronze cannot be built anew from anything, so nothing was landed",
        "see what is left with: polster doctor; bring the files back from a copy, or move the "
        "folder away to begin anew with what the source still has",
        place,
    )


def _changes(origin: Origin) -> str:
    shown = ", ".join(origin.changes[:3])
    more = len(origin.changes) - 3
    return f"another program changed its table: {shown}" + (f" and {more} more" if more > 0 else "")


def standing_warnings(
    lakehouse: Lakehouse,
    published: Mapping[AssetKey, AssetRecord],
    among: Collection[AssetKey],
) -> dict[AssetKey, tuple[StandingWarning, ...]]:
    """Return what is amiss in current versions, acknowledged or not; only assets with warnings.

    So are files that bronze could not read, as long as its source has them.

    Args:
        lakehouse: Holds the acknowledgements.
        published: The record of each current version.
        among: The assets that are asked about, whether they have a version or not.

    Raises:
        LakehouseError: The acknowledgements, or the files that were set aside, cannot be read.
    """
    warnings = {key: record.warnings for key, record in published.items() if key in among}
    for key, files in SetAside.every(lakehouse.store).items():
        if key in among:
            warnings[key] = (*warnings.get(key, ()), *_of_files(key, files))
    return lakehouse.acknowledgements.of(warnings)


def _of_files(key: AssetKey, files: Iterable[SetAsideFile]) -> Iterator[StandingWarning]:
    """Yield a warning for each run that set files aside which are still there."""
    by_run: dict[str, list[SetAsideFile]] = {}
    for each in files:
        if each.is_open:
            by_run.setdefault(each.run_id, []).append(each)
    for run_id, found in by_run.items():
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        shown = "; ".join(f"{each.name}: {each.reason}" for each in found[:SHOWN])
        yield StandingWarning(
            key,
            "POL397",
            "files",
            f"{len(found)} {'file' if len(found) == 1 else 'files'} set aside: {shown}{more}",
            "mend a file where it lies, and it lands with the next run; the bytes are kept, see: "
            f"polster quarantine {key}; if it is right: polster acknowledge {key}",
            run_id,
            datetime.fromisoformat(found[0].at),
        )
