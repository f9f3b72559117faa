"""New flights beside all flights: what a run takes for 1 % that is new, and for nothing.

Twenty times the flights of 2013 (6.7 million rows), each copy with carriers of its own, in a copy
of ``examples/flights`` whose bronze appends. All but 1 % lands first, then the rest: once the
flights of the last days, once flights of any day. Every table is compared with a full refresh.
"""

from __future__ import annotations

import itertools
import shutil
import string
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import polars as pl

from benchmarks.flights import copy_example
from benchmarks.flights_plain import csv_file
from benchmarks.measure import (
    POLSTER,
    PYTHON,
    Cost,
    Result,
    median_seconds,
    say,
    show_costs,
    timed,
)

COPIES = 20
ALL = "all but 1 %, first run"
AT_THE_END = "1 % new, at the end"
SCATTERED = "1 % new, of any day"
NOTHING = "nothing new"
Edits = Mapping[str, Sequence[tuple[str, str]]]
"""Texts and what stands in their place, by the file of an asset."""
ONE_YEAR: Edits = {  # what the example says of a year of one copy
    "gold_plane_utilisation.py": (
        ("max=366", "max=36600"),
        ("max=8760", "max=8760000"),
        ('pl.min_horizontal(span, "flights")', 'pl.max_horizontal(span, "flights")'),
        ('pl.col("days_active") * 24', 'pl.col("days_active") * 24000'),
    ),
}
COMPARE = """
import sys
import polars as pl

def told(root, table):
    rows = pl.scan_delta(f"{root}/{table}")
    row = pl.struct(pl.all()).hash(1)
    counted = rows.select(pl.len(), row.sum()).collect(engine="streaming").row(0)
    return rows.collect_schema(), counted

one, other, *tables = sys.argv[1:]
for table in tables:
    if told(one, table) != told(other, table):
        sys.exit(f"{table} is not what a full refresh makes")
"""
TABLES = (
    "silver/airlines",
    "silver/airports",
    "silver/flights",
    "silver/planes",
    "silver/weather",
    "gold/carrier_delays",
    "gold/plane_utilisation",
    "gold/weather_delays",
)


def measure(rounds: int) -> list[Result]:
    """Print what each run took; return the ratios to the run over all flights."""
    costs: dict[str, list[Cost]] = {ALL: [], AT_THE_END: [], SCATTERED: [], NOTHING: []}
    # In a process of its own: Linux counts what its parent ever held to the peak of each process.
    apart = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
    with tempfile.TemporaryDirectory(prefix="polster-incremental-") as folder, apart:
        for name in (AT_THE_END, SCATTERED):
            say(f"incremental: {name}, writing the flights")
            new = new_flights(at_the_end=name == AT_THE_END)
            flights = apart.submit(write_flights, Path(folder), new, copies=COPIES).result()
            for number in range(rounds):
                say(f"incremental: {name}, round {number + 1} of {rounds}")
                for said, cost in _round(Path(folder), name, compare=number == 0).items():
                    costs[said].append(cost)
    show_costs(f"incremental: {flights:,} flights, 13 tables", costs)
    whole = median_seconds(costs[ALL])
    aims = {AT_THE_END: 0.15, SCATTERED: 0.30, NOTHING: 0.05}
    return [
        Result(f"incremental, {name} / all", median_seconds(costs[name]) / whole, aim)
        for name, aim in aims.items()
    ]


def new_flights(*, at_the_end: bool) -> pl.Expr:
    """Return which flights are the new ones: those of the last four days, or some of any day."""
    if at_the_end:
        return (pl.col("month") == "12") & (pl.col("day").cast(pl.Int8) >= 28)
    return pl.int_range(pl.len()).hash(3) % 100 == 0


def write_flights(folder: Path, new: pl.Expr, *, copies: int) -> int:
    """Write ``all.csv`` and ``new.csv``, what is new last; return how many flights both hold."""
    flights = _copies(folder, copies)
    flights.filter(~new).write_csv(folder / "all.csv")
    flights.filter(new).write_csv(folder / "new.csv")
    return flights.height


def _round(folder: Path, name: str, *, compare: bool) -> dict[str, Cost]:
    project = folder / "flights"
    shutil.rmtree(project, ignore_errors=True)
    copy_example(project, "'landing/now.csv'", '(load="append")')
    edit(project, ONE_YEAR)
    now = project / "landing" / "now.csv"
    now.parent.mkdir()
    command = [*POLSTER, "run", "--project", str(project)]
    now.symlink_to(folder / "all.csv")
    first, _ = timed(command)
    now.unlink()
    now.symlink_to(folder / "new.csv")
    new, _ = timed(command)
    now.unlink()
    header = (folder / "new.csv").open().readline()
    now.write_text(header)
    nothing, _ = timed(command)
    if compare:
        shutil.copytree(project / "data", folder / "before")
        timed([*command, "--full-refresh"])
        timed([PYTHON, "-c", COMPARE, str(folder / "before"), str(project / "data"), *TABLES])
        shutil.rmtree(folder / "before")
    return {ALL: first, name: new, NOTHING: nothing}


def edit(project: Path, edits: Edits) -> None:
    """Replace texts in the assets of a project, by file; end if one is not there."""
    for name, replacements in edits.items():
        path = project / "src" / "core" / name
        text = path.read_text(encoding="utf-8")
        for old, new in replacements:
            if old not in text:
                sys.exit(f"{name} does not say {old!r} any more")
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")


def _copies(folder: Path, number: int) -> pl.DataFrame:
    """Return the flights so many times, the carriers of each copy under other codes."""
    flights = pl.read_csv(csv_file("flights", landing=folder), infer_schema=False)
    carriers = flights["carrier"].unique().sort().to_list()
    letters = string.digits + string.ascii_uppercase
    codes = ("".join(pair) for pair in itertools.product(letters, repeat=2))
    free = (code for code in codes if code not in carriers)
    copies = [flights]
    for _ in range(number - 1):
        renamed = dict(zip(carriers, free, strict=False))
        copies.append(flights.with_columns(pl.col("carrier").replace_strict(renamed)))
    return pl.concat(copies)
