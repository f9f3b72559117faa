from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.model.finding import Edit

if TYPE_CHECKING:
    from tests.checks.habits.conftest import Source

READS = [
    ("", "pl.read_csv('a.csv')"),
    ("import polars as p", "p.scan_parquet('a.parquet')"),
    ("from polars import read_csv as rc", "rc('a.csv')"),
    ("", "open('a.txt').read()"),
    ("", "list(map(open, ['a.txt']))"),
    ("", "read = pl.read_csv\nread('a.csv')"),
    ("from pathlib import Path", "Path('a.txt').read_text()"),
    ("from pathlib import Path", "(Path('a') / 'b.txt').open()"),
    ("import pathlib", "place = pathlib.Path('a')\nplace.exists()"),
    ("from pathlib import Path\nPLACE = Path('a')", "PLACE.glob('*.csv')"),
    ("import os", "os.listdir('a')"),
    ("import requests", "requests.get('x')"),
    ("import httpx", "httpx.Client()"),
    ("import urllib.request", "urllib.request.urlopen('x')"),
    ("from urllib.request import urlopen", "urlopen('x')"),
    ("import sqlite3 as db", "db.connect('x')"),
    ("import duckdb", "duckdb.sql('select 1')"),
    ("from google.cloud import storage", "storage.Client()"),
    ("import subprocess", "subprocess.run(['ls'])"),
    ("from deltalake import DeltaTable", "DeltaTable('x')"),
    ("import pandas as pd", "pd.read_excel('a.xlsx')"),
    ("import numpy as np", "np.loadtxt('a.txt')"),
    ("", "Contract.scan_parquet('a.parquet')"),
    ("", "import boto3\nboto3.client('s3')"),
]


@pytest.mark.parametrize(("top", "body"), READS)
def test_whatever_reads_past_the_parameters_is_found_in_silver(
    source: Source, top: str, body: str
) -> None:
    source.silver(f"{body}\nreturn rows\n", top=top)

    assert source.codes() == ["POL603"]


@pytest.mark.parametrize(("top", "body"), READS)
def test_bronze_may_read(source: Source, top: str, body: str) -> None:
    body = body.replace("Contract.", "dy.Schema.")
    source.bronze(f"{body}\nreturn pl.LazyFrame()\n", top=top)

    assert source.codes() == []


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("", "rows.sink_csv('a.csv')"),
        ("", "rows.collect_schema()\nrows.head().sink_parquet('a.parquet')"),
        ("", "open('a.txt', 'w')"),
        ("", "open('a.txt', mode='ab')"),
        ("from pathlib import Path", "Path('a.txt').write_text('')"),
        ("from pathlib import Path", "Path('a.txt').open('w')"),
        ("from pathlib import Path", "Path('a').mkdir()"),
        ("import shutil", "shutil.rmtree('a')"),
        ("import matplotlib.pyplot as plt", "plt.savefig('a.png')"),
        ("import os", "os.remove('a')"),
        ("import zipfile", "zipfile.ZipFile('a', 'w')"),
        ("from deltalake import write_deltalake", "write_deltalake('a', None)"),
    ],
)
def test_whatever_writes_is_found_in_silver(source: Source, top: str, body: str) -> None:
    source.silver(f"{body}\nreturn rows\n", top=top)

    assert source.codes() == ["POL604"]


@pytest.mark.parametrize("writer", ["write_delta", "sink_delta"])
def test_no_layer_writes_a_table_itself(source: Source, writer: str) -> None:
    source.bronze(f"rows = pl.LazyFrame()\nrows.{writer}('data/bronze/x')\nreturn rows\n")

    assert source.codes() == ["POL604"]


def test_bronze_may_keep_a_file_that_it_fetched(source: Source) -> None:
    source.bronze("open('landing/a', 'w')\nreturn pl.LazyFrame()\n")

    assert source.codes() == []


@pytest.mark.parametrize(
    ("top", "body"),
    [
        ("", "requests = rows\nrequests.get_column_names = 1"),
        ("import gc", "gc.collect()"),
        ("class Box:\n    def collect(self): ...\n", "Box().collect()\nbox = Box()\nbox.collect()"),
        ("class Box:\n    def fetch(self): ...\n    def go(self): return self.fetch()\n", "Box()"),
        ("import io", "pl.read_csv(io.StringIO('a,b'))"),
        ("", "open = rows\nopen.select('id')"),
        ("", "rows.collect_schema()"),
        ("", "pl.DataFrame({'a': [1]}).write_json()"),
        ("import shutil", "shutil.which('git')"),
        ("from pathlib import PurePath", "PurePath('a').stem"),
        ("import requests", "kept = requests.exceptions.HTTPError('x')"),
        ("", "rows.rename({'a': 'b'})\nrows.with_columns(pl.col('a').replace('b', 'c'))"),
        ("", "rows.select(pl.col('a').str.replace('x', 'y').name.suffix('open'))"),
    ],
)
def test_what_stays_inside_is_no_finding(source: Source, top: str, body: str) -> None:
    source.silver(f"{body}\nreturn rows\n", top=top)

    assert source.findings() == []


@pytest.mark.parametrize(
    "body",
    ["rows.collect()", "rows.select('a').collect(engine='streaming')", "pl.collect_all([rows])"],
)
def test_collecting_is_found(source: Source, body: str) -> None:
    source.gold(f"{body}\nreturn rows\n")

    assert source.codes() == ["POL605"]


def test_a_finding_points_at_the_method_and_counts_characters(source: Source) -> None:
    source.gold(
        """
        return (
            rows.filter(pl.col("id") > 1)
            .filter(pl.col("größe") > 1).collect().lazy()
        )
        """
    )

    assert source.shown() == [("POL605", "collect().lazy()")]


def fixed(source: Source, path: str, fix: Edit | None) -> str:
    assert fix is not None
    lines = (source.root / path).read_bytes().splitlines(keepends=True)
    before = b"".join(lines[: fix.line - 1]) + lines[fix.line - 1][: fix.column]
    behind = lines[fix.end_line - 1][fix.end_column :] + b"".join(lines[fix.end_line :])
    return (before + fix.text.encode() + behind).decode()


@pytest.mark.parametrize(
    ("body", "mended"),
    [
        ('return rows.select("ö").collect()', 'return rows.select("ö")'),
        ("return (rows).collect()", "return (rows)"),
        ('return rows.collect(engine="streaming")', "return rows"),
        (
            'return (\n    rows.select("a")  # all\n    .collect()\n)',
            'return (\n    rows.select("a")  # all\n)',
        ),
        (
            "return (\n    rows  # all\n    .collect())",
            "return (\n    rows  # all\n    )",
        ),
    ],
)
def test_a_collect_at_the_end_of_a_function_can_be_taken_away(
    source: Source, body: str, mended: str
) -> None:
    path = source.silver(f"{body}\n")

    [finding] = source.findings()

    after = fixed(source, path, finding.fix)
    source.silver(f"{mended}\n")
    assert after == (source.root / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("body", "returns"),
    [
        ("return rows.collect().lazy()", "pl.LazyFrame"),
        ("return rows.collect()", "pl.DataFrame"),
        ("def inner():\n    return rows.collect()\nreturn inner().lazy()", "pl.LazyFrame"),
        ("return rows.collect(optimizations=None)", "pl.LazyFrame"),
    ],
)
def test_any_other_collect_has_to_be_mended_by_hand(
    source: Source, body: str, returns: str
) -> None:
    source.silver(f"{body}\n", returns=returns)

    [finding] = source.findings()

    assert (finding.code, finding.fix) == ("POL605", None)
