"""Files as they are read: unpacked, and text as UTF-8, brought there a piece at a time."""

from __future__ import annotations

import codecs
import gzip
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile, gettempdir
from typing import IO, Any

from polster.errors import AssetError

PACKED = (".gz", ".zst", ".zip")
MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
PIECE_BYTES = 1024 * 1024
SUSPICIOUS_BYTES = 1024 * 1024 * 1024
"""So much may come out of any file."""
SUSPICIOUS_TIMES = 200
"""Beyond that, so many times its size."""


DAMAGE = (
    EOFError,
    RuntimeError,  # zipfile: a password is missing, or the method is none that it knows
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
)


class UnreadableFileError(Exception):
    """A file is not what its format says; the message says what is wrong, and where."""


def library(name: str, extra: str) -> Any:
    """Load a library that reads some files, which not everybody has.

    Raises:
        AssetError: It is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise AssetError(
            f"files of this kind are read by {name.partition('.')[0]}, which is not installed",
            code="POL366",
            hint=f"pip install 'polster[{extra}]'",
        ) from error


@contextmanager
def as_read(path: Path, encoding: str | None, scratch: Path) -> Iterator[Path]:
    """Give a file unpacked, and text as UTF-8 without a mark, for as long as it is read.

    Args:
        path: The file; what is so already is given as it is.
        encoding: Of text that has no mark; None if it is no text.
        scratch: The folder for a file that is made for it, and removed afterwards.

    Raises:
        UnreadableFileError: It cannot be unpacked, grows beyond measure, or is no such text.
        AssetError: There is no room for it.
        OSError: It cannot be opened.
    """
    is_packed = path.suffix.lower() in PACKED
    if not is_packed and (encoding is None or _is_plain(path, encoding)):
        yield path
        return
    pieces = _unpacked(path) if is_packed else _pieces(path)
    if encoding is not None:
        pieces = as_utf8(pieces, encoding)
    with NamedTemporaryFile(buffering=0, dir=scratch, delete=False) as target:
        made = Path(target.name)
        try:
            for piece in pieces:
                _write(target, piece, path)
            target.close()
            yield made
        finally:
            made.unlink()


def as_utf8(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield text as UTF-8, without a mark at its beginning.

    Raises:
        UnreadableFileError: It is no such text, or holds a NUL character.
    """
    pieces = iter(pieces)
    first = next(pieces, b"")
    mark = next((mark for mark in MARKS if first.startswith(mark)), b"")
    encoding = MARKS.get(mark, encoding)
    decoder = codecs.getincrementaldecoder(encoding)()
    taken, line = len(mark), 1
    for piece in chain([first[len(mark) :]], pieces, [b""]):
        begun = taken - len(decoder.getstate()[0])
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            raise UnreadableFileError(
                f"byte {begun + error.start} is no {encoding}: "
                f"{error.object[error.start : error.start + 4]!r}"
            ) from error
        taken += len(piece)
        if "\0" in text:
            line += text[: text.index("\0")].count("\n")
            raise UnreadableFileError(f"line {line} holds a NUL character")
        line += text.count("\n")
        yield text.encode()


def _is_plain(path: Path, encoding: str) -> bool:
    with path.open("rb") as opened:
        begins = opened.read(3)
    return codecs.lookup(encoding).name == "utf-8" and not begins.startswith(tuple(MARKS))


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened:
        while piece := opened.read(PIECE_BYTES):
            yield piece


def _unpacked(path: Path) -> Iterator[bytes]:
    most = max(SUSPICIOUS_BYTES, SUSPICIOUS_TIMES * path.stat().st_size)
    try:
        with _opened(path) as opened:
            while piece := opened.read(PIECE_BYTES):
                most -= len(piece)
                if most < 0:
                    raise UnreadableFileError(
                        f"more than {SUSPICIOUS_TIMES} times its size comes out of it; if that is "
                        "right, unpack it before it arrives"
                    )
                yield piece
    except _damage(path) as error:
        raise UnreadableFileError(f"it cannot be unpacked: {error}") from error


def _opened(path: Path) -> IO[bytes] | gzip.GzipFile:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)
        case ".zst":
            opened: IO[bytes] = _zstd().open(path)
            return opened
    with zipfile.ZipFile(path) as archive:
        names = [each for each in archive.namelist() if not each.endswith("/")]
        if len(names) != 1:
            raise UnreadableFileError(f"the archive holds {len(names)} files, where one is read")
        return archive.open(names[0])


def _damage(path: Path) -> tuple[type[Exception], ...]:
    """Return what is raised where a packed file is not whole."""
    return (*DAMAGE, _zstd().ZstdError) if path.suffix.lower() == ".zst" else DAMAGE


def _zstd() -> Any:
    """Import what knows the format, which few files have."""
    return import_module("backports.zstd" if sys.version_info < (3, 14) else "compression.zstd")


def _write(target: IO[bytes], piece: bytes, path: Path) -> None:
    rest = memoryview(piece)
    try:
        while rest:
            rest = rest[target.write(rest) :]
    except OSError as error:
        raise AssetError(
            f"{path.name} cannot be unpacked: {error.strerror or error}",
            code="POL362",
            hint=f"make room in {gettempdir()}, or name another folder by TMPDIR",
        ) from error
