from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.runtime.stage import Staged, Stager
from polster.sources.frame import frame_digest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SCAN = """
@bronze
def readings() -> pl.LazyFrame:
    return pl.scan_csv("landing/readings.csv", infer_schema=False)
"""
UNCHANGED = {"bronze.readings": "unchanged"}
PUBLISHED = {"bronze.readings": "published"}


@pytest.fixture(name="sensor")
def sensor_fixture(pipeline: Pipeline) -> Pipeline:
    pipeline.write("landing/readings.csv", "id,celsius\n1,20\n2,21\n")
    pipeline.asset("bronze.readings", SCAN)
    pipeline.run()
    return pipeline


def test_a_file_with_the_same_bytes_is_not_read_again(
    sensor: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: object) -> None:
        raise AssertionError("the source was read")

    monkeypatch.setattr(Stager, "stage", read)
    os.utime(sensor.root / "landing/readings.csv", (1, 1))

    assert sensor.outcome() == UNCHANGED


def test_a_changed_byte_is_seen_even_if_size_and_time_are_the_same(sensor: Pipeline) -> None:
    file = sensor.root / "landing/readings.csv"
    before = file.stat()
    file.write_text("id,celsius\n1,20\n2,99\n", encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))

    assert sensor.outcome() == PUBLISHED
    assert sensor.table("bronze.readings")["celsius"].to_list() == ["20", "99"]


def test_changed_code_reads_the_file_again(sensor: Pipeline) -> None:
    sensor.edit("src/core/bronze_readings.py", "infer_schema=False", "separator=';'")

    assert sensor.outcome() == PUBLISHED


@pytest.mark.in_this_process
def test_a_full_refresh_reads_the_file_again_and_lands_nothing_twice(
    sensor: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Stager] = []
    original = Stager.stage

    def stage(stager: Stager, frame: pl.LazyFrame) -> Staged:
        read.append(stager)
        return original(stager, frame)

    monkeypatch.setattr(Stager, "stage", stage)

    outcome = sensor.outcome(full_refresh=True)

    assert len(read) == 1
    assert outcome == UNCHANGED


def test_only_the_bare_scan_of_one_file_has_a_digest(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text("id\n1\n", encoding="utf-8")
    bare = pl.scan_csv(tmp_path / "a.csv")

    assert frame_digest(bare) != ""
    assert frame_digest(bare) == frame_digest(pl.scan_csv(tmp_path / "a.csv"))
    assert frame_digest(bare.filter(pl.col("id") > 0)) == ""
    assert frame_digest(pl.scan_csv(tmp_path / "*.csv")) == ""
    assert frame_digest(bare.map_batches(lambda frame: frame)) == ""


def test_rows_in_memory_have_a_digest_in_whatever_order() -> None:
    rows = pl.DataFrame({"id": [1, 2]})

    assert frame_digest(rows.lazy()) == frame_digest(rows.reverse().lazy()) != ""
    assert frame_digest(rows.lazy()) != frame_digest(rows.cast(pl.Int32).lazy())
    assert frame_digest(rows.lazy().select("id")) == ""
    assert frame_digest(pl.LazyFrame({"id": [object()]})) == ""


@pytest.mark.in_this_process
def test_the_same_rows_in_memory_are_not_written_again(
    sensor: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "pl.read_csv('landing/readings.csv', infer_schema=False)"
    scan = 'pl.scan_csv("landing/readings.csv", infer_schema=False)'
    sensor.edit("src/core/bronze_readings.py", scan, rows)
    sensor.write("landing/readings.csv", "id,celsius\n1,20\n2,22\n")
    assert sensor.outcome() == PUBLISHED

    def write(*_: object) -> None:
        raise AssertionError("the rows were written")

    monkeypatch.setattr(Stager, "stage", write)

    assert sensor.outcome() == UNCHANGED


@pytest.mark.parametrize(
    ("option", "landed"),
    [
        ("skip_rows=1, new_columns=['id', 'celsius']", ["21"]),
        ("null_values='21'", ["20", None]),
        ("ignore_errors=True", None),
    ],
)
def test_an_option_from_outside_the_code_reads_the_file_again(
    pipeline: Pipeline, option: str, landed: list[str | None] | None
) -> None:
    pipeline.write("landing/readings.csv", "id,celsius\n1,20\n2,21\n")
    pipeline.write("landing/options.txt", "")
    pipeline.asset(
        "bronze.readings",
        """
        from pathlib import Path

        @bronze
        def readings() -> pl.LazyFrame:
            options = Path("landing/options.txt").read_text(encoding="utf-8")
            options = eval(f"dict({options})")
            return pl.scan_csv("landing/readings.csv", infer_schema=False, **options)
        """,
    )
    pipeline.run()

    pipeline.write("landing/options.txt", option)

    assert pipeline.outcome() == (UNCHANGED if landed is None else PUBLISHED)
    assert pipeline.table("bronze.readings")["celsius"].to_list() == (landed or ["20", "21"])
