"""The file in which results are kept: read whole, written whole, never trusted.

One line a result, each with a digest of itself; the first line says for what all of them hold.
Whatever is not as it should be counts as nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from polster.checks.cache.recipe import SourceFile
from polster.checks.examined import Examined
from polster.checks.examined_json import examined_from_json
from polster.checks.worker.task import Before
from polster.model.asset import AssetKey

FOLDER = ".polster_cache"
FILE = "examined"
FORMAT = 1
DIGEST_SIZE = 16


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
        text = (root / FOLDER / FILE).read_text(encoding="utf-8")
        first, *lines = map(_checked, text.splitlines())
        version, base, files, count, unkept = json.loads(first)
        if version != FORMAT or count != len(lines):
            return Contents()
        found = {name: SourceFile(digest, tuple(names)) for name, digest, names in files}
        return Contents(base, found, dict(map(_read_result, lines)), unkept)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        return Contents()


def write_contents(root: Path, contents: Contents) -> None:
    """Keep ``contents`` in the project in ``root``; where nothing can be written, nothing is.

    Whoever reads meanwhile reads the old file or the new one, never a part.
    """
    header = [
        FORMAT,
        contents.base,
        [[name, file.digest, file.imports] for name, file in contents.files.items()],
        len(contents.results),
        contents.unkept,
    ]
    lines = [_line(header), *map(_result_line, contents.results.values())]
    folder = root / FOLDER
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        _replace(folder / FILE, lines)


def _replace(path: Path, lines: Iterable[str]) -> None:
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f"{FILE}-", delete=False
    ) as file:
        try:
            file.writelines(f"{line}\n" for line in lines)
            file.close()
            os.replace(file.name, path)  # noqa: PTH105 - as atomic as it gets
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _line(written: Any) -> str:
    text = json.dumps(written, separators=(",", ":"))
    return f"{_digest(text)} {text}"


def _checked(line: str) -> str:
    digest, _, text = line.partition(" ")
    if digest != _digest(text):
        raise ValueError("a damaged line")
    return text


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=DIGEST_SIZE).hexdigest()


def _read_result(text: str) -> tuple[AssetKey, Kept]:
    name, recipe, inputs, outcome, written = json.loads(text)
    asset = AssetKey.parse(name)
    if asset is None:
        raise ValueError(f"not an asset key: {name}")
    return asset, Kept(asset, recipe, Before(inputs, outcome), written)


def _result_line(kept: Kept) -> str:
    before = kept.before
    return _line([str(kept.asset), kept.recipe, before.inputs, before.outcome, kept.written])
