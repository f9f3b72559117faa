"""Which files a pattern names, and which of them are new by what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import polars as pl

from polster.errors import AssetError
from polster.sources.file_pattern import Pattern, name_of

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")
"""Ends the name of a file that somebody is writing."""
HIDDEN = (".", "_", "~$")
"""Begins the name of a file that is no data, such as Excel's mark that a workbook is open."""
WILDCARDS = "*?["
BRING_BACK = "bring the folder back, or name the one that the files arrive in"
DIGEST_BYTES = 16
CACHE = Path(".polster_cache") / "files"
CACHED = pl.Schema(
    {
        "name": pl.String(),
        "size": pl.Int64(),
        "modified": pl.Int64(),
        "inode": pl.UInt64(),
        "digest": pl.String(),
    }
)


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file that is there.

    Attributes:
        name: From the project's folder on, forward slashes.
        modified: Nanoseconds since 1970.
    """

    name: str
    size: int
    modified: int
    inode: int

    @property
    def state(self) -> tuple[int, int, int]:
        """Return what changes when somebody writes it."""
        return self.size, self.modified, self.inode


@dataclass(frozen=True, slots=True)
class Listing:
    """What a pattern names.

    Attributes:
        files: In the order of their names.
        waiting: Names that somebody may still be writing, or that are empty.
    """

    files: tuple[FoundFile, ...]
    waiting: tuple[str, ...]


def list_files(root: Path, pattern: Pattern) -> Listing:
    """List the files of a pattern, one listing of each folder.

    Raises:
        AssetError: The folder is not there, or cannot be read.
    """
    folder = _fixed_folder(root, pattern.glob)
    if not folder.is_dir():
        raise unreachable(pattern.text, f"there is no folder {name_of(root, folder)}")
    found: list[FoundFile] = []
    waiting: list[str] = []
    try:
        for path in _candidates(root, pattern.glob):
            name, own = name_of(root, path), path.name
            if is_hidden(own) or not pattern.matches(name):
                continue
            about = path.stat()
            if is_unfinished(own) or not about.st_size:
                waiting.append(name)
                continue
            found.append(FoundFile(name, about.st_size, about.st_mtime_ns, about.st_ino))
    except OSError as error:
        raise unreachable(pattern.text, f"{error.strerror or error}") from error
    return Listing(tuple(sorted(found, key=lambda each: each.name)), tuple(sorted(waiting)))


class Files(Protocol):
    """The files of a pattern, where they lie."""

    def list(self) -> Listing:
        """List them.

        Raises:
            AssetError: They cannot be listed.
        """

    def fetch(self, files: Iterable[FoundFile]) -> None:
        """Bring files near that will be read."""

    def path(self, file: FoundFile) -> Path:
        """Return where the bytes of a file are on this machine.

        Raises:
            OSError: It cannot be read.
        """

    def is_as_found(self, file: FoundFile) -> bool:
        """Tell whether nobody has written a file since it was listed."""


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The files of a pattern on this machine.

    Attributes:
        root: The project's folder.
    """

    root: Path
    pattern: Pattern

    def list(self) -> Listing:
        """List them, one listing of each folder."""
        return list_files(self.root, self.pattern)

    def fetch(self, files: Iterable[FoundFile]) -> None:
        """Do nothing: they are near."""

    def path(self, file: FoundFile) -> Path:
        """Return the file."""
        return self.root / file.name

    def is_as_found(self, file: FoundFile) -> bool:
        """Look at its size, its time and its inode."""
        try:
            about = self.path(file).stat()
        except OSError:
            return False
        return (about.st_size, about.st_mtime_ns, about.st_ino) == file.state


@dataclass(slots=True)
class Digests:
    """The digests of files, kept by size, time and inode, so that a file is read for it once.

    Attributes:
        root: The project's folder, where they are kept.
    """

    root: Path
    pattern: str
    files: Files
    _kept: dict[str, tuple[tuple[int, int, int], str]] = field(default_factory=dict)
    _changed: bool = False

    def __post_init__(self) -> None:
        """Read what is kept."""
        if self._place.is_file():
            try:
                kept = pl.read_parquet(self._place)
            except (pl.exceptions.PolarsError, OSError):
                return
            if kept.schema == CACHED:
                self._kept = {
                    name: ((size, modified, inode), digest)
                    for name, size, modified, inode, digest in kept.iter_rows()
                }

    def last(self, name: str) -> str:
        """Return the digest that a file of that name had last; empty if nobody knows."""
        return self._kept.get(name, (None, ""))[1]

    def of(self, file: FoundFile) -> str | None:
        """Return the digest of a file; None if somebody writes it meanwhile."""
        state, digest = self._kept.get(file.name, (None, ""))
        if state == file.state:
            return digest
        try:
            with self.files.path(file).open("rb") as opened:
                digest = hashlib.file_digest(opened, _hash).hexdigest()
        except FileNotFoundError:
            return None
        if not self.files.is_as_found(file):
            return None
        self._kept[file.name] = file.state, digest
        self._changed = True
        return digest

    def unknown(self, files: Iterable[FoundFile]) -> Iterator[FoundFile]:
        """Yield the files that have to be read for their digest."""
        return (file for file in files if self._kept.get(file.name, (None,))[0] != file.state)

    def keep(self) -> None:
        """Keep them for the next time; without a place for it nothing is kept."""
        if not self._changed:
            return
        rows = [(name, *state, digest) for name, (state, digest) in self._kept.items()]
        unfinished = self._place.with_name(f"{self._place.name}.{os.getpid()}")
        try:
            self._place.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame(rows, schema=CACHED, orient="row").write_parquet(unfinished)
            unfinished.replace(self._place)
        except OSError:
            unfinished.unlink(missing_ok=True)

    @property
    def _place(self) -> Path:
        named = hashlib.blake2b(self.pattern.encode(), digest_size=8).hexdigest()
        return self.root / CACHE / f"{named}.parquet"


def has_wildcard(part: str) -> bool:
    """Tell whether a part of a pattern names more than itself."""
    return any(sign in part for sign in WILDCARDS)


def is_hidden(name: str) -> bool:
    """Tell whether a file is no data, by its own name."""
    return name.startswith(HIDDEN)


def is_unfinished(name: str) -> bool:
    """Tell whether somebody is still writing a file, by its own name."""
    return name.lower().endswith(UNFINISHED)


def _hash() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def _fixed_folder(root: Path, pattern: str) -> Path:
    """Return the folder in which a pattern begins to look."""
    parts = Path(pattern).parts[:-1]
    fixed = []
    for part in parts:
        if has_wildcard(part):
            break
        fixed.append(part)
    return root.joinpath(*fixed)


def _candidates(root: Path, glob: str) -> Iterator[Path]:
    """Yield the files of which some are those of a pattern."""
    whole = Path(glob)
    if has_wildcard(str(whole.parent)):
        below = Path(whole.anchor) if whole.is_absolute() else root
        for path in below.glob(whole.relative_to(whole.anchor).as_posix()):
            if path.is_file():
                yield path
        return
    with os.scandir(root / whole.parent) as entries:
        for entry in entries:
            if entry.is_file():
                yield Path(entry.path)


def unreachable(pattern: str, why: str, *, hint: str = BRING_BACK) -> AssetError:
    """Say that the files of a pattern cannot be listed."""
    return AssetError(
        f"the files {pattern} cannot be listed: {why}",
        code="POL362",
        hint=hint,
    )
