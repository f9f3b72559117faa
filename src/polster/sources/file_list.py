"""Which files a pattern names, and which of them are new by what is in them."""

from __future__ import annotations

import fnmatch
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from polster.errors import AssetError

UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".filepart", ".swp")
"""Ends the name of a file that somebody is writing."""
HIDDEN = (".", "_")
WILDCARDS = "*?["
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


def list_files(root: Path, pattern: str) -> Listing:
    """List the files of a pattern, one listing of each folder.

    Args:
        root: The project's folder.
        pattern: Relative to it, or absolute; ``*``, ``?``, ``[…]`` and ``**`` as in a shell.

    Raises:
        AssetError: The folder is not there, or cannot be read.
    """
    folder = _fixed_folder(root, pattern)
    if not folder.is_dir():
        raise _unreachable(pattern, f"there is no folder {_named(root, folder)}")
    found: list[FoundFile] = []
    waiting: list[str] = []
    try:
        for path in _matches(root, pattern):
            name, own = _named(root, path), path.name
            if own.startswith(HIDDEN):
                continue
            about = path.stat()
            if own.lower().endswith(UNFINISHED) or not about.st_size:
                waiting.append(name)
                continue
            found.append(FoundFile(name, about.st_size, about.st_mtime_ns, about.st_ino))
    except OSError as error:
        raise _unreachable(pattern, f"{error.strerror or error}") from error
    return Listing(tuple(sorted(found, key=lambda each: each.name)), tuple(sorted(waiting)))


@dataclass(slots=True)
class Digests:
    """The digests of files, kept by size, time and inode, so that a file is read for it once."""

    root: Path
    pattern: str
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

    def of(self, file: FoundFile) -> str | None:
        """Return the digest of a file; None if somebody writes it meanwhile."""
        state, digest = self._kept.get(file.name, (None, ""))
        if state == file.state:
            return digest
        path = self.root / file.name
        with path.open("rb") as opened:
            digest = hashlib.file_digest(opened, _hash).hexdigest()
        if not is_as_found(self.root, file):
            return None
        self._kept[file.name] = file.state, digest
        self._changed = True
        return digest

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


def is_as_found(root: Path, file: FoundFile) -> bool:
    """Tell whether nobody has written a file since it was listed."""
    try:
        about = (root / file.name).stat()
    except OSError:
        return False
    return (about.st_size, about.st_mtime_ns, about.st_ino) == file.state


def _hash() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=DIGEST_BYTES)


def _fixed_folder(root: Path, pattern: str) -> Path:
    """Return the folder in which a pattern begins to look."""
    parts = Path(pattern).parts[:-1]
    fixed = []
    for part in parts:
        if any(sign in part for sign in WILDCARDS):
            break
        fixed.append(part)
    return root.joinpath(*fixed)


def _matches(root: Path, pattern: str) -> Iterator[Path]:
    folder, own = root / Path(pattern).parent, Path(pattern).name
    if any(sign in str(Path(pattern).parent) for sign in WILDCARDS) or own == "**":
        whole = Path(pattern)
        below = Path(whole.anchor) if whole.is_absolute() else root
        for path in below.glob(whole.relative_to(whole.anchor).as_posix()):
            if path.is_file():
                yield path
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if fnmatch.fnmatchcase(entry.name, own) and entry.is_file():
                yield Path(entry.path)


def _named(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _unreachable(pattern: str, why: str) -> AssetError:
    return AssetError(
        f"the files {pattern} cannot be listed: {why}",
        code="POL362",
        hint="bring the folder back, or name the one that the files arrive in",
    )
