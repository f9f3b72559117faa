"""Files land once each, known by what is in them; what cannot be read is set aside whole."""

from __future__ import annotations

import gzip
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.record import RunRecord
from polster.model.set_aside import SetAsideFile
from polster.sources import file_memory

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FILES = """
from polster.sources import files

@bronze(load="{load}")
def orders():
    return files("{pattern}"{options})
"""


def land_from(
    pipeline: Pipeline,
    pattern: str = "landing/*.csv",
    options: str = "",
    load: str = "append",
) -> None:
    pipeline.asset("bronze.orders", FILES.format(pattern=pattern, options=options, load=load))
    (pipeline.root / "landing").mkdir(exist_ok=True)


def put(pipeline: Pipeline, name: str, data: str | bytes) -> Path:
    path = pipeline.root / "landing" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows(pipeline: Pipeline, *columns: str) -> list[tuple[Any, ...]]:
    key = AssetKey.parse("bronze.orders")
    assert key is not None
    table = Lakehouse(Store(str(pipeline.data))).pin(key)
    assert table is not None
    return table.scan().select(columns).collect().rows()


def set_aside(pipeline: Pipeline) -> list[SetAsideFile]:
    key = AssetKey.parse("bronze.orders")
    assert key is not None
    return Lakehouse(Store(str(pipeline.data))).set_aside(key).files()


def test_rows_say_which_file_and_which_row_they_come_from(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "b.csv", "id,v\n3,z\n")
    put(pipeline, "a.csv", "id,v\n007,x\n1e5,NA\n")

    pipeline.landed()

    assert rows(pipeline, "id", "v", "_source", "_row") == [
        ("007", "x", "landing/a.csv", 1),
        ("1e5", "NA", "landing/a.csv", 2),
        ("3", "z", "landing/b.csv", 1),
    ]


@pytest.mark.sentence(35)
def test_a_file_lands_once_whatever_its_name_and_time_are(pipeline: Pipeline) -> None:
    land_from(pipeline)
    first = put(pipeline, "a.csv", "id,v\n1,x\n")
    pipeline.landed()
    first.rename(first.with_name("renamed.csv"))
    put(pipeline, "again.csv", "id,v\n1,x\n")
    old = put(pipeline, "old.csv", "id,v\n2,y\n")
    os.utime(old, (0, 0))

    record, after = pipeline.landed(), pipeline.landed()

    assert (record.rows_published, after.status.value) == (1, "unchanged")
    assert rows(pipeline, "id") == [("1",), ("2",)]


@pytest.mark.sentence(35)
def test_a_file_that_is_overwritten_lands_as_a_new_one(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1,x\n")
    pipeline.landed()
    put(pipeline, "a.csv", "id,v\n1,y\n")

    pipeline.landed()

    assert rows(pipeline, "v", "_source") == [("x", "landing/a.csv"), ("y", "landing/a.csv")]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"id,v\n1,x\n2\n", "line 3 has 1 values, where the first has 2"),
        (b"id,v\n1,x\n2,y,z\n", "line 3 has 3 values, where the first has 2"),
        (b"id,v\n1,caf\xe9\n", "byte 10 is no utf-8"),
        (b'id,v\n1,"x\n2,y\n', '"x'),
        (b"id,v\n1,a\0b\n", "line 2 holds a NUL character"),
    ],
)
def test_a_malformed_file_is_set_aside_whole_and_the_others_land(
    pipeline: Pipeline, data: bytes, why: str
) -> None:
    land_from(pipeline)
    put(pipeline, "bad.csv", data)
    put(pipeline, "good.csv", "id,v\n9,z\n")

    record, after = pipeline.landed(), pipeline.landed()

    (kept,) = set_aside(pipeline)
    assert rows(pipeline, "id") == [("9",)]
    assert (kept.name, why in kept.reason) == ("landing/bad.csv", True)
    assert Path(kept.kept).read_bytes() == data
    assert (record.notes, after.status.value, after.notes) == ((), "unchanged", ())
    assert "landing/bad.csv" in pipeline.cli("quarantine", "bronze.orders").stdout


