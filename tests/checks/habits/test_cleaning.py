from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.habits.conftest import Source


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ("return pl.scan_csv('a').filter(pl.col('x') > 1)", "filter(pl.col('x') > 1)"),
        ("rows = pl.read_csv('a')\nreturn rows.unique()", "unique()"),
        (
            "return pl.scan_csv('a').join(pl.scan_csv('b'), on='x')",
            "join(pl.scan_csv('b'), on='x')",
        ),
        ("rows = pl.read_csv('a')\nrows = rows.unique()\nreturn rows", "unique()"),
        (
            "rows = pl.scan_csv('a')\nrows = rows.select('x')\nrows = rows.drop_nulls()\n"
            "return rows",
            "drop_nulls()",
        ),
        ("a = pl.scan_csv('a')\nb = a.select('x')\nreturn b.drop_nulls()", "drop_nulls()"),
        (
            "return pl.scan_csv('a').with_columns(pl.col('x').cast(pl.Int64))",
            "cast(pl.Int64))",
        ),
        (
            "return pl.concat([pl.scan_csv('a')]).group_by('x').agg()",
            "group_by('x').agg()",
        ),
        (
            "return pl.scan_csv('a').select(pl.col('d').str.to_date())",
            "to_date())",
        ),
    ],
)
def test_bronze_that_cleans_is_found(source: Source, body: str, shown: str) -> None:
    source.bronze(f"{body}\n")

    assert source.shown() == [("POL621", shown)]


def test_a_helper_of_bronze_that_cleans_a_frame_is_found(source: Source) -> None:
    helper = "def clean(rows: pl.LazyFrame):\n    rows = rows.select('x')\n    return rows.unique()"
    source.bronze("return clean(pl.scan_csv('a'))\n", top=helper)

    assert source.shown() == [("POL621", "unique()")]


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("", "return pl.scan_csv('a').select('x').rename({'x': 'y'})"),
        ("import os", "return pl.scan_csv(os.path.join('a', 'b'))"),
        ("", "names = ['a']\nreturn pl.scan_csv('/'.join(names))"),
        ("", "return pl.scan_csv('a').with_columns(source=pl.lit(None).cast(pl.String))"),
        ("", "kept = set()\nkept.remove(1)\nreturn pl.LazyFrame({'a': list(filter(None, kept))})"),
        ("import json", "rows = json.loads('[]')\nrows.filter(1)\nreturn pl.LazyFrame(rows)"),
    ],
)
def test_bronze_that_lands_what_arrived_is_no_finding(source: Source, top: str, body: str) -> None:
    source.bronze(f"{body}\n", top=top)

    assert source.findings() == []


def test_silver_is_there_to_clean(source: Source) -> None:
    source.silver("return rows.filter(pl.col('id') > 1).unique().cast(pl.Int64)\n")

    assert source.findings() == []
