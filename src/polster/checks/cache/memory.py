"""Which results of earlier examinations still hold, and which new ones are worth keeping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from polster.checks.cache.recipe import Recipes
from polster.checks.cache.store import Contents, Kept, read_contents, write_contents
from polster.checks.worker.task import Answer, Before, inputs_digest
from polster.model.asset import AssetKey
from polster.model.graph import AssetGraph
from polster.project.import_path import PACKAGE
from polster.project.schema_file import Columns
from polster.project.settings import Environment
from polster.project.source import SourceFiles


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known of assets before any of them is examined.

    Attributes:
        fresh: Results that hold.
        before: Results that hold if what the asset reads turns out to be as it was.
    """

    fresh: Mapping[AssetKey, Kept] = field(default_factory=dict)
    before: Mapping[AssetKey, Kept] = field(default_factory=dict)

    @property
    def outcomes(self) -> Mapping[AssetKey, str]:
        """Return what is known of the tables of assets whose results hold."""
        return {key: result.before.outcome for key, result in self.fresh.items()}


class Memory:
    """The results that a project keeps, for one command.

    Args:
        root: The project's folder.
        files: Keeps the source that is read.
    """

    def __init__(self, root: Path, files: SourceFiles | None = None) -> None:
        self.root = root
        self._contents = read_contents(root)
        self._recipes = Recipes(root, files or SourceFiles(), self._contents.files)

    @property
    def holds(self) -> bool:
        """Tell whether anything of what is kept may be used."""
        return bool(self._contents.results) and self._contents.base == self._recipes.base

    def estimate(self, assets: int) -> int:
        """Return how many of a project's assets will probably have to be examined."""
        if not self.holds:
            return assets
        return min(assets, self._recipes.changed() + self._contents.unkept)

    def recall(
        self,
        graph: AssetGraph,
        needed: Collection[AssetKey],
        environment: Environment | None,
        kept: Mapping[AssetKey, Columns],
        *,
        lineage: bool,
        seconds: float,
    ) -> Recalled:
        """Find what is known of the assets ``needed``, with all that they stand on.

        To be called before any of them is examined, so that what changes meanwhile is seen.
        """
        recipes = self._recipes
        recipes.look(needed, environment, kept, lineage=lineage, seconds=seconds)
        if not self.holds:
            return Recalled()
        fresh: dict[AssetKey, Kept] = {}
        before: dict[AssetKey, Kept] = {}
        outcomes: dict[AssetKey, str | None] = {}
        for key in graph.assets:
            result = self._contents.results.get(key) if key in needed else None
            if result is None:
                continue
            inputs = graph.ties(key)
            recipe = recipes.of(graph[key], inputs)
            if recipe is None or recipe.digest != result.recipe:
                continue
            if not result.is_readable:
                continue
            if result.before.inputs == inputs_digest(inputs, outcomes):
                fresh[key] = result
                outcomes[key] = result.before.outcome
            else:
                before[key] = result
        return Recalled(fresh, before)

    def prepare(self, graph: AssetGraph, keys: Iterable[AssetKey]) -> None:
        """Read what the results of assets will depend on, while they are being examined."""
        for key in keys:
            self._recipes.of(graph[key], graph.ties(key))

    def keep(
        self,
        graph: AssetGraph,
        recalled: Recalled,
        answers: Mapping[AssetKey, Answer],
        reading: Collection[str],
    ) -> None:
        """Keep what was answered, and what still holds.

        Args:
            graph: The pipeline.
            recalled: What was known before.
            answers: From children that came to their end.
            reading: Modules that read something while they were imported.
        """
        outcomes: dict[AssetKey, str | None] = {
            **recalled.outcomes,
            **{key: answer.outcome for key, answer in answers.items()},
        }
        old = self._contents
        results = {
            key: result
            for key, result in (old.results if self.holds else {}).items()
            if key not in answers and f"{PACKAGE}/{key.identifier}.py" in self._recipes.python_files
        }
        for key, answer in answers.items():
            if answer.written is None:
                results[key] = recalled.before[key]
                continue
            result = self._result(graph, answer, outcomes, reading)
            if result is not None:
                results[key] = result
        files = {name: self._recipes.file(name) for name in self._recipes.python_files}
        unkept = len(graph.assets.keys() - results.keys())
        new = Contents(
            self._recipes.base,
            {name: file for name, file in files.items() if file is not None},
            results,
            unkept,
        )
        if new != old:
            write_contents(self.root, new)

    def _result(
        self,
        graph: AssetGraph,
        answer: Answer,
        outcomes: Mapping[AssetKey, str | None],
        reading: Collection[str],
    ) -> Kept | None:
        key = answer.asset
        if answer.written is None or answer.outcome is None or not answer.is_lasting:
            return None
        inputs = inputs_digest(graph.ties(key), outcomes)
        recipe = self._recipes.of(graph[key], graph.ties(key))
        if recipe is None or inputs is None or recipe.modules & set(reading):
            return None
        if not self._recipes.is_still(recipe):
            return None
        before = Before(inputs, answer.outcome)
        return Kept(key, recipe.digest, before, answer.written)
