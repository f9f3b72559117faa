"""Rehearsing a pipeline: the real runtime on sampled rows, and each rule broken on purpose."""

from __future__ import annotations

import time
import warnings
from collections.abc import Collection, Mapping, Sequence
from contextlib import chdir, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from polster.checks.ignores import Ignore
from polster.checks.registry import REHEARSED, check_settings
from polster.checks.settle import settle
from polster.errors import PolsterError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.table import BATCH_COLUMN
from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.operations.choose import select_or_raise
from polster.operations.environment import open_lakehouse
from polster.operations.open_project import Project
from polster.project.import_path import import_afresh
from polster.project.load import LoadedAsset, load_asset
from polster.project.locate import SETTINGS_FILE
from polster.rehearsal.matches import find_matches
from polster.rehearsal.outcome import AssetRehearsal, Rehearsal
from polster.rehearsal.review import review_unusual, review_usual
from polster.rehearsal.sampling import seed_of
from polster.rehearsal.sharing import share_values
from polster.rehearsal.sources import Bronze, as_sources, draw_rows
from polster.rehearsal.theatre import Performance, Theatre
from polster.rehearsal.trials import Tried, try_rules
from polster.runtime.landing import INGESTED_COLUMN, SOURCE_COLUMN

ROWS = 100
OWN_COLUMNS = (INGESTED_COLUMN, SOURCE_COLUMN, BATCH_COLUMN)


def rehearse(
    project: Project, selection: Sequence[str] = (), *, rows: int = ROWS, seed: int = 0
) -> Rehearsal:
    """Play a pipeline through on sampled rows, then break each rule of its contracts in turn.

    The functions of bronze are never called: rows of a fixture, or sampled from the contracts,
    stand in their place. Everything else is the code of a run, in a lakehouse that is deleted
    afterwards; the project's own is only asked for the columns of bronze.

    Args:
        project: Whose assets.
        selection: Terms as in :mod:`polster.model.selection`; what they stand on is played, too.
        rows: How many rows are sampled for each bronze asset.
        seed: The same seed tells the same.

    Raises:
        DefinitionError: The pipeline has mistakes; nothing was rehearsed.
        UsageError: The selection does not exist, or a fixture cannot be read.
    """
    clock = time.perf_counter()
    check_settings(project.settings.checks, str(project.root / SETTINGS_FILE))
    graph = project.graph
    chosen = select_or_raise(graph, selection)
    import_afresh(project.root)
    with (
        chdir(project.root),
        TemporaryDirectory(prefix="polster-rehearsal-") as folder,
        warnings.catch_warnings(action="ignore"),  # of Polars, say; they belong to real rows
    ):
        theatre = Theatre(project.root, Path(folder), graph)
        rehearsed = _Rehearsed(project, graph, chosen, theatre, rows=rows, seed=seed)
    wanted = {str(key) for key in chosen | graph.ancestors(chosen)}
    findings = [finding for finding in rehearsed.findings if finding.asset in wanted]
    files = {asset.file: str(asset.key) for asset in graph}
    complete = {str(entry.key) for entry in rehearsed.assets if not entry.left_out}

    def looked_at(ignore: Ignore, code: str) -> bool:
        return code in REHEARSED and files.get(ignore.file) in complete

    told = settle(project.root, findings, project.settings.checks, files, looked_at)
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
        project: Project,
        graph: AssetGraph,
        chosen: Collection[AssetKey],
        theatre: Theatre,
        *,
        rows: int,
        seed: int,
    ) -> None:
        self.graph = graph
        self.theatre = theatre
        self.seed = seed
        needed = set(chosen) | graph.ancestors(chosen)
        self.loaded = {key: load_asset(graph[key]) for key in graph.assets if key in needed}
        bronzes = _bronzes(project, graph, self.loaded)
        drawn = draw_rows(bronzes, project.root, rows=rows, seed=seed)
        schemas = {key: frame.schema for key, frame in drawn.rows.items()}
        matches = find_matches(graph, self.loaded, schemas, theatre.context(), project.root)
        share_values(bronzes, drawn, matches, seed=seed)
        self.rows = as_sources(bronzes, drawn, seed=seed)
        self.findings: list[Finding] = list(drawn.missing.values())
        unknown = set(drawn.missing)
        self.left_out = unknown | graph.descendants(unknown)
        self.played = [key for key in self.loaded if key not in self.left_out]
        usual = self._play()
        self.assets = [self._entry(key, usual) for key in self.loaded if key in chosen]

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

    def _entry(self, key: AssetKey, usual: Performance) -> AssetRehearsal:
        if key in self.left_out:
            return AssetRehearsal(key, left_out="there are no rows to rehearse it with")
        record = usual.records[key]
        if record.error is not None or key not in usual.tables:
            return AssetRehearsal(
                key, record.rows_returned, 0, record.rows_quarantined, left_out="it failed"
            )
        tried = Tried()
        if key.layer is not Layer.BRONZE:
            inputs = {name: usual.tables[each] for name, each in self.graph.inputs[key].items()}
            returned = in_order(usual.returned[key].collect())
            seed = seed_of(self.seed, str(key))
            tried = try_rules(self.loaded[key], returned, inputs, self.theatre, seed=seed)
            self.findings += tried.findings
        return AssetRehearsal(
            key,
            record.rows_returned,
            record.rows_published,
            record.rows_quarantined,
            tuple(tried.trials),
        )


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by their content: a join or a grouping may return them in any order."""
    return frame[frame.hash_rows(seed=1).arg_sort()]


def _bronzes(
    project: Project, graph: AssetGraph, loaded: Mapping[AssetKey, LoadedAsset]
) -> list[Bronze]:
    """Say what is known of each bronze asset that is needed."""
    found: list[Bronze] = []
    lakehouse: Lakehouse | None = None
    with suppress(PolsterError):  # nothing of it is needed where contracts say enough
        lakehouse = open_lakehouse(project, None)[1]
    for key, asset in loaded.items():
        if key.layer is not Layer.BRONZE:
            continue
        readers = {
            reader: contract
            for reader in graph.downstream(key)
            if reader in loaded and (contract := loaded[reader].function.contract) is not None
        }
        contract = asset.function.contract
        published = None if contract or lakehouse is None else _published(lakehouse, key)
        found.append(Bronze(asset.asset, contract, published, readers))
    return found


def _published(lakehouse: Lakehouse, key: AssetKey) -> pl.Schema | None:
    """Return the columns that a bronze table holds, Polster's own left out."""
    with suppress(PolsterError):
        table = lakehouse.pin(key)
        if table is not None:
            columns = table.schema.items()
            return pl.Schema({name: dtype for name, dtype in columns if name not in OWN_COLUMNS})
    return None
