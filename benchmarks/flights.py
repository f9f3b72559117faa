"""The flights of 2013: ``polster run`` beside the plain script that writes the same 13 tables.

Each round starts three fresh processes: ``flights_plain.py`` into an empty folder, ``polster run``
over a fresh copy of ``examples/flights``, and the same ``polster run`` again, with nothing
changed. Rounds alternate the order, so that a machine that slows down slows both sides. One round
before the first is not counted: it fills the caches of files and bytecode.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import (
    POLSTER,
    PYTHON,
    Cost,
    Result,
    median_peak,
    median_seconds,
    say,
    show_costs,
    timed,
)

PLAIN_SCRIPT = Path(__file__).with_name("flights_plain.py")
EXAMPLE = Path(__file__).parents[1] / "examples" / "flights"
LEFT_OUT = shutil.ignore_patterns("data", "landing", "__pycache__", ".*cache", ".venv")
TABLES = 13

PLAIN = "plain script"
FIRST = "polster run, first"
UNCHANGED = "polster run, unchanged"


ONE_FILE = """\
import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze{options}
def flights() -> pl.LazyFrame:
    return pl.scan_csv({file}, infer_schema=False)
"""
"""The flights of the year in one file, as the plain script reads them."""


def copy_example(project: Path, file: str, options: str = "") -> None:
    """Copy the example, its flights in one file.

    Args:
        project: Where to.
        file: An expression.
        options: Of bronze, in parentheses.
    """
    shutil.copytree(EXAMPLE, project, ignore=LEFT_OUT)
    bronze = project / "src" / "core" / "bronze_flights.py"
    bronze.write_text(ONE_FILE.format(file=file, options=options), encoding="utf-8")


def measure(rounds: int) -> list[Result]:
    """Print what each side took; return the ratios."""
    costs: dict[str, list[Cost]] = {PLAIN: [], FIRST: [], UNCHANGED: []}
    for number in range(rounds + 1):
        say(f"flights: round {number} of {rounds}")
        measured = _round(plain_first=number % 2 == 0)
        if number > 0:
            for name, cost in measured.items():
                costs[name].append(cost)
    show_costs("flights: 336,776 rows, 13 tables", costs)
    plain = median_seconds(costs[PLAIN])
    return [
        Result("flights, first run / plain script", median_seconds(costs[FIRST]) / plain, 1.25),
        Result("flights, peak memory", median_peak(costs[FIRST]) / median_peak(costs[PLAIN]), 1.0),
        Result("flights, unchanged / plain script", median_seconds(costs[UNCHANGED]) / plain, 0.35),
    ]


def _round(*, plain_first: bool) -> dict[str, Cost]:
    """Run each side once, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="polster-flights-") as folder:
        order = (_plain, _polster) if plain_first else (_polster, _plain)
        return order[0](Path(folder)) | order[1](Path(folder))


def _plain(folder: Path) -> dict[str, Cost]:
    cost, _ = timed([PYTHON, str(PLAIN_SCRIPT), str(folder / "plain")])
    return {PLAIN: cost}


def _polster(folder: Path) -> dict[str, Cost]:
    project = folder / "flights"
    copy_example(project, "csv_file('flights')")
    command = [*POLSTER, "run", "--format", "json", "--project", str(project)]
    first, output = timed(command)
    _expect(output, "published")
    second, output = timed(command)
    _expect(output, "unchanged")
    return {FIRST: first, UNCHANGED: second}


def _expect(output: str, status: str) -> None:
    """End the benchmark unless all assets ended so: otherwise the figures mean nothing."""
    found = [asset["status"] for asset in json.loads(output)["assets"]]
    if found != [status] * TABLES:
        sys.exit(f"{TABLES} assets should be {status}, but they are: {', '.join(found)}")
