"""The results that a project keeps, and what they and their file look like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from polster.checks.cache.recipe import SourceFile
from polster.checks.examined import Examined
from polster.checks.examined_json import examined_from_json
from polster.checks.worker.task import Before
from polster.model.asset import AssetKey
from polster.project.kept_lines import keep, read_kept

FILE = "examined"
FORMAT = 3


@dataclass(frozen=True)
class Kept:
    """One result.

    Attributes:
        recipe: Digest of what it was made from, what was read left out.
        before: What was read, and what readers need to know.
        written: The result as JSON.
    """

    asset: AssetKey
    recipe: str
    before: Before
    written: str

    @cached_property
    def examined(self) -> Examined:
        """Return the result itself; only if it is readable."""
        return examined_from_json(self.asset, self.written)

    @property
    def is_readable(self) -> bool:
        """Tell whether what is written can be read."""
        try:
            return self.examined is not None
        except (KeyError, RecursionError, TypeError, ValueError):
            return False


@dataclass(frozen=True, slots=True)
class Contents:
    """All that the file holds.

    Attributes:
        base: Digest of what all results depend on.
        files: The project's Python files, by their path below ``src``.
        results: By asset.
        unkept: How many assets must be examined each time.
    """

    base: str = ""
    files: Mapping[str, SourceFile] = field(default_factory=dict)
    results: Mapping[AssetKey, Kept] = field(default_factory=dict)
    unkept: int = 0


def read_contents(root: Path) -> Contents:
    """Read what is kept in the project in ``root``; nothing if anything about it is wrong."""
    try:
        (version, base, files, count, unkept), *lines = read_kept(root, FILE)
        if version != FORMAT or count != len(lines):
            return Contents()
        found = {name: SourceFile(digest, tuple(names)) for name, digest, names in files}
        return Contents(base, found, dict(map(_read_result, lines)), unkept)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Contents()


def write_contents(root: Path, contents: Contents) -> None:
    """Keep ``contents`` in the project in ``root``."""
    header = [
        FORMAT,
        contents.base,
        [[name, file.digest, file.imports] for name, file in contents.files.items()],
        len(contents.results),
        contents.unkept,
    ]
    keep(root, FILE, [header, *map(_written, contents.results.values())])


def _read_result(line: list[Any]) -> tuple[AssetKey, Kept]:
    name, recipe, inputs, outcome, written = line
    asset = AssetKey.parse(name)
    if asset is None:
        raise ValueError(f"not an asset key: {name}")
    return asset, Kept(asset, recipe, Before(inputs, outcome), written)


def _written(kept: Kept) -> list[Any]:
    before = kept.before
    return [str(kept.asset), kept.recipe, before.inputs, before.outcome, kept.written]
