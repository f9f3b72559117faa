"""Checking a pipeline without touching data."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from polster.checks.cache.memory import Memory
from polster.checks.children import Children, processes_for
from polster.checks.examine import Examination
from polster.checks.examined import Examined
from polster.checks.file_names import check_file_names
from polster.checks.habits.check import check_habits
from polster.checks.habits.source_tree import Sources
from polster.checks.ignores import Ignore
from polster.checks.layers import check_layers
from polster.checks.personal import check_personal
from polster.checks.registry import REHEARSED, RULES, check_settings
from polster.checks.settle import settle
from polster.errors import UsageError
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding, Severity
from polster.model.graph import AssetGraph, build_graph
from polster.model.layer import Layer, LayerRules
from polster.operations.asked import Asked
from polster.operations.choose import select_or_raise
from polster.operations.open_project import Project, Session
from polster.project.discovery import ASSET_FOLDER, asset_files
from polster.project.locate import SETTINGS_FILE
from polster.project.source import SourceFiles, nothing_to_collect


class Preparation:
    """What can be done for a check while the project is still being read.

    Its ``begin`` is given to :func:`~polster.operations.open_project.open_project`.

    Args:
        remember: Whether to use what was examined before, and to keep what is examined now.
    """

    def __init__(self, *, remember: bool = False) -> None:
        self.children = Children()
        self.files = SourceFiles()
        self.memory: Memory | None = None
        self._remember = remember
        self._ending = ExitStack()

    def __enter__(self) -> Self:
        self._ending.enter_context(nothing_to_collect())
        self._ending.callback(self.files.forget)
        self._ending.enter_context(self.children)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.close()

    def begin(self, root: Path) -> SourceFiles:
        """Start the child processes; return what keeps the source that is read."""
        assets = len(asset_files(root))
        if self._remember:
            with nothing_to_collect():
                self.memory = Memory(root, self.files)
                assets = self.memory.estimate(assets)
        self.children.start(root, processes_for(assets))
        return self.files


DEEP = ("POL3", "POL7")
"""Beginnings of the codes that only a call over zero rows can find."""
UNSOUND = "its definition, or that of an asset that it reads, has mistakes"


@dataclass(frozen=True, slots=True)
class Validation:
    """What a check found.

    Attributes:
        assets: How many assets could be read.
        findings: Sorted by file and line, severities as the settings say.
        unchecked: Why the columns of an asset could not be checked, by key.
        stumbled: How many of these went unchecked by a mistake of Polster's own.
    """

    assets: int
    findings: tuple[Finding, ...]
    unchecked: Mapping[AssetKey, str]
    stumbled: int = 0

    def count(self, severity: Severity) -> int:
        """Count the findings of ``severity``."""
        return sum(finding.severity is severity for finding in self.findings)


def validate(
    session: Session,
    selection: Sequence[str] = (),
    *,
    from_data: bool = False,
    preparation: Preparation | None = None,
) -> Validation:
    """Judge the layers, the schemas and the habits of the project.

    Args:
        session: Whose assets; those with a mistake in their definition are told, and the others
            checked all the same.
        selection: Terms as in :mod:`polster.model.selection`; everything without one. Mistakes in
            definitions are told whatever is selected: they keep every asset from running.
        from_data: Call the functions of bronze and ask their frames for columns and types, which
            go before what the project keeps of them and before the tables.
        preparation: What was begun before the project was read.

    Raises:
        UsageError: The selection or the environment does not exist.
        SettingsError: The settings name a rule that there is not.
    """
    settings, discovery = session.settings, session.discovery
    check_settings(settings.checks, str(session.root / SETTINGS_FILE))
    place = session.environment
    graph = discovery.graph or sound_part(discovery.assets, settings.rules)
    chosen = _chosen(graph, selection, is_whole=discovery.graph is not None)
    prepared = preparation or Preparation()
    asked = Asked()
    if from_data:
        from polster.operations.ask_sources import ask_sources  # no other check waits for Polars

        bronze = [key for key in chosen | graph.ancestors(chosen) if key.layer is Layer.BRONZE]
        asked = ask_sources(session, graph, bronze, place.name)
    examination = Examination(
        session.root,
        graph,
        chosen,
        environment=place,
        lineage=True,
        children=prepared.children,
        memory=prepared.memory,
        sources=asked.columns,
    )
    with examination:  # it works in children while the source is read
        findings = [
            *discovery.findings,
            *_missing_folder(session),
            *check_file_names(session.root),
            *asked.findings,
        ]
        sources = Sources(session.root, prepared.files)
        if discovery.graph is not None:  # else what is read by whom is not known for certain
            findings += check_layers(
                graph, session.root, max_readers=settings.checks.max_readers, sources=sources
            )
        looked_through = [graph[key] for key in chosen] if selection else discovery.assets
        habits = check_habits(session.root, looked_through, sources=sources)
        findings += habits.findings
        examined = examination.result()
    findings += [finding for entry in examined for finding in entry.findings]
    findings += check_personal(graph, examined)
    unchecked = {entry.asset: entry.unchecked for entry in examined if entry.unchecked}
    unchecked |= {asset.key: UNSOUND for asset in discovery.assets if asset.key not in graph.assets}
    if selection:
        wanted = {str(key) for key in chosen} | {None}
        findings = [each for each in findings if each.asset in wanted or each in discovery.findings]
    files = {asset.file: str(asset.key) for asset in discovery.assets}
    known = _fully_examined(examined)

    def looked_at(ignore: Ignore, code: str) -> bool:
        if code in REHEARSED:
            return False
        asset = files.get(ignore.file)
        if asset is None:  # a helper: what it breaks depends on all that reach it
            return not selection and not unchecked
        return asset in known if code.startswith(DEEP) else asset in map(str, chosen)

    told = settle(
        session.root,
        findings,
        settings.checks,
        files,
        looked_at,
        reached_from=habits.reached_from,
    )
    stumbled = sum(entry.stumbled for entry in examined)
    return Validation(len(discovery.assets), tuple(told), unchecked, stumbled)


def _chosen(graph: AssetGraph, selection: Sequence[str], *, is_whole: bool) -> set[AssetKey]:
    """Return what is selected among the sound assets; the others are told of in any case."""
    try:
        return select_or_raise(graph, selection)
    except UsageError:
        if is_whole:
            raise
        return set()


def sound_part(assets: Collection[Asset], rules: LayerRules) -> AssetGraph:
    """Return the graph of the assets that can be connected when those with mistakes are left out.

    What reads one that is left out cannot be connected either.
    """
    left = list(assets)
    while True:
        checked = build_graph(left, rules, suggest=False)
        if checked.graph is not None:
            return checked.graph
        broken = {finding.asset for finding in checked.findings}
        left = [asset for asset in left if str(asset.key) not in broken]


def _missing_folder(project: Project) -> list[Finding]:
    if (project.root / ASSET_FOLDER).is_dir():
        return []
    return [
        Finding(
            "POL217",
            f"the project has no folder {ASSET_FOLDER}",
            file=ASSET_FOLDER,
            hint="add an asset with: polster add-asset",
        )
    ]


def _fully_examined(examined: Collection[Examined]) -> set[str]:
    """Return the assets of which nothing went unchecked, not even behind a first mistake."""
    return {
        str(entry.asset)
        for entry in examined
        if not entry.unchecked and all(_only_warns(finding.code) for finding in entry.findings)
    }


def _only_warns(code: str) -> bool:
    return code in RULES and RULES[code].severity is Severity.WARNING
