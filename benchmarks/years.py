"""Years of small runs: whether a run costs more, the more there were before it.

The runs are those of one process, through the operation that ``polster run`` calls, so that what
grows is not hidden behind the start of Python. Each lands a small batch in bronze and makes silver
and gold of it. What takes years happens here within minutes: of what is no longer current 30
releases stay, and who reads without a word has seconds, where it is seven days and five minutes.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.measure import Result, say
from polster.lakehouse import upkeep
from polster.model.event import nobody
from polster.model.record import AssetStatus
from polster.operations.open_project import open_project
from polster.operations.run import run

RUNS = 2000
PART = 100
"""So many at the beginning and at the end are compared."""
ROWS = 50
MONTH = 500
"""So many rows are a month. Gold makes the newest month alone as soon as there are two: soon, so
that the first runs, which the last are held against, do the same."""
READING = timedelta(seconds=5)
FILES = 1500
"""Files and entries of logs, of the three tables and of Polster's own, that are to be enough."""
SETTINGS = """\
[tool.polster.upkeep]
keep_days = 0
keep_releases = 30
"""
BRONZE = f'''\
"""Readings of a meter."""

import polars as pl
import polster
from polster import bronze


@bronze(load="append")
def readings(run: polster.RunContext) -> pl.LazyFrame:
    start = int(pl.read_csv("turn.csv")["turn"][0]) * {ROWS}
    number = pl.Series(range(start, start + {ROWS}))
    return pl.LazyFrame({{"number": number, "month": number // {MONTH}, "value": number % 97}})
'''
SILVER = '''\
"""Readings, each once."""

import dataframely as dy
import polars as pl
from polster import silver


class Clean(dy.Schema):
    number = dy.Int64(primary_key=True)
    month = dy.Int64(nullable=False)
    value = dy.Int64(nullable=False, min=0)


@silver(contract=Clean)
def clean(readings: pl.LazyFrame) -> pl.LazyFrame:
    return readings.select("number", "month", "value")
'''
GOLD = '''\
"""What each month used."""

import dataframely as dy
import polars as pl
from polster import gold


class Monthly(dy.Schema):
    month = dy.Int64(primary_key=True)
    value = dy.Int64(nullable=False)


@gold(contract=Monthly)
def monthly(clean: pl.LazyFrame) -> pl.LazyFrame:
    return clean.group_by("month").agg(pl.col("value").sum())
'''


def measure(rounds: int, runs: int = RUNS) -> list[Result]:
    """Do the runs once, whatever the rounds; set the last of them beside the first."""
    del rounds
    with tempfile.TemporaryDirectory(prefix="polster-years-") as folder:
        seconds, busy = _run(Path(folder), runs)
        files = sum(1 for path in Path(folder, "data").rglob("*") if path.is_file())
    part = min(PART, runs // 2)
    say("")
    print(f"\r{runs} runs of {ROWS} rows; of each {part}: median, mean, slowest, CPU time (mean)")
    for start in range(0, runs, part):
        some = seconds[start : start + part]
        mean = sum(some) / len(some)
        cpu = sum(busy[start : start + part]) / len(some)
        print(f"{start:6}  {median(some):7.3f} s {mean:7.3f} s {max(some):7.3f} s {cpu:7.3f} s")
    print(f"{files} files at the end\n")
    first, last = sum(seconds[:part]), sum(seconds[-part:])
    cpu_ratio = sum(busy[-part:]) / sum(busy[:part])
    return [
        Result(f"years, the last {part} of {runs} runs / the first", last / first, 1.2),
        Result("years, the same in CPU time", cpu_ratio, 1.2),
        Result(f"years, files after {runs} runs", files, FILES),
    ]


def _run(root: Path, runs: int) -> tuple[list[float], list[float]]:
    source = root / "src" / "core"
    source.mkdir(parents=True)
    (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (source / "__init__.py").touch()
    for name, text in (
        ("bronze_readings", BRONZE),
        ("silver_clean", SILVER),
        ("gold_monthly", GOLD),
    ):
        (source / f"{name}.py").write_text(text, encoding="utf-8")
    upkeep.READING = READING
    seconds: list[float] = []
    busy: list[float] = []
    for number in range(-1, runs):  # one more, before the others, imports what all need
        say(f"years: run {number} of {runs}")
        (root / "turn.csv").write_text(f"turn\n{number + 1}\n", encoding="utf-8")
        begun, busy_before = time.perf_counter(), time.process_time()
        record = run(open_project(root), listener=nobody)
        seconds.append(time.perf_counter() - begun)
        busy.append(time.process_time() - busy_before)
        if {each.status for each in record.assets} != {AssetStatus.PUBLISHED} or record.warnings:
            sys.exit(f"run {number} did not publish everything: {record}")
    return seconds[1:], busy[1:]