def test_a_file_that_spells_a_column_otherwise_is_set_aside_alone(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1,x\n")
    put(pipeline, "b.csv", "ID,v\n2,y\n")
    put(pipeline, "c.csv", "w,id,W\n3,3,3\n")
    put(pipeline, "d.csv", "w,id\n4,4\n")

    pipeline.landed()
    put(pipeline, "e.csv", "id,V\n5,z\n")
    put(pipeline, "f.csv", "id,v\n6,z\n")
    pipeline.landed()

    assert rows(pipeline, "id", "v", "w") == [("1", "x", None), ("4", None, "4"), ("6", "z", None)]
    assert sorted((each.name, each.reason.split(",")[0]) for each in set_aside(pipeline)) == [
        ("landing/b.csv", "its column `ID` differs from `id`"),
        ("landing/c.csv", "its column `W` differs from `w`"),
        ("landing/e.csv", "its column `V` differs from `v`"),
    ]


def test_a_snapshot_whose_columns_are_spelt_otherwise_is_refused_whole(pipeline: Pipeline) -> None:
    land_from(pipeline, load="snapshot")
    put(pipeline, "a.csv", "id\n1\n")
    pipeline.landed()
    put(pipeline, "a.csv", "ID\n1\n")

    (record,) = pipeline.run("bronze.orders").assets

    assert record.error is not None
    assert record.error.code == "POL406"
    assert set_aside(pipeline) == []


def warnings(record: RunRecord) -> list[tuple[str, str, str]]:
    return [(str(each.asset), each.code, each.message) for each in record.standing]


def test_a_file_that_was_set_aside_is_warned_of_while_its_source_has_it(
    pipeline: Pipeline,
) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1\n")
    put(pipeline, "b.csv", "id,v\n1,x\n")

    first, second = pipeline.run(), pipeline.run()
    told = pipeline.json("status")
    (pipeline.root / "landing" / "a.csv").rename(pipeline.root / "kept.csv")
    gone = pipeline.run()
    (pipeline.root / "kept.csv").rename(pipeline.root / "landing" / "a.csv")
    back = pipeline.run()
    put(pipeline, "a.csv", "id,v\n2,y\n")
    mended = pipeline.run()

    said = "1 file set aside: landing/a.csv: line 2 has 1 values, where the first has 2"
    assert warnings(first) == [("bronze.orders", "POL397", said)]
    assert [each.identity for each in second.standing] == [each.identity for each in first.standing]
    assert [each["code"] for each in told["assets"][0]["warnings"]] == ["POL397"]
    assert (warnings(gone), len(warnings(back)), warnings(mended)) == ([], 1, [])
    assert [(each.name, each.is_open) for each in set_aside(pipeline)] == [("landing/a.csv", False)]
    assert rows(pipeline, "id") == [("1",), ("2",)]


def test_also_where_nothing_has_landed_and_until_somebody_acknowledges_it(
    pipeline: Pipeline,
) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1\n")
    first = pipeline.run()

    said = pipeline.cli("acknowledge", "bronze.orders")
    second = pipeline.run()
    put(pipeline, "b.csv", "id,v\n1,x,y\n")
    third = pipeline.run()

    assert len(first.standing) == 1
    assert "acknowledged: bronze.orders: 1 file set aside: landing/a.csv" in said.stdout
    assert second.standing == ()
    assert [message for _, _, message in warnings(third)] == [
        "1 file set aside: landing/b.csv: line 2 has 3 values, where the first has 2"
    ]


def test_many_files_are_one_warning(pipeline: Pipeline) -> None:
    land_from(pipeline)
    for number in range(9):
        put(pipeline, f"{number}.csv", f"id,v\n{number}\n")

    (warning,) = pipeline.run().standing

    assert warning.message.startswith("9 files set aside: ")
    assert warning.message.endswith("; and 6 more")


def test_a_mended_file_of_the_same_name_lands(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1\n")
    pipeline.landed()
    put(pipeline, "a.csv", "id,v\n1,x\n")

    pipeline.landed()

    assert rows(pipeline, "id", "v") == [("1", "x")]


def test_nothing_lands_beside_a_malformed_file_if_that_is_to_fail(pipeline: Pipeline) -> None:
    land_from(pipeline, options=', on_bad_file="fail"')
    put(pipeline, "bad.csv", "id,v\n1\n")
    put(pipeline, "good.csv", "id,v\n9,z\n")

    error = pipeline.run().assets[0].error

    assert error is not None
    assert (error.code, "landing/bad.csv: line 2" in error.message) == ("POL364", True)
    assert set_aside(pipeline) == []


@pytest.mark.sentence(37)
def test_files_that_are_not_finished_or_empty_wait(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/*")
    land_from(pipeline, "landing/*", ', format="csv"')
    put(pipeline, "a.csv.tmp", "id,v\n1,x\n")
    put(pipeline, "_b.csv", "id,v\n1,x\n")
    put(pipeline, ".c.csv", "id,v\n1,x\n")
    put(pipeline, "d.csv", "")
    put(pipeline, "e.csv", "id,v\n")
    put(pipeline, "f.csv", "id,v\n1,x\n")

    record = pipeline.landed()

    assert rows(pipeline, "_source") == [("landing/f.csv",)]
    assert record.notes == (
        "left for next time, empty, or not finished: landing/a.csv.tmp, landing/d.csv",
    )


@pytest.mark.sentence(38)
def test_columns_come_and_go_and_change_places(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1,x\n")
    pipeline.landed()
    put(pipeline, "b.csv", "w,id\nnew,2\n")

    pipeline.landed()

    assert rows(pipeline, "id", "v", "w") == [("1", "x", None), ("2", None, "new")]


def test_text_in_other_encodings_and_packed_files_are_read(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/*", ', format="csv"')
    put(pipeline, "a.csv", "id,v\n1,ä\n".encode("utf-16"))
    put(pipeline, "b.csv", b"\xef\xbb\xbf" + "id,v\n2,ä\n".encode())
    put(pipeline, "c.csv.gz", gzip.compress("id,v\r\n3,ä\r\n".encode()))
    with zipfile.ZipFile(pipeline.root / "landing/d.zip", "w") as archive:
        archive.writestr("inside.csv", "id,v\n4,ä\n")
    put(pipeline, "e.csv.gz", gzip.compress(b"id,v\n5,x\n" * 500)[:40])

    pipeline.landed()

    assert rows(pipeline, "id", "v") == [(str(n), "ä") for n in (1, 2, 3, 4)]
    assert [each.name for each in set_aside(pipeline)] == ["landing/e.csv.gz"]


def test_names_may_be_odd(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/**/*.csv")
    odd = ["a b.csv", "é.csv", "it's.csv", "[x].csv", "A.csv", "a.csv", "deep/er/q*.csv"]
    for number, name in enumerate(odd):
        put(pipeline, name, f"id\n{number}\n")

    pipeline.landed()

    assert sorted(rows(pipeline, "_source")) == sorted((f"landing/{name}",) for name in odd)


@pytest.mark.sentence(39)
def test_records_whose_values_have_no_type_in_common_become_text(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/*.jsonl")
    put(pipeline, "a.jsonl", '{"id": 1, "v": {"x": 1}}\n{"id": 2, "v": 7}\n')
    put(pipeline, "b.jsonl", '{"id": 3}\nnot json\n')

    pipeline.landed()

    assert rows(pipeline, "id", "v") == [(1, '{"x": 1}'), (2, "7")]
    assert set_aside(pipeline)[0].reason.startswith("line 2 is no JSON")


def test_parquet_keeps_its_types_and_one_that_is_cut_is_set_aside(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/*.parquet")
    (pipeline.root / "landing").mkdir(exist_ok=True)
    pl.DataFrame({"id": [1, 2], "v": [1.5, None]}).write_parquet(
        pipeline.root / "landing/a.parquet"
    )
    whole = (pipeline.root / "landing/a.parquet").read_bytes()
    put(pipeline, "b.parquet", whole[:-20])

    pipeline.landed()

    assert rows(pipeline, "id", "v") == [(1, 1.5), (2, None)]
    assert [each.name for each in set_aside(pipeline)] == ["landing/b.parquet"]


def test_parquet_may_be_packed(pipeline: Pipeline) -> None:
    land_from(pipeline, "landing/*.parquet.gz")
    pl.DataFrame({"id": [1, 2]}).write_parquet(pipeline.root / "a.parquet")
    put(pipeline, "a.parquet.gz", gzip.compress((pipeline.root / "a.parquet").read_bytes()))

    pipeline.landed()

    assert rows(pipeline, "id", "_source") == [(n, "landing/a.parquet.gz") for n in (1, 2)]
    assert set_aside(pipeline) == []


def test_a_folder_that_vanished_is_told_and_loses_nothing(pipeline: Pipeline) -> None:
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n1,x\n")
    pipeline.landed()
    (pipeline.root / "landing").rename(pipeline.root / "elsewhere")

    error = pipeline.run().assets[0].error

    assert error is not None
    assert (error.code, "there is no folder landing" in error.message) == ("POL362", True)
    assert rows(pipeline, "id") == [("1",)]


def test_a_snapshot_is_what_the_folder_holds(pipeline: Pipeline) -> None:
    land_from(pipeline, load="snapshot")
    put(pipeline, "a.csv", "id,v\n1,x\n")
    gone = put(pipeline, "b.csv", "id,v\n2,y\n")
    pipeline.landed()
    gone.unlink()

    record, after = pipeline.landed(), pipeline.landed()

    assert (record.status.value, after.status.value) == ("published", "unchanged")
    assert rows(pipeline, "id") == [("1",)]


def test_the_list_of_many_files_is_kept_beside_the_commits(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_memory, "MOST_IN_COMMIT", 3)
    land_from(pipeline)
    for day in range(4):
        for number in range(3):
            put(pipeline, f"{day}-{number}.csv", f"id\n{day}{number}\n")
        pipeline.landed()

    after = pipeline.landed()
    for path in (pipeline.data / "_polster" / "sources").rglob("*.txt"):
        path.unlink()
    error = pipeline.run().assets[0].error

    assert after.status.value == "unchanged"
    assert len(rows(pipeline, "id")) == 12
    assert error is not None and error.code == "POL361"


def test_thousands_of_small_files_land_in_one_commit(pipeline: Pipeline) -> None:
    land_from(pipeline)
    for number in range(1500):
        put(pipeline, f"{number:05d}.csv", f"id,v\n{number},x\n")

    record = pipeline.landed()

    assert (record.rows_published, record.version) == (1500, 0)
    assert [int(value) for (value,) in rows(pipeline, "id")] == list(range(1500))


def test_a_large_file_is_read_a_piece_at_a_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.sources.file_rows.LARGE_BYTES", 10)
    land_from(pipeline)
    put(pipeline, "a.csv", "id,v\n" + "".join(f"{n},x\n" for n in range(3000)))
    put(pipeline, "b.csv", "id,v\n1,x\n2\n")

    record = pipeline.landed()

    assert record.rows_published == 3000
    assert rows(pipeline, "id", "_row")[-1] == ("2999", 3000)
    assert set_aside(pipeline)[0].reason == "line 3 has 1 values, where the first has 2"


def test_so_is_a_large_file_that_is_packed_or_in_another_encoding(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.sources.file_rows.LARGE_BYTES", 10)
    monkeypatch.setattr("polster.sources.file_source.HELD_BYTES", 0)
    monkeypatch.setattr("polster.sources.file_text.SUSPICIOUS_BYTES", 100_000)
    monkeypatch.setattr("tempfile.tempdir", str(pipeline.root / "temporary"))
    (pipeline.root / "temporary").mkdir()
    land_from(pipeline, "landing/*.csv*", ', format="csv", encoding="latin-1"')
    text = ("id,v\n" + "".join(f"{n},é\n" for n in range(3000))).encode("latin-1")
    put(pipeline, "a.csv", text)
    put(pipeline, "b.csv.gz", gzip.compress(text + b"x,y\n"))
    put(pipeline, "bomb.csv.gz", gzip.compress(b"id,v\n" * 1_000_000))
    put(pipeline, "cut.csv.gz", gzip.compress(text)[:-9])

    pipeline.landed()

    landings = rows(pipeline, "id", "v", "_row")
    assert (landings[2999], landings[-1]) == (("2999", "é", 3000), ("x", "y", 3001))
    assert {each.name: each.reason for each in set_aside(pipeline)} == {
        "landing/bomb.csv.gz": "more than 200 times its size comes out of it; if that is right, "
        "unpack it before it arrives",
        "landing/cut.csv.gz": "it cannot be unpacked: Compressed file ended before the "
        "end-of-stream marker was reached",
    }
    assert [path for path in (pipeline.root / "temporary").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("pattern", "options", "said"),
    [
        ("landing/*", "", "nothing says what the files landing/* are"),
        ("landing/*.csv", ', format="yaml"', "`format` is 'yaml', which Polster does not read"),
        (
            "landing/*.csv",
            ', encoding="uft-8"',
            "`encoding` is 'uft-8', which Python does not know",
        ),
    ],
)
def test_arguments_that_make_no_sense_are_told(
    pipeline: Pipeline, pattern: str, options: str, said: str
) -> None:
    land_from(pipeline, pattern, options)

    error = pipeline.run().assets[0].error

    assert error is not None
    assert (error.code, error.message) == ("POL363", said)
