"""Rehearsing a pipeline: the real runtime on sampled rows, and each rule broken on purpose."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from polster.checks.ignores import Ignore
from polster.checks.registry import REHEARSED, check_settings
from polster.checks.settle import settle
from polster.contracts.rules import contract_rules
from polster.errors import AssetError, PolsterError
from polster.lakehouse.dtypes import read_dtype
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import reaching
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus
from polster.operations.choose import select_or_raise
from polster.operations.open_project import Session
from polster.project.import_path import import_afresh
from polster.project.load import LoadedAsset, load_asset
from polster.project.locate import SETTINGS_FILE
from polster.project.schema_file import damaged, read_schema_file
from polster.project.shared_process import RATHER_RAISE, ReachedOutsideError, shared_process
from polster.rehearsal.matches import find_matches
from polster.rehearsal.outcome import AssetRehearsal, Rehearsal, Trial, TrialResult
from polster.rehearsal.review import review_legal, review_unusual, review_usual
from polster.rehearsal.sampling import seed_of
from polster.rehearsal.sharing import share_values
from polster.rehearsal.sources import Bronze, as_sources, draw_rows
from polster.rehearsal.stand_ins import StandIns
from polster.rehearsal.text_forms import fit_text
from polster.rehearsal.theatre import Performance, Theatre
from polster.rehearsal.trials import try_rules
from polster.runtime.failures import MISUSED, naming_misuse
from polster.runtime.landed import landed_columns

__all__ = ["ROWS", "AssetRehearsal", "Rehearsal", "TrialResult", "rehearse"]

ROWS = 100
STAND_INS = 50
"""How many rows stand in for those of a function that has none; to find them takes a while."""
WHOLE = 50
"""How many times as many rows as are asked for a table may have to be taken whole."""
NO_ROWS = "there are no rows to rehearse it with"
OWN = "sampled from its contract"
FROM_INPUTS = "computed from samples of its inputs"


def rehearse(
    session: Session,
    selection: Sequence[str] = (),
    *,
    rows: int = ROWS,
    seed: int = 0,
    from_data: bool = False,
) -> Rehearsal:
    """Play a pipeline through on sampled rows, then break each rule of its contracts in turn.

    The functions of bronze are never called: rows of a fixture, or sampled from the contracts,
    stand in their place. Everything else is the code of a run, in a lakehouse that is deleted
    afterwards; the project's own is only asked for the columns of bronze.

    Args:
        session: Whose assets.
        selection: Terms as in :mod:`polster.model.selection`; what they stand on is played, too.
        rows: How many rows are sampled for each bronze asset.
        seed: The same seed tells the same.
        from_data: Take rows of the bronze tables that were landed, where there are any; nothing
            of them stays anywhere.

    Raises:
        DefinitionError: The pipeline has mistakes; nothing was rehearsed.
        AssetError: The file of an asset cannot be imported, or a rule ends the process.
        UsageError: The selection does not exist, or a fixture cannot be read.
    """
    clock = time.perf_counter()
    check_settings(session.settings.checks, str(session.root / SETTINGS_FILE))
    graph = session.graph
    chosen = select_or_raise(graph, selection)
    import_afresh(session.root)
    with (
        chdir(session.root),
        _shared_process(session.root),
        TemporaryDirectory(prefix="polster-rehearsal-") as folder,
        warnings.catch_warnings(action="ignore"),  # of Polars, say; they belong to real rows
    ):
        theatre = Theatre(session.root, Path(folder), graph)
        rehearsed = _Rehearsed(
            session, graph, chosen, theatre, rows=rows, seed=seed, from_data=from_data
        )
    wanted = {str(key) for key in chosen | graph.ancestors(chosen)}
    findings = [finding for finding in rehearsed.findings if finding.asset in wanted]
    files = {asset.file: str(asset.key) for asset in graph}
    complete = {str(entry.key) for entry in rehearsed.assets if not entry.left_out}

    def looked_at(ignore: Ignore, code: str) -> bool:
        return code in REHEARSED and files.get(ignore.file) in complete

    told = settle(session.root, findings, session.settings.checks, files, looked_at)
    own = [finding for finding in told if finding.code in REHEARSED or _is_unused(finding)]
    return Rehearsal(tuple(rehearsed.assets), tuple(own), time.perf_counter() - clock)


def _is_unused(finding: Finding) -> bool:
    """Tell whether a comment names a rule of rehearsals and hides nothing; validate cannot know."""
    return finding.code == "POL692" and any(code in finding.message for code in REHEARSED)


class _Rehearsed:
    """The rehearsal of some assets, and of what they stand on.

    Attributes:
        assets: An entry for each asset chosen, upstream first.
        findings: With the severities that the rules have by default.
    """

    def __init__(
        self,
        session: Session,
        graph: AssetGraph,
        chosen: Collection[AssetKey],
        theatre: Theatre,
        *,
        rows: int,
        seed: int,
        from_data: bool,
    ) -> None:
        self.graph = graph
        self.theatre = theatre
        self.seed = seed
        needed = set(chosen) | graph.ancestors(chosen)
        self.loaded = {key: _load(graph[key]) for key in graph.assets if key in needed}
        bronzes = _bronzes(session, graph, self.loaded)
        landed = _landed(session, bronzes, rows) if from_data else {}
        drawn = draw_rows(bronzes, session.root, landed, rows=rows, seed=seed)
        fit_text(graph, self.loaded, drawn, theatre.context(), session.root, seed=seed)
        schemas = {key: frame.schema for key, frame in drawn.rows.items()}
        matches = find_matches(graph, self.loaded, schemas, theatre.context(), session.root)
        share_values(bronzes, drawn, matches, seed=seed)
        self.rows = as_sources(bronzes, drawn, seed=seed)
        self.findings: list[Finding] = list(drawn.missing.values())
        self.sampled = drawn.origins
        unknown = set(drawn.missing)
        self.left_out = unknown | graph.descendants(unknown)
        self.played = [key for key in self.loaded if key not in self.left_out]
        usual = self._play()
        self.stand_ins = StandIns(self.loaded, rows=min(rows, STAND_INS), seed=seed)
        legal = self._stand_in(usual)
        self.assets = [self._entry(key, usual, legal) for key in self.loaded if key in chosen]

    def _stand_in(self, usual: Performance) -> Performance:
        """Play once more, with rows from contracts where a function had no rows, or no good ones.

        So what stands on it has rows to work on all the same.
        """
        done, stand_ins = usual, self.stand_ins
        bronze = {key: source.usual for key, source in self.rows.items()}
        while stand_ins.add(self.graph, _filled(done)):
            keys = [key for key in self.loaded if key not in self._unplayable()]
            done = self.theatre.perform({**bronze, **stand_ins.rows}, keys)
            fresh = self.graph.descendants(stand_ins.rows) - stand_ins.rows.keys()
            for finding in review_legal(self.graph, done, fresh):
                if finding not in self.findings:
                    self.findings.append(finding)
        return done

    def _unplayable(self) -> set[AssetKey]:
        """Return the assets for which there are neither rows nor inputs that have any."""
        found: set[AssetKey] = set()
        for key in self.loaded:
            if key in self.stand_ins.rows or key in self.rows:
                continue
            if key.layer is Layer.BRONZE or found & set(self.graph.needs(key)):
                found.add(key)
        return found

    def _play(self) -> Performance:
        rows = self.rows
        usual = self.theatre.perform({key: rows[key].usual for key in rows}, self.played)
        self.findings += review_usual(self.graph, usual, rows)
        odd = [
            key
            for key in self.played
            if key.layer is not Layer.GOLD and usual.records[key].error is None
        ]
        unusual = self.theatre.perform({key: rows[key].unusual for key in rows}, odd)
        self.findings += review_unusual(self.graph, unusual, rows)
        return usual

    def _entry(self, key: AssetKey, usual: Performance, legal: Performance) -> AssetRehearsal:
        """Say what the function of an asset did, and break its rules in the best rows there are."""
        with naming_misuse(self.graph[key]):
            return self._tried(key, usual, legal)

    def _tried(self, key: AssetKey, usual: Performance, legal: Performance) -> AssetRehearsal:
        record = usual.records.get(key)
        if key.layer is Layer.BRONZE:
            if record is None:
                return AssetRehearsal(key, left_out=NO_ROWS)
            return _entry_of(key, record, sampled=self.sampled[key])
        if key in _filled(usual):
            trials = self._try(key, usual.returned[key].collect(), usual)
            return _entry_of(key, usual.records[key], trials=trials)
        rows = self.stand_ins.rows.get(key)
        if rows is None and key in _filled(legal):
            trials = self._try(key, legal.returned[key].collect(), legal)
            return _entry_of(key, legal.records[key], trials=trials, sampled=FROM_INPUTS)
        left_out = self._why_left_out(key, usual)
        if rows is None:
            return AssetRehearsal(key, trials=self._untried(key), left_out=left_out)
        trials = self._try(key, rows, legal)
        return AssetRehearsal(key, rows.height, trials=trials, left_out=left_out, sampled=OWN)

    def _why_left_out(self, key: AssetKey, usual: Performance) -> str:
        record = usual.records.get(key)
        if record is None:
            return NO_ROWS
        if record.error is not None:
            return "it failed"
        if record.status is AssetStatus.SKIPPED:
            return "what it reads failed"
        return "all its rows are quarantined" if record.rows_quarantined else "no row gets this far"

    def _try(self, key: AssetKey, returned: pl.DataFrame, done: Performance) -> tuple[Trial, ...]:
        upstream = self.graph.inputs[key]
        inputs = {name: done.tables[each] for name, each in upstream.items() if each in done.tables}
        references = {
            each: None if target == key else done.tables[target]
            for each, target in self.graph.references.get(key, {}).items()
            if target == key or target in done.tables
        }
        tried = try_rules(
            self.loaded[key],
            in_order(returned),
            inputs,
            references,
            self.theatre,
            seed=seed_of(self.seed, str(key)),
        )
        self.findings += tried.findings
        return tuple(tried.trials)

    def _untried(self, key: AssetKey) -> tuple[Trial, ...]:
        """Name the rules for which there are no rows at all."""
        why = self.stand_ins.missing.get(key, NO_ROWS)
        contract = self.loaded[key].function.contract
        if contract is None:
            return ()
        rules = contract_rules(contract)
        names = [rule.name for rule in rules.rows]
        names += [rule.name for rule in rules.unique]
        names += [rule.name for rule in rules.tables]
        return tuple(Trial(name, 0, TrialResult.NOT_TRIED, why) for name in names)


def _filled(done: Performance) -> set[AssetKey]:
    """Return the assets that published rows."""
    return {
        key
        for key, record in done.records.items()
        if record.error is None and record.rows_published and key in done.tables
    }


def _entry_of(
    key: AssetKey, record: AssetRecord, *, trials: tuple[Trial, ...] = (), sampled: str = ""
) -> AssetRehearsal:
    return AssetRehearsal(
        key,
        record.rows_returned,
        record.rows_published,
        record.rows_quarantined,
        trials,
        "it failed" if record.error is not None else "",
        sampled,
    )


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by their content: a join or a grouping may return them in any order."""
    return frame[frame.hash_rows(seed=1).arg_sort()]


