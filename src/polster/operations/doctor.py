"""Examining the lakehouse: every table, its log, its files, and whether the books agree."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import polars as pl

from polster.errors import LakehouseError
from polster.lakehouse.exclusion import ask
from polster.lakehouse.full_check import (
    Log,
    check_files,
    file_names,
    leftovers,
    read_log,
)
from polster.lakehouse.lakehouse import Lakehouse, is_harmless
from polster.lakehouse.ledger import Recorded
from polster.lakehouse.quarantine import RUN_COLUMN
from polster.lakehouse.quick_check import quick_check
from polster.lakehouse.store import reaching
from polster.lakehouse.table import FOREIGN, Table
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AssetKey
from polster.model.finding import Finding, Severity
from polster.model.layer import Layer
from polster.model.record import AssetStatus
from polster.operations.choose import select_or_raise
from polster.operations.open_project import Session
from polster.runtime.states import foreign

APPEND_ONLY = "delta.appendOnly"
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was looked at, and what is wrong with it.

    Attributes:
        tables: Tables that were opened, Polster's own among them.
        files: Data files whose rows were read.
        findings: Errors are wrong now; warnings are worth knowing.
        unchecked: What was not looked at, as clauses.
    """

    tables: int
    files: int
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...] = ()


def doctor(
    session: Session,
    selection: Sequence[str] = (),
    *,
    releases: bool = False,
    store: bool = False,
) -> Diagnosis:
    """Examine the tables of the selected assets, and Polster's own; nothing is changed.

    Every row of every file of their current versions is read once.

    Args:
        session: Whose lakehouse.
        selection: Terms as in :mod:`polster.model.selection`; nothing means everything.
        releases: Whether the versions that releases name are read, too.
        store: Whether the object store is asked if it keeps writers apart.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The selection or the environment does not exist.
        LakehouseError: The store cannot be asked.
    """
    graph = session.graph
    chosen = select_or_raise(graph, selection)
    lakehouse = session.lakehouse
    examination = _Examination(lakehouse, [key for key in graph.assets if key in chosen])
    examination.run(releases=releases)
    is_local = lakehouse.store.is_local
    if store and not is_local and not ask(lakehouse.store):
        examination.findings.insert(0, _not_apart(lakehouse))
    unchecked = () if is_local else ("sizes of files and leftovers, which only a folder tells",)
    return Diagnosis(examination.tables, examination.files, tuple(examination.findings), unchecked)


def _not_apart(lakehouse: Lakehouse) -> Finding:
    return Finding(
        "POL426",
        "the store writes over what is there though it is told not to: it does not keep writers "
        "apart",
        file=lakehouse.store.root,
        hint="runs here refuse to begin while another one is seen; use a store that knows "
        "conditional writes, or a newer version of this one",
    )


