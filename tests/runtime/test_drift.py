"""Hints for sources whose files do not fit together: each is typed as it stands, and works."""

from __future__ import annotations

import re

import polars as pl
import pytest
from tests.conftest import Pipeline

IMPORT = "from pathlib import Path"
NUMBERS = '{"id": 1, "v": 7}\n' * 200


def _bronze(pipeline: Pipeline, reading: str) -> str | None:
    pipeline.asset(
        "bronze.x",
        f"""
        {IMPORT if IMPORT in reading else ""}


        @bronze
        def x() -> pl.LazyFrame:
            return {reading.partition("by itself: ")[2] or reading}
        """,
    )
    error = pipeline.run().assets[0].error
    return None if error is None else error.hint


@pytest.mark.parametrize("other", ["id,w\n2,3\n", "id,v,w\n2,3,4\n"])
def test_a_csv_file_with_other_columns_is_named_and_the_hint_reads_it(
    pipeline: Pipeline, other: str
) -> None:
    pipeline.write("landing/a.csv", "id,v\n1,2\n")
    pipeline.write("landing/b.csv", other)

    hint = _bronze(pipeline, 'pl.scan_csv("landing/*.csv")')

    assert hint is not None
    assert "`landing/b.csv` has other columns than `landing/a.csv`" in hint
    assert _bronze(pipeline, hint) is None
    assert sorted(pipeline.table("bronze.x").columns) == ["id", "v", "w"]


def test_a_file_with_other_types_than_the_table_has_is_named(pipeline: Pipeline) -> None:
    pipeline.write("landing/a.csv", "id,v\n1,2\n")
    assert _bronze(pipeline, 'pl.scan_csv("landing/*.csv")') is None
    pipeline.write("landing/b.csv", "id,v\n2.5,zz\n")

    hint = _bronze(pipeline, 'pl.scan_csv("landing/*.csv", infer_schema_length=None)')

    assert hint is not None
    assert hint.startswith("`v` is String in `landing/b.csv` and Int64 in `landing/a.csv`; ")


def test_the_hint_keeps_the_options_that_a_file_is_read_with(pipeline: Pipeline) -> None:
    pipeline.write("landing/a.csv", "id;v\n1;2\n")
    pipeline.write("landing/b.csv", "id;w\n2;3\n")

    hint = _bronze(pipeline, "pl.scan_csv('landing/*.csv', separator=';')")

    assert hint is not None
    assert _bronze(pipeline, hint) is None
    assert sorted(pipeline.table("bronze.x").columns) == ["id", "v", "w"]


def test_a_parquet_file_with_another_type_is_named_and_the_hint_reads_it(
    pipeline: Pipeline,
) -> None:
    for name, values in ("a", [1]), ("b", ["x"]):
        (pipeline.root / "landing").mkdir(exist_ok=True)
        pl.DataFrame({"v": values}).write_parquet(pipeline.root / f"landing/{name}.parquet")

    hint = _bronze(pipeline, 'pl.scan_parquet("landing/*.parquet")')

    assert hint is not None
    assert "`landing/b.parquet`" in hint
    assert _bronze(pipeline, hint) is None
    assert sorted(pipeline.table("bronze.x")["v"]) == ["1", "x"]


@pytest.mark.parametrize(
    ("line", "kept"), [('{"id": 2, "v": "x"}', "x"), ('{"id": 2, "v": 3.5}', 3.5)]
)
def test_a_line_of_json_with_another_kind_of_value_is_named_and_the_hint_reads_it(
    pipeline: Pipeline, line: str, kept: object
) -> None:
    pipeline.write("landing/m.jsonl", NUMBERS + line)

    hint = _bronze(pipeline, 'pl.scan_ndjson("landing/m.jsonl")')

    assert hint is not None
    assert "line 201 of `landing/m.jsonl`" in hint
    said = re.search(r"schema_overrides=.*", hint)
    assert said is not None
    assert _bronze(pipeline, f'pl.scan_ndjson("landing/m.jsonl", {said[0]})') is None
    assert pipeline.table("bronze.x").filter(id=2)["v"].to_list() == [kept]


def test_an_error_that_is_not_of_the_files_gets_no_such_hint(pipeline: Pipeline) -> None:
    pipeline.write("landing/a.csv", "id,v\n1,2\n")

    hint = _bronze(pipeline, 'pl.scan_csv("landing/*.csv").select(pl.col("v").str.to_date())')

    assert hint is None or "landing" not in hint


@pytest.mark.parametrize(
    "text", ["in/**.csv", "/.csv", "a\\0b.csv", "**/../x**y.csv", "x" * 300 + ".csv"]
)
def test_text_that_is_no_path_does_not_hide_the_error_of_the_files(
    pipeline: Pipeline, text: str
) -> None:
    pipeline.write("landing/a.csv", "id,v\n1,2\n")
    pipeline.write("landing/b.csv", "id,w\n2,3\n")

    hint = _bronze(pipeline, f'pl.scan_csv("landing/*.csv" if "{text}" else "")')

    assert hint is not None
    assert "`landing/b.csv` has other columns" in hint


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", ["id,n\u00e4me\n1,\u00e4\n2,\u4e2d\n", "id\n1\n2\n"])
def test_a_csv_file_in_utf_16_is_named_and_the_hint_reads_it(
    pipeline: Pipeline, text: str, encoding: str
) -> None:
    (pipeline.root / "a.csv").write_bytes(text.encode(encoding))

    hint = _bronze(pipeline, 'pl.scan_csv("a.csv")')

    assert hint is not None
    assert hint.startswith("its file is not UTF-8, but UTF-16 by its look: write pl.read_csv(")
    typed, _, replaced = hint.partition("write ")[2].partition(" for ")
    assert replaced == "pl.scan_csv(…)"
    assert _bronze(pipeline, typed.replace("…", '"a.csv"')) is None
    assert pipeline.table("bronze.x").to_dict(as_series=False) == {
        "id": [1, 2],
        **({"n\u00e4me": ["\u00e4", "\u4e2d"]} if "," in text else {}),
    }


@pytest.mark.parametrize("name", ["a\\0b", "*", "^a.*$"])
def test_a_column_that_nothing_can_ask_for_is_renamed_by_the_hint(
    pipeline: Pipeline, name: str
) -> None:
    frame = f'pl.LazyFrame({{"{name}": [1]}})'

    hint = _bronze(pipeline, frame)

    assert hint is not None
    assert _bronze(pipeline, frame + hint.partition("by its place: ")[2]) is None
    assert pipeline.table("bronze.x").columns == ["column"]