@contextmanager
def _shared_process(root: Path) -> Iterator[None]:
    try:
        with shared_process(root):
            yield
    except ReachedOutsideError as error:  # of a rule, while rows are drawn that keep it
        deed = error.deed.splitlines()[0]  # Polars adds its own lines
        raise AssetError(f"a rule of a contract {deed}", code=MISUSED, hint=RATHER_RAISE) from None


def _load(asset: Asset) -> LoadedAsset:
    with naming_misuse(asset):
        return load_asset(asset)


def _bronzes(
    session: Session, graph: AssetGraph, loaded: Mapping[AssetKey, LoadedAsset]
) -> list[Bronze]:
    """Say what is known of each bronze asset that is needed."""
    found: list[Bronze] = []
    kept = _kept(session.root)
    lakehouse: Lakehouse | None = None
    with suppress(PolsterError):  # nothing of it is needed where contracts say enough
        lakehouse = session.lakehouse
    for key, asset in loaded.items():
        if key.layer is not Layer.BRONZE:
            continue
        readers = {
            reader: contract
            for reader in graph.downstream(key)
            if reader in loaded and (contract := loaded[reader].function.contract) is not None
        }
        contract = asset.function.contract
        published = kept.get(key)
        if published is None and contract is None and lakehouse is not None:
            published = _published(lakehouse, key)
        found.append(Bronze(asset.asset, contract, published, readers))
    return found


