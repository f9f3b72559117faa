"""Packed files and text in other encodings are brought into a temporary file, piece by piece."""

from __future__ import annotations

import gzip
import importlib
import io
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from polster.errors import AssetError
from polster.sources import file_text
from polster.sources.file_rows import Format, read_file, scan_file
from polster.sources.file_text import UnreadableFileError, as_read

TEXT = "id,v\n" + "".join(f"{n},é€😀\n" for n in range(50))


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_text, "PIECE_BYTES", 7)


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A folder that must be empty in the end."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    yield folder
    assert list(folder.iterdir()) == []


def zst(data: bytes) -> bytes:
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    packed: bytes = importlib.import_module(name).compress(data)
    return packed


def zipped(data: bytes, *, members: int = 1) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(members):
            archive.writestr(f"{number}.csv", data)
    return packed.getvalue()


PACKERS: dict[str, Any] = {".gz": gzip.compress, ".zst": zst, ".zip": zipped}


def put(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def read(path: Path, scratch: Path, encoding: str | None = "utf-8") -> bytes:
    with as_read(path, encoding, scratch) as near:
        return near.read_bytes()


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030", "utf-32-le"])
def test_packed_text_of_any_encoding_is_read_as_utf8(
    tmp_path: Path, scratch: Path, ending: str, encoding: str
) -> None:
    path = put(tmp_path, f"a.csv{ending}", PACKERS[ending](TEXT.encode(encoding)))

    assert read(path, scratch, encoding) == TEXT.encode()


def test_text_that_is_not_packed_is_changed_only_where_it_must_be(
    tmp_path: Path, scratch: Path
) -> None:
    plain = put(tmp_path, "a.csv", TEXT.encode())
    other = put(tmp_path, "b.csv", "é\n".encode("latin-1"))
    marked = put(tmp_path, "c.csv", TEXT.encode("utf-16"))

    with as_read(plain, "UTF8", scratch) as near:
        assert near == plain
    assert read(other, scratch, "latin-1") == "é\n".encode()
    assert read(marked, scratch) == TEXT.encode()


@pytest.mark.parametrize("ending", PACKERS)
def test_what_is_no_text_is_unpacked_as_it_is(tmp_path: Path, scratch: Path, ending: str) -> None:
    data = bytes(range(256))

    assert read(put(tmp_path, f"a{ending}", PACKERS[ending](data)), scratch, None) == data


@pytest.mark.parametrize("ending", PACKERS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_packed_file_that_is_cut_off_is_refused(
    tmp_path: Path, scratch: Path, ending: str, share: float
) -> None:
    whole = PACKERS[ending](TEXT.encode())
    path = put(tmp_path, f"a.csv{ending}", whole[: int(len(whole) * share)])

    with pytest.raises(UnreadableFileError, match="it cannot be unpacked: "):
        read(path, scratch)


@pytest.mark.parametrize("ending", PACKERS)
def test_what_is_not_packed_as_it_says_is_refused(
    tmp_path: Path, scratch: Path, ending: str
) -> None:
    with pytest.raises(UnreadableFileError, match="it cannot be unpacked: "):
        read(put(tmp_path, f"a.csv{ending}", TEXT.encode()), scratch)


@pytest.mark.parametrize("ending", PACKERS)
def test_a_small_file_out_of_which_too_much_comes_is_refused(
    tmp_path: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr(file_text, "SUSPICIOUS_BYTES", 10_000)
    monkeypatch.setattr(file_text, "PIECE_BYTES", 1000)
    bomb = put(tmp_path, f"a.csv{ending}", PACKERS[ending](b"\n" * 5_000_000))
    fine = put(tmp_path, f"b.csv{ending}", PACKERS[ending](b"\n" * 10_000))

    with pytest.raises(UnreadableFileError, match="more than 200 times its size comes out of it"):
        read(bomb, scratch)
    assert len(read(fine, scratch)) == 10_000


def test_an_archive_of_several_files_or_with_a_password_is_refused(
    tmp_path: Path, scratch: Path
) -> None:
    two = put(tmp_path, "a.zip", zipped(b"id\n1\n", members=2))
    whole = bytearray(zipped(b"id\n1\n"))
    for at in (whole.index(b"PK\3\4") + 6, whole.index(b"PK\1\2") + 8):
        whole[at] |= 1
    locked = put(tmp_path, "b.zip", bytes(whole))

    with pytest.raises(UnreadableFileError, match="the archive holds 2 files"):
        read(two, scratch)
    with pytest.raises(UnreadableFileError, match=r"it cannot be unpacked: .*password"):
        read(locked, scratch)


def test_where_text_is_wrong_is_said_by_its_place_in_the_file(
    tmp_path: Path, scratch: Path
) -> None:
    cut = put(tmp_path, "a.csv.gz", gzip.compress("id\naaaaaaé".encode()[:-1]))
    wrong = put(tmp_path, "b.csv.gz", gzip.compress(b"id\n12345678901\xff\n"))
    nul = put(tmp_path, "c.csv", "id\n1\n2\n3\0\n".encode("utf-16"))

    for path, said in [
        (cut, r"byte 9 is no utf-8: b'\xc3'"),
        (wrong, r"byte 14 is no utf-8: b'\xff"),
        (nul, "line 4 holds a NUL character"),
    ]:
        with pytest.raises(UnreadableFileError) as raised:
            read(path, scratch)
        assert said in str(raised.value)


def test_a_disk_that_is_full_is_no_fault_of_the_file(tmp_path: Path, scratch: Path) -> None:
    path = put(tmp_path, "a.csv.gz", gzip.compress(TEXT.encode()))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(AssetError) as raised:
            read(path, scratch)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert raised.value.code == "POL362"
    assert raised.value.message == "a.csv.gz cannot be unpacked: File too large"


def test_nothing_is_left_of_a_file_that_is_read_in_part(tmp_path: Path, scratch: Path) -> None:
    path = put(tmp_path, "a.csv.gz", gzip.compress(TEXT.encode()))

    with pytest.raises(ZeroDivisionError), as_read(path, "utf-8", scratch):
        raise ZeroDivisionError


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("before", range(8))
def test_blank_lines_are_no_rows_however_a_file_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, before: int
) -> None:
    monkeypatch.setattr("polster.sources.file_rows.PIECE_BYTES", 7)
    text = end.join(["a,b", "1" * before + ",2", "", "3,4", ""])
    path = put(tmp_path, "a.csv", text.encode())

    held, streamed = read_file(path, Format("csv")), scan_file(path, Format("csv")).collect()

    assert streamed.equals(held)
    assert held["b"].to_list() == ["2", "4"]