@dataclass
class _Examination:
    """One examination, table by table."""

    lakehouse: Lakehouse
    keys: list[AssetKey]
    tables: int = 0
    files: int = 0
    findings: list[Finding] = field(default_factory=list)
    books: dict[AssetKey, list[Recorded]] | None = None
    running: frozenset[str] = frozenset()

    def run(self, *, releases: bool) -> None:
        now = datetime.now(UTC)
        with reaching(self.lakehouse.live.folder):
            live = self.lakehouse.live.all()
        self.running = frozenset(run.run_id for run in live if not run.is_lost(now))
        ledger_is_sound = self._own(self.lakehouse.ledger.table)
        releases_are_sound = self._own(self.lakehouse.releases.table)
        self._own(self.lakehouse.acknowledgements.table)
        if ledger_is_sound:
            self.books = self.lakehouse.ledger.books()
        named = self._released() if releases and releases_are_sound else {}
        for key in self.keys:
            self._asset(key, named.get(key, {}))

    def _own(self, table: Table) -> bool:
        before = len(self.findings)
        opened = self._open(table, None)
        if opened is not None:
            self._check_files(opened, None, set())
            self._check_log(table, None, read_log(table, opened))
        return all(found.severity is not Severity.ERROR for found in self.findings[before:])

    def _asset(self, key: AssetKey, released: Mapping[int, str]) -> None:
        table = self.lakehouse.table(key)
        before = len(self.findings)
        opened = self._open(table, key)
        if opened is None and len(self.findings) == before:
            self._check_absence(key)
        if opened is not None:
            if refusal := foreign(key, self.lakehouse.origin(opened), table.uri):
                self._find(refusal.code, refusal.message, key, table.uri, refusal.hint)
                return
            log = read_log(table, opened)
            known = file_names(opened)
            self._check_files(opened, key, set())
            for version, release in sorted(released.items()):
                self._check_version(table, key, version, release, known)
            self._check_log(table, key, log)
            self._check_properties(opened, key)
            self._check_changes(key, log)
            if self.books is not None:
                self._check_books(key, log)
        quarantine = self.lakehouse.quarantine(key).table
        kept = self._open(quarantine, key)
        if kept is not None:
            self._check_files(kept, key, set())
            self._check_log(quarantine, key, read_log(quarantine, kept))
        if self.books is not None:
            self._check_quarantine(key)

    def _find(
        self,
        code: str,
        message: str,
        key: AssetKey | None,
        place: str,
        hint: str | None,
        severity: Severity = Severity.ERROR,
    ) -> None:
        asset = None if key is None else str(key)
        about = f"`{key}`: " if key is not None else ""
        self.findings.append(
            Finding(code, about + message, asset, place, hint=hint, severity=severity)
        )

    def _damaged(self, message: str, key: AssetKey | None, place: str) -> None:
        self._find("POL413", message, key, place, self._remedy(key, place))

    def _remedy(self, key: AssetKey | None, place: str) -> str:
        if key is not None and place == self.lakehouse.table(key).uri:
            if key.layer is not Layer.BRONZE:
                return f"build it anew with: polster run {key} --full-refresh"
            return (
                "bring it back from a copy; or begin anew, without what it held: move the folder "
                f"away, then polster run {key}"
            )
        if key is not None:
            return (
                "bring it back from a copy; or move the folder away, then judge anew what is "
                f"there: polster run {key} --full-refresh"
            )
        return (
            "bring it back from a copy; or move the folder away: the commits of the tables say "
            "what was published"
        )

    def _open(self, table: Table, key: AssetKey | None) -> TableVersion | None:
        """Open the newest version; None if there is none, or it cannot be read."""
        check = quick_check(table.uri) if table.store.is_local else None
        if check is not None and check.commit is None and check.damage:
            self.tables += 1
            self._damaged(check.damage, key, table.uri)
            return None
        try:
            opened = table.open()
        except LakehouseError as error:
            self.tables += 1
            if error.code == FOREIGN:
                self._find(error.code, error.message, key, table.uri, error.hint)
            else:
                self._damaged(error.message, key, table.uri)
            return None
        self.tables += opened is not None
        return opened

    def _check_files(
        self, version: TableVersion, key: AssetKey | None, known: set[str], of: str = ""
    ) -> None:
        self.files += len(file_names(version) - known)
        for damage in check_files(version, self.lakehouse.store, known):
            self._damaged(damage + of, key, version.uri)

    def _check_version(
        self, table: Table, key: AssetKey, version: int, release: str, known: set[str]
    ) -> None:
        of = f" (version {version}, which release {release} names)"
        try:
            opened = table.open(version)
        except LakehouseError as error:
            self._find("POL413", error.message + of, key, table.uri, self._remedy(key, table.uri))
            return
        if opened is not None:
            self._check_files(opened, key, known, of)
            known |= file_names(opened)

    def _check_log(self, table: Table, key: AssetKey | None, log: Log) -> None:
        for damage in log.damages:
            hint = f", then polster run {key}" if key is not None else ""
            self._find(
                "POL413",
                f"{damage}; what stands on it cannot be trusted",
                key,
                table.uri,
                f"bring it back from a copy; or begin anew: move the folder away{hint}",
            )
        for left in leftovers(table, log, self.running):
            path = f"{table.uri}/{left.pattern}"
            noun = (
                "file that no version names" if left.files == 1 else "files that no version names"
            )
            self._find(
                "POL422",
                f"{left.files} {noun}, {left.size_bytes:,} bytes: {left.pattern}",
                key,
                table.uri,
                f"a run that was killed left them; while nothing runs: {_remove(path)}",
                Severity.WARNING,
            )

    def _check_properties(self, table: TableVersion, key: AssetKey) -> None:
        properties = table.delta.metadata().configuration
        if key.layer is Layer.BRONZE and properties.get(APPEND_ONLY) != "true":
            script = (
                f"from deltalake import DeltaTable; DeltaTable({table.uri!r})"
                f".alter.set_table_properties({{{APPEND_ONLY!r}: 'true'}})"
            )
            self._find(
                "POL417",
                f"other programs may change its rows: `{APPEND_ONLY}` is not set",
                key,
                table.uri,
                f"set it with: python -c {shlex.quote(script)}",
            )

    def _check_changes(self, key: AssetKey, log: Log) -> None:
        """Report what other programs did: to bronze ever, to others since the last publish."""
        ours = [commit.version for commit in log.commits if "asset" in commit.metadata]
        first = ours[0] if key.layer is Layer.BRONZE and ours else max(ours, default=0)
        others = [
            commit
            for commit in log.commits
            if commit.version > first and "asset" not in commit.metadata and not is_harmless(commit)
        ]
        if not others:
            return
        changes = [f"{each.operation or 'a commit'} at version {each.version}" for each in others]
        before = max((version for version in ours if version < others[0].version), default=0)
        more = f" and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
        self._find(
            "POL418",
            f"another program changed its table: {', '.join(changes[-SHOWN:])}{more}",
            key,
            self.lakehouse.table(key).uri,
            f"see what was there before: polster preview {key} --version {before}"
            if key.layer is Layer.BRONZE
            else f"build it anew with: polster run {key}",
            Severity.WARNING,
        )

    def _check_absence(self, key: AssetKey) -> None:
        """Report a table that is not there, though the ledger says that it was published."""
        if self._published(key):
            place = self.lakehouse.table(key).uri
            rest = key.layer is Layer.BRONZE and self.lakehouse.store.has_files(place)
            anew = "move what is left of it away, then" if rest else "begin anew with:"
            hint = f"bring it back from a copy; or {anew} polster run {key}"
            self._find("POL420", "it was published, and there is no table", key, place, hint)

    def _published(self, key: AssetKey) -> list[Recorded]:
        """Return what the ledger says of each version that was published, oldest first."""
        records = (self.books or {}).get(key, [])
        return [found for found in records if found.record.status is AssetStatus.PUBLISHED]

    def _check_books(self, key: AssetKey, log: Log) -> None:
        """Compare the ledger with the commits, as far as the log goes back."""
        commits = {
            commit.version: str(commit.metadata.get("run_id", ""))
            for commit in log.commits
            if "asset" in commit.metadata
        }
        rows = self._published(key)
        known = {(found.record.version, found.run_id) for found in rows}
        place = self.lakehouse.table(key).uri
        absent = [
            version
            for version, run in commits.items()
            if (version, run) not in known and run not in self.running
        ]
        if absent:
            newest = max(commits)
            self._find(
                "POL419",
                f"the ledger does not know who published {_versions(absent)}",
                key,
                place,
                f"record it with: polster run {key}"
                if absent == [newest]
                else "bring the ledger back from a copy; the commits say the same of each version",
                Severity.WARNING,
            )
        if not log.commits:
            return
        begun = _begun_with(rows, commits)
        oldest, last = log.commits[0].version, log.commits[-1].version
        lost = [
            found.record.version
            for found in rows[begun:]
            if found.record.version is not None
            and (found.record.version >= oldest)
            and (found.record.version > last or found.record.version not in commits)
        ]
        if lost:
            self._find(
                "POL420",
                f"the ledger knows {_versions(lost)}, and no commit of the table made it",
                key,
                place,
                self._remedy(key, place),
            )
        others = [
            found
            for found in rows[begun:]
            if found.record.version in commits
            and commits[found.record.version] != found.run_id
            and key.layer is Layer.BRONZE
        ]
        if others:
            self._find(
                "POL420",
                f"what {_some([found.run_id for found in others])} landed as "
                f"{_versions([found.record.version for found in others])} is gone: the table was "
                "put back, and another run's rows have that number",
                key,
                place,
                "bring it back from a copy, or land it again from its source",
                Severity.WARNING,
            )

    def _check_quarantine(self, key: AssetKey) -> None:
        """Compare the rows kept out by each run with what the ledger says of it.

        Where it is the run that published the newest version, a difference is an error.
        """
        quarantine = self.lakehouse.quarantine(key)
        place = quarantine.table.uri
        try:
            rows = quarantine.scan()
            with reaching(place):
                counted = (
                    pl.DataFrame(schema={RUN_COLUMN: pl.String(), "len": pl.UInt32()})
                    if rows is None
                    else rows.group_by(RUN_COLUMN).len().collect()
                )
        except LakehouseError:
            return  # said already
        published = self._published(key)
        newest = published[-1].run_id if published else None
        kept = Counter(dict(counted.iter_rows()))
        for found in (self.books or {}).get(key, []):
            there, said = kept.pop(found.run_id, 0), found.record.rows_quarantined
            if there != said:
                self._find(
                    "POL421",
                    f"the quarantine holds {there} rows of run {found.run_id}, and the ledger says "
                    f"{said}",
                    key,
                    place,
                    "bring it back from a copy; or judge anew what is there: "
                    f"polster run {key} --full-refresh",
                    Severity.ERROR if found.run_id == newest else Severity.WARNING,
                )
        strange = {run: rows for run, rows in kept.items() if run not in self.running}
        if strange:
            self._find(
                "POL421",
                f"the quarantine holds {sum(strange.values())} rows of "
                f"{_some([str(run) for run in strange])}, of which the ledger knows nothing: "
                "killed before it published",
                key,
                place,
                "nothing is lost: a later run judged the same rows again, if they were still there",
                Severity.WARNING,
            )

    def _released(self) -> dict[AssetKey, dict[int, str]]:
        """Return the versions that releases name, each with the newest release that does."""
        found: dict[AssetKey, dict[int, str]] = defaultdict(dict)
        oldest = self.lakehouse.oldest_versions(self.keys)
        for release in self.lakehouse.releases.all():
            for key, version in release.versions.items():
                if version >= oldest.get(key, 0):  # else it has expired
                    found[key].setdefault(version, release.id)
        return found


def _begun_with(rows: Sequence[Recorded], commits: Mapping[int, str]) -> int:
    """Return where in the rows, oldest first, the table that lies there was begun."""
    if 0 not in commits:
        return 0
    places = (
        place
        for place, found in enumerate(rows)
        if (found.record.version, found.run_id) == (0, commits[0])
    )
    return next(places, len(rows))


def _versions(numbers: Sequence[int | None]) -> str:
    return ("version " if len(numbers) == 1 else "versions ") + _some([str(n) for n in numbers])


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _remove(path: str) -> str:
    """Return the command that removes files; the shell reads the star, and nothing else."""
    return "rm " + "*".join(shlex.quote(part) if part else "" for part in path.split("*"))
