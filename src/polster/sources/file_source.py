"""Files as a source: each lands once, known by what is in it and not by its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import polars as pl
from polars.io.plugins import register_io_source

from polster.errors import AssetError
from polster.sources.file_list import Digests, Files, FoundFile, LocalFiles
from polster.sources.file_rows import (
    KINDS,
    Columns,
    Format,
    UnreadableFileError,
    check_large,
    is_streamed,
    kind_of,
    read_file,
    scan_file,
)
from polster.sources.source import BadFile, Batch, Known

SOURCE_COLUMN = "_source"
MOST_IN_COMMIT = 500
"""Of so many files at most a commit names each; of more it names the text that does."""
SHOWN = 3
HELD_FILES = 2000
PIECE_ROWS = 50_000
HELD_BYTES = 64 * 1024 * 1024
"""So much of what was read to be checked is kept until it lands; the rest is read once more."""


def files(
    pattern: str,
    *,
    format: Literal["csv", "jsonl", "json", "parquet"] | None = None,
    on_bad_file: Literal["quarantine", "fail"] = "quarantine",
    encoding: str = "utf-8",
    separator: str = ",",
    quote: str | None = '"',
    header: bool = True,
    columns: Sequence[str] = (),
    skip_lines: int = 0,
) -> FilesSource:
    """Read files that arrive in a folder, each once.

    A file is known by its content: one that is renamed, or delivered again, lands nothing; one
    that is overwritten lands as a new file. Rows have ``_source``, the file, and ``_row``, counted
    from 1. CSV stays text. Meant for ``load="append"``; a snapshot is all that is there.

    Args:
        pattern: Relative to the project's folder, such as ``landing/orders/*.csv``, or in an object
            store, such as ``s3://bucket/orders/*.csv``; ``**`` stands for folders of any depth.
            Files may be packed: ``.gz``, ``.zst``, ``.zip``.
        format: By default what the name's ending says.
        on_bad_file: What happens to a file that is malformed: it is set aside, bytes and all, and
            the others land; or nothing lands.
        encoding: Of text; UTF-16 is known by its mark.
        separator: Of CSV, like the next ones.
        quote: Encloses a value; None if nothing does.
        header: Whether the first line names the columns.
        columns: Their names, where there is no header.
        skip_lines: Lines before the header.

    Returns:
        What a bronze function returns in place of a frame.

    Raises:
        AssetError: An argument makes no sense.
    """
    kind = format or kind_of(pattern)
    if kind is None or kind not in KINDS.values():
        raise AssetError(
            f"nothing says what the files {pattern} are"
            if kind is None
            else f"`format` is {kind!r}, which Polster does not read",
            code="POL363",
            hint=f"write format= and one of: {', '.join(dict.fromkeys(KINDS.values()))}",
        )
    how = Format(kind, encoding, separator, quote, header, tuple(columns), skip_lines)
    return FilesSource(Path.cwd(), pattern, how, fails=on_bad_file == "fail")


@dataclass(frozen=True, slots=True)
class FilesSource:
    """The files of a pattern; see :func:`files`.

    Attributes:
        root: The project's folder.
        fails: Whether a malformed file lets nothing land.
    """

    root: Path
    pattern: str
    how: Format
    fails: bool = False

    def ask(self, known: Known) -> Iterable[Batch | BadFile]:
        """List the files, and give those whose content did not land yet."""
        place = self._place()
        listing = place.list()
        memory = _Memory.read(known)
        digests = Digests(self.root, self.pattern, place)
        place.fetch(digests.unknown(listing.files))
        changing: list[str] = []
        new: dict[str, FoundFile] = {}
        every: dict[str, FoundFile] = {}
        for file in listing.files:
            digest = digests.of(file)
            if digest is None:
                changing.append(file.name)
                continue
            every.setdefault(digest, file)
            if digest not in memory.digests and digest not in known.set_aside:
                new.setdefault(digest, file)
        digests.keep()
        for digest, file in every.items():
            if digest in known.set_aside:
                yield BadFile(file.name, Path(file.name), digest, "")
        if known.is_whole:
            state = hashlib.blake2b("\n".join(sorted(every)).encode(), digest_size=16).hexdigest()
            if known.memory == state:
                return
            now = {d: f for d, f in every.items() if d not in known.set_aside}
            good, bad = self._read(now, place)
            yield from bad
            yield self._batch(good, state, _notes(listing.waiting, changing))
            return
        if not new:
            return
        good, bad = self._read(new, place)
        yield from bad
        if good.rows:
            yield self._batch(good, memory.text(good.digests), _notes(listing.waiting, changing))

    def _place(self) -> Files:
        if "://" not in self.pattern:
            return LocalFiles(self.root, self.pattern)
        from polster.sources.object_store import StoredFiles

        return StoredFiles(self.pattern)

    def _read(self, new: dict[str, FoundFile], place: Files) -> tuple[_Good, list[BadFile]]:
        """Read each file once, to know that it is right; the rows are read when they land.

        Raises:
            AssetError: A file is malformed, and nothing may land then.
        """
        good, bad = _Good(self, place), []
        place.fetch(new.values())
        for digest, file in new.items():
            try:
                good.add(digest, file)
            except UnreadableFileError as error:
                bad.append(BadFile(file.name, place.path(file), digest, str(error)))
            except OSError as error:
                why = error.strerror or str(error)
                bad.append(BadFile(file.name, place.path(file), digest, why))
        if bad and self.fails:
            raise AssetError(
                "; ".join(f"{each.name}: {each.reason}" for each in bad[:SHOWN])
                + (f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""),
                code="POL364",
                hint='mend the file; or write on_bad_file="quarantine", which sets it aside and '
                "lands the others",
            )
        return good, bad

    def _batch(self, good: _Good, memory: str, notes: tuple[str, ...]) -> Batch:
        return Batch(good.frame(), memory, notes, good.check)


@dataclass(slots=True)
class _Good:
    """Files that were read and are right."""

    source: FilesSource
    place: Files
    files: list[FoundFile] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    columns: Columns = field(default_factory=Columns)
    rows: int = 0
    _held: dict[str, pl.DataFrame] = field(default_factory=dict)
    _held_bytes: int = 0

    def add(self, digest: str, file: FoundFile) -> None:
        """Read a file, and take it in if it is right.

        Raises:
            UnreadableFileError: It is not.
            OSError: It cannot be read.
        """
        path, how = self.place.path(file), self.source.how
        if is_streamed(path, how, file.size):
            types, rows = check_large(path, how)
        else:
            read = read_file(path, how)
            types, rows = read.schema, read.height
            self._held_bytes += int(read.estimated_size())
            if self._held_bytes < HELD_BYTES and len(self._held) < HELD_FILES:
                self._held[file.name] = read
        self.files.append(file)
        self.digests.append(digest)
        self.columns.add(types)
        self.rows += rows

    def frame(self) -> pl.LazyFrame:
        """Return the rows of all files, one file after the other."""
        schema = pl.Schema({**self.columns.types, SOURCE_COLUMN: pl.String()})

        def read(
            with_columns: list[str] | None,
            predicate: pl.Expr | None,
            n_rows: int | None,
            batch_size: int | None,
        ) -> Iterator[pl.DataFrame]:
            del batch_size
            left = n_rows
            for rows in _pieces(self._rows()):
                if predicate is not None:
                    rows = rows.filter(predicate)
                if left is not None:
                    rows = rows.head(left)
                    left -= rows.height
                yield rows if with_columns is None else rows.select(with_columns)
                if left == 0:
                    return

        return register_io_source(read, schema=schema)

    def _rows(self) -> Iterator[pl.DataFrame]:
        for file in self.files:
            name = pl.Series(SOURCE_COLUMN, [file.name])
            for part in self._parts(file):
                yield self.columns.fit(part).hstack([name.new_from_index(0, part.height)])

    def _parts(self, file: FoundFile) -> Iterator[pl.DataFrame]:
        path, how = self.place.path(file), self.source.how
        if file.name in self._held:
            yield self._held[file.name]
        elif is_streamed(path, how, file.size):
            yield from scan_file(path, how).collect_batches()
        else:
            yield read_file(path, how)

    def check(self) -> None:
        """See whether the files are still those that were looked at.

        Raises:
            AssetError: Somebody wrote one meanwhile; nothing of it may land.
        """
        for file in self.files:
            if not self.place.is_as_found(file):
                raise AssetError(
                    f"{file.name} was written while it was read; nothing was landed",
                    code="POL365",
                    hint="run it again; let the sender write under another name, such as "
                    "orders.csv.tmp, and rename it when it is whole",
                )


@dataclass(frozen=True, slots=True)
class _Memory:
    """Which contents have landed.

    Attributes:
        digests: All of them.
        base: Name of the text that holds most; empty if none does.
        recent: Those that no text holds yet.
    """

    known: Known
    digests: frozenset[str]
    base: str
    recent: tuple[str, ...]

    @classmethod
    def read(cls, known: Known) -> _Memory:
        """Read what the table remembers.

        Raises:
            AssetError: A text that a commit names is gone.
        """
        if not known.memory or known.is_whole:
            return cls(known, frozenset(), "", ())
        said = json.loads(known.memory)
        base, recent = said["base"], tuple(said["landed"])
        text = known.notes.read(base) if base and known.notes else ""
        if text is None:
            raise AssetError(
                "what its table holds of its files is not known: the list of them is gone",
                code="POL361",
                hint=f"bring {base} back to where Polster keeps it, or move the table away, to "
                "land all files once more",
            )
        return cls(known, frozenset([*text.split(), *recent]), base, recent)

    def text(self, landed: Sequence[str]) -> str:
        """Return what to remember once more contents have landed."""
        recent = (*self.recent, *landed)
        if len(recent) <= MOST_IN_COMMIT or self.known.notes is None:
            return json.dumps({"base": self.base, "landed": recent})
        every = " ".join(sorted(self.digests.union(recent)))
        name = f"{hashlib.blake2b(every.encode(), digest_size=16).hexdigest()}.txt"
        self.known.notes.write(name, every)
        return json.dumps({"base": name, "landed": []})


def _pieces(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put small frames together, which each would cost as much as a large one."""
    waiting: list[pl.DataFrame] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += part.height
        if rows >= PIECE_ROWS or len(waiting) == MOST_IN_COMMIT:
            yield pl.concat(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pl.concat(waiting)


def _notes(waiting: Sequence[str], changing: Sequence[str]) -> tuple[str, ...]:
    said = []
    for names, why in ((waiting, "empty, or not finished"), (changing, "being written")):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            said.append(f"left for next time, {why}: {', '.join(names[:SHOWN])}{more}")
    return tuple(said)