def _landed(session: Session, bronzes: Iterable[Bronze], rows: int) -> dict[AssetKey, pl.DataFrame]:
    """Read some rows of each bronze table: all of a small one, so that joins find theirs.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: A table cannot be read.
    """
    lakehouse = session.lakehouse
    found: dict[AssetKey, pl.DataFrame] = {}
    for bronze in bronzes:
        table = lakehouse.pin(bronze.asset.key)
        if table is None or not table.rows:
            continue
        frame = table.scan().select(landed_columns(table).names())
        if table.rows > rows * WHOLE:
            frame = frame.gather_every(table.rows // rows).head(rows)
        with reaching(table.uri):
            found[bronze.asset.key] = frame.collect()
    return found


def _kept(root: Path) -> dict[AssetKey, pl.Schema]:
    """Return the columns of bronze that the project keeps.

    Raises:
        SettingsError: They cannot be read.
    """
    found: dict[AssetKey, pl.Schema] = {}
    for key, columns in read_schema_file(root).items():
        try:
            found[key] = pl.Schema({name: read_dtype(text) for name, text in columns.items()})
        except ValueError as error:
            raise damaged(f"{key}: {error}") from error
    return found


def _published(lakehouse: Lakehouse, key: AssetKey) -> pl.Schema | None:
    """Return the columns that the source of a bronze table sends."""
    with suppress(PolsterError):
        table = lakehouse.pin(key)
        if table is not None:
            return landed_columns(table)
    return None
