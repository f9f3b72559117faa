"""Which files land, when, and what of their values: sentence by sentence."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.sources import file_list, file_source
from polster.sources.file_rows import Format, read_file

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FILES = """
from polster.sources import files

@bronze(load="append")
def orders():
    return files("landing/*.{kind}")
"""


@pytest.fixture(name="landing", params=["csv"])
def landing_fixture(pipeline: Pipeline, request: pytest.FixtureRequest) -> Path:
    pipeline.asset("bronze.orders", FILES.format(kind=request.param))
    folder = pipeline.root / "landing"
    folder.mkdir()
    return folder


def rows(pipeline: Pipeline, *columns: str) -> list[tuple[Any, ...]]:
    table = pl.read_delta(str(pipeline.data / "bronze" / "orders"))
    order = ["_ingested_at", "_source", "_row"]
    return table.sort(order).select(columns).rows()


@pytest.mark.sentence(35)
@pytest.mark.parametrize("written", ["id\n1\n2\n", "id\n1\n2,half a li"])
def test_a_file_that_changes_while_it_is_read_waits_and_the_others_land(
    pipeline: Pipeline, landing: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    changing = landing / "a.csv"
    changing.write_text(written)
    (landing / "b.csv").write_text("id\n9\n")

    def read_while_written(path: Path, how: Format) -> pl.DataFrame:
        if path == changing:
            with path.open("a") as opened:
                opened.write("ne\n3\n")
        return read_file(path, how)

    monkeypatch.setattr(file_source, "read_file", read_while_written)
    first = pipeline.run("bronze.orders")
    monkeypatch.setattr(file_source, "read_file", read_file)
    changing.write_text("id\n1\n2\n3\n")

    second = pipeline.landed()

    assert first.assets[0].notes == ("left for next time, being written: landing/a.csv",)
    assert (first.assets[0].rows_published, first.standing) == (1, ())
    assert (second.rows_published, second.notes) == (3, ())
    assert rows(pipeline, "id") == [("9",), ("1",), ("2",), ("3",)]


@pytest.mark.sentence(35)
def test_a_file_that_changes_before_it_lands_lands_as_it_was_and_then_as_it_is(
    pipeline: Pipeline, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (landing / "a.csv").write_text("id\n1\n")
    (landing / "b.csv").write_text("id\n2\n")
    rows_of = file_source._Good._rows

    def written_meanwhile(good: Any, **options: Any) -> Iterator[pl.DataFrame]:
        (landing / "a.csv").write_text("id\n3\n")
        yield from rows_of(good, **options)

    monkeypatch.setattr(file_source._Good, "_rows", written_meanwhile)
    pipeline.landed()
    monkeypatch.setattr(file_source._Good, "_rows", rows_of)

    pipeline.landed()

    assert rows(pipeline, "id") == [("1",), ("2",), ("3",)]


@pytest.mark.sentence(35)
def test_a_file_that_is_read_twice_and_changes_in_between_lands_nothing(
    pipeline: Pipeline, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_source, "HELD_FILES", 0)
    (landing / "a.csv").write_text("id\n1\n")
    parts_of = file_source._Good._parts

    def written_meanwhile(good: Any, file: Any) -> Iterator[pl.DataFrame]:
        (landing / "a.csv").write_text("id\n3\n4\n")
        yield from parts_of(good, file)

    monkeypatch.setattr(file_source._Good, "_parts", written_meanwhile)
    error = pipeline.run("bronze.orders").assets[0].error
    monkeypatch.setattr(file_source._Good, "_parts", parts_of)

    pipeline.landed()

    assert error is not None
    assert (error.code, "landing/a.csv was written" in error.message) == ("POL365", True)
    assert rows(pipeline, "id") == [("3",), ("4",)]


@pytest.mark.sentence(35)
def test_a_file_that_is_overwritten_is_said_once_and_one_that_is_renamed_is_not(
    pipeline: Pipeline, landing: Path
) -> None:
    (landing / "a.csv").write_text("id\n1\n")
    (landing / "b.csv").write_text("id\n2\n")
    pipeline.landed()
    (landing / "a.csv").write_text("id\n3\n")
    (landing / "b.csv").rename(landing / "c.csv")

    overwritten, after = pipeline.landed(), pipeline.landed()

    said = "overwritten since it landed, so that it landed as a new file: landing/a.csv"
    assert (overwritten.rows_published, overwritten.notes) == (1, (said,))
    assert (after.status.value, after.notes) == ("unchanged", ())


@pytest.mark.sentence(36)
def test_neither_old_times_nor_a_listing_without_order_hide_a_file(
    pipeline: Pipeline, landing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir, chance = os.scandir, random.Random(36)

    @contextmanager
    def shuffled(folder: Any) -> Iterator[list[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            found = list(entries)
        chance.shuffle(found)
        yield found

    monkeypatch.setattr(file_list, "os", SimpleNamespace(scandir=shuffled, getpid=os.getpid))
    for day in range(4):
        for number in range(5):
            file = landing / f"{number}-{3 - day}.csv"
            file.write_text(f"id\n{day}{number}\n")
            os.utime(file, (10**9 - day, 10**9 - day))
        pipeline.landed()

    arrived = [f"{day}{number}" for day in range(4) for number in range(5)]
    assert rows(pipeline, "id") == [(each,) for each in arrived]


@pytest.mark.sentence(38)
def test_a_new_column_of_one_file_lands_in_the_run_that_lands_the_others(
    pipeline: Pipeline, landing: Path
) -> None:
    (landing / "a.csv").write_text("id\n1\n")
    pipeline.landed()
    (landing / "b.csv").write_text("id\n2\n")
    (landing / "c.csv").write_text("id,new\n3,x\n")

    record = pipeline.landed()

    assert (record.rows_published, record.notes) == (2, ("new in the source: new",))
    assert rows(pipeline, "id", "new") == [("1", None), ("2", None), ("3", "x")]


BIG = 2**53
TEXTS = [
    "007", "1e5", "1E+400", "NULL", "null", "NA", "NaN", "N/A", "nan", "-", "True", "0x10", "+1",
    "9007199254740993", "12345678901234567890123456789012345678901234567890",
    "0.1000000000000000055511151231257827", "1.10", "1_000", " x ", "2024-02-30", "1,5",
]  # fmt: skip


@pytest.mark.sentence(40)
def test_values_of_csv_are_the_text_of_the_file(pipeline: Pipeline, landing: Path) -> None:
    lines = [f'{number},"{text}",{text}' for number, text in enumerate(TEXTS) if "," not in text]
    (landing / "a.csv").write_text("n,quoted,plain\n" + "\n".join(lines) + '\n99,"1,5",x\n')

    pipeline.landed()

    plain = [text for text in TEXTS if "," not in text]
    assert rows(pipeline, "quoted") == [(text,) for text in (*plain, "1,5")]
    assert rows(pipeline, "plain") == [(text,) for text in (*plain, "x")]


@pytest.mark.sentence(40)
@pytest.mark.parametrize("landing", ["jsonl"], indirect=True)
def test_long_integers_and_texts_of_json_are_what_the_file_says(
    pipeline: Pipeline, landing: Path
) -> None:
    (landing / "a.jsonl").write_text(
        '{"t": "007", "i": 9007199254740993, "l": 12345678901234567890, "m": 1e400, "x": 1.50, '
        '"n": 9007199254740993, "f": 0.1}\n'
        '{"t": "NULL", "i": 1, "l": 1, "m": 7, "x": "1.50", "n": 1.5, "f": 1}\n'
    )

    pipeline.landed()

    assert rows(pipeline, "t", "i", "l", "m", "x", "n", "f") == [
        ("007", BIG + 1, Decimal("12345678901234567890"), "1e400", "1.50", str(BIG + 1), 0.1),
        ("NULL", 1, Decimal(1), "7", "1.50", "1.5", 1.0),
    ]


@pytest.mark.sentence(41)
@pytest.mark.parametrize("landing", ["csv", "jsonl"], indirect=True)
@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_no_text_are_told_by_their_offset_and_the_others_land(
    pipeline: Pipeline,
    landing: Path,
    monkeypatch: pytest.MonkeyPatch,
    is_large: bool,
    mark: bytes,
) -> None:
    if is_large:
        monkeypatch.setattr("polster.sources.file_rows.LARGE_BYTES", 10)
        monkeypatch.setattr("polster.sources.file_rows.PIECE_BYTES", 7)
    kind = pipeline.root / "src" / "core" / "bronze_orders.py"
    is_csv = "*.csv" in kind.read_text()
    head, line = (b"id\n", b"%s\n") if is_csv else (b"", b'{"id": "%s"}\n')
    bad = mark + head + line % "ä".encode() * 20 + line % b"caf\xe9 au lait"
    (landing / ("bad.csv" if is_csv else "bad.jsonl")).write_bytes(bad)
    (landing / ("good.csv" if is_csv else "good.jsonl")).write_bytes(head + line % b"9")

    run = pipeline.run("bronze.orders")

    assert f"byte {bad.index(0xE9)} is no utf-8: b'\\xe9" in run.standing[0].message
    assert rows(pipeline, "id") == [("9",)]
