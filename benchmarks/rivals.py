"""Polster beside dbt-duckdb and SQLMesh: the pipeline of the flights, run as new flights arrive.

    python -m benchmarks.rivals [--copies 20] [--rounds 3] [--environments FOLDER]

Each rival gets an environment of its own, and the project that its users would write
(``rivals_projects.py``), in each of the ways that it offers for new rows: by what was delivered and
its keys, and by the time of the flights. All read the same folder of deliveries, with two threads.
Figures are of whole commands, start-up included, and are shown only if silver's flights and all of
gold are the same in each project after each command of the first round.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import polars as pl
import polars.selectors as cs
from polars.testing import assert_frame_equal

from benchmarks.flights import EXAMPLE, LEFT_OUT
from benchmarks.flights_plain import csv_file
from benchmarks.incremental import (
    ALL,
    AT_THE_END,
    NOTHING,
    ONE_YEAR,
    SCATTERED,
    Edits,
    edit,
    new_flights,
    write_flights,
)
from benchmarks.measure import (
    ENVIRONMENT,
    POLSTER,
    PYTHON,
    Cost,
    Result,
    best_seconds,
    median_cpu,
    median_seconds,
    say,
    show_results,
    timed,
)
from benchmarks.rivals_projects import SILVER, dbt_project, sqlmesh_project

COPIES = 20
REQUIREMENTS = {
    "dbt": ("dbt-core>=1.11.16,<1.12", "dbt-duckdb>=1.11.1"),  # 1.12 is downloaded from elsewhere
    "sqlmesh": ("sqlmesh>=0.236.4",),
}
QUIET = ENVIRONMENT | {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "SQLMESH__DISABLE_ANONYMIZED_ANALYTICS": "true",
    "NO_COLOR": "1",
}
DAYS = {AT_THE_END: ("2013-12-27", "2013-12-31"), SCATTERED: ("2013-12-31", "2014-01-01")}
"""When the deliveries arrive: all but the new flights, and the new ones."""
STEPS = (ALL, AT_THE_END, SCATTERED, NOTHING)
GOLD = {
    "carrier_delays": ("carrier", "month"),
    "plane_utilisation": ("tailnum",),
    "weather_delays": ("visibility", "wind", "rain"),
}
LANDS_FILES: Edits = {
    "bronze_flights.py": (("landing/flights/*.csv", "landing/flights/*/*.csv"),),
}
EXPORT = """
import sys
import duckdb

database, folder, *tables = sys.argv[1:]
connection = duckdb.connect(database, read_only=True)
for table in tables:
    name = table.replace(".", "_")
    connection.execute(f"COPY (FROM {table}) TO '{folder}/{name}.parquet' (FORMAT parquet)")
"""
VERSIONS = """
from importlib.metadata import distributions

names = ("dbt-core", "dbt-duckdb", "sqlmesh", "duckdb")
found = {each.name: each.version for each in distributions()}
print(", ".join(f"{name} {found[name]}" for name in names if name in found))
"""
NOTES = """\
Late flights: dbt's microbatch and SQLMesh's time range know days of flights, and not when a flight
arrives. They are given what makes the tables right: the twelve months that late flights may be of,
and a lookback of 366 days. Every run would take that; "nothing new" is measured without it.
SQLMesh, by delivery: silver holds each delivery once, but its keys are not looked at.
Rivals drop the rows that break silver's rules. Polster keeps them apart with the reasons, looks for
keys in all of the table, judges gold too, and runs the same function and command each time.
"""


@dataclass(frozen=True, slots=True)
class Contestant:
    """A tool, and one of its ways to see what is new.

    Attributes:
        tool: ``polster``, or whose environment it needs.
        write: Makes the project in a folder, for new flights at the end or of any day.
        commands: For the first run, the new flights, and nothing; what follows the program's name.
        table: The name of a table in its database, given layer and name; unused by Polster.
    """

    name: str
    tool: str
    write: Callable[[Path, str], None]
    commands: Callable[[str], Iterable[Sequence[str]]]
    table: str = "{}.{}"


def measure(rounds: int, *, copies: int = COPIES, environments: Path | None = None) -> list[Result]:
    """Print what each command took in each tool; return the ratios to the faster way of each rival.

    Args:
        rounds: How often each contestant does all of it, in turns.
        copies: How many times the flights of 2013.
        environments: Where the rivals' environments are, or will be; by default in a folder of the
            temporary ones, which stays.
    """
    environments = environments or Path(tempfile.gettempdir()) / "polster-rivals"
    pythons = {"polster": Path(PYTHON)}
    for tool, requirements in REQUIREMENTS.items():
        say(f"rivals: installing {tool}")
        pythons[tool] = _environment(environments / tool, requirements)
    costs: dict[tuple[str, str], list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="polster-rivals-") as name:
        folder = Path(name)
        for scenario in (AT_THE_END, SCATTERED):
            say(f"rivals: {scenario}, writing the flights")
            new = new_flights(at_the_end=scenario == AT_THE_END)
            rows = write_flights(folder, new, copies=copies)
            expected: dict[str, dict[str, pl.DataFrame]] = {}
            for number in range(rounds):
                for contestant in CONTESTANTS:
                    say(f"rivals: {scenario}, round {number + 1} of {rounds}, {contestant.name}")
                    python = pythons[contestant.tool]
                    project = folder / "project"
                    shutil.rmtree(project, ignore_errors=True)
                    contestant.write(project, scenario)
                    for step, cost in _steps(contestant, scenario, project, python):
                        costs.setdefault((contestant.name, step), []).append(cost)
                        if number == 0:
                            tables = _tables(contestant, project, python)
                            _compare(tables, expected.setdefault(step, tables), contestant, step)
    _show(rows, costs, [_versions(pythons[tool]) for tool in REQUIREMENTS])
    return _results(costs)


def _environment(folder: Path, requirements: Sequence[str]) -> Path:
    """Make a virtual environment, unless it is there already; return its Python."""
    python = folder / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    complete = folder / "requirements.txt"
    wanted = "\n".join(requirements)
    if not complete.is_file() or complete.read_text(encoding="utf-8") != wanted:
        timed([PYTHON, "-m", "venv", "--clear", str(folder)])
        timed([str(python), "-m", "pip", "install", "--quiet", *requirements])
        complete.write_text(wanted, encoding="utf-8")
    return python


def _steps(
    contestant: Contestant, scenario: str, project: Path, python: Path
) -> Iterator[tuple[str, Cost]]:
    """Let what is new arrive and run the tool over it, step by step."""
    steps = (ALL, scenario, NOTHING) if scenario == AT_THE_END else (ALL, scenario)
    program = POLSTER if contestant.tool == "polster" else (str(python.with_name(contestant.tool)),)
    for step, delivery, command in zip(
        steps, ("all.csv", "new.csv", ""), contestant.commands(scenario), strict=False
    ):
        if delivery:
            day = DAYS[scenario][step != ALL]
            arrived = project / "landing" / "flights" / f"delivered={day}" / "flights.csv"
            arrived.parent.mkdir(parents=True)
            arrived.hardlink_to(project.parent / delivery)
        cost, _ = timed([*program, *command], folder=project, environment=QUIET)
        yield step, cost


def _tables(contestant: Contestant, project: Path, python: Path) -> dict[str, pl.DataFrame]:
    """Return gold by its keys, and of silver's flights the number of rows and a hash of all."""
    names = ("silver.flights", *(f"gold.{name}" for name in GOLD))
    if contestant.tool != "polster":
        theirs = [contestant.table.format(*name.split(".")) for name in names]
        timed([str(python), "-c", EXPORT, str(project / "flights.db"), str(project), *theirs])
    found = {}
    for name in names:
        if contestant.tool == "polster":
            rows = pl.scan_delta(project / "data" / name.replace(".", "/"))
        else:
            rows = pl.scan_parquet(project / f"{name.replace('.', '_')}.parquet")
            rows = rows.drop("delivered", strict=False)
            rows = rows.with_columns(cs.datetime().dt.replace_time_zone("UTC"))
        rows = rows.select(pl.col(column) for column in sorted(rows.collect_schema().names()))
        if name == "silver.flights":
            hashes = pl.struct(pl.all()).hash(1).sum()
            rows = rows.cast({cs.integer(): pl.Int64}).select(rows=pl.len(), hashes=hashes)
        found[name] = rows.sort(GOLD.get(name.removeprefix("gold."), "rows")).collect()
    return found


def _compare(
    tables: dict[str, pl.DataFrame],
    expected: dict[str, pl.DataFrame],
    contestant: Contestant,
    step: str,
) -> None:
    """End the benchmark unless all tables are the same: else the figures mean nothing."""
    for name, table in tables.items():
        try:
            assert_frame_equal(table, expected[name], check_dtypes=False, rel_tol=1e-9)
        except AssertionError as error:
            sys.exit(f"{name} of {contestant.name} is not what Polster makes: {step}\n{error}")


def _polster(project: Path, _: str) -> None:
    shutil.copytree(EXAMPLE, project, ignore=LEFT_OUT)
    edit(project, {**ONE_YEAR, **LANDS_FILES})


def _rival(files: Callable[[str], dict[str, str]], project: Path, scenario: str) -> None:
    for name, text in files(scenario).items():
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    landing = project / "landing"
    landing.mkdir()
    for name in SILVER:
        shutil.copy(csv_file(name, landing=project.parent), landing)


def _dbt_microbatch(scenario: str) -> Iterator[Sequence[str]]:
    """Name the months: all, those in which flights are new, and the next."""
    first = "2013-12-01" if scenario == AT_THE_END else "2013-01-01"
    for start, end in (
        ("2013-01-01", "2014-01-01"),
        (first, "2014-01-01"),
        ("2014-01-01", "2014-02-01"),
    ):
        yield "run", "--event-time-start", start, "--event-time-end", end


def _sqlmesh(scenario: str) -> Iterator[Sequence[str]]:
    """Deploy on the day after the first delivery, then run as the days go by."""
    first, second = (date.fromisoformat(day) for day in DAYS[scenario])
    tomorrow = str(first + timedelta(days=1))
    yield "plan", "--auto-apply", "--no-prompts", "--skip-tests", "--execution-time", tomorrow
    yield "run", "--end", str(second)
    yield "run", "--end", str(second + timedelta(days=1))


def _show(rows: int, costs: Mapping[tuple[str, str], list[Cost]], versions: Sequence[str]) -> None:
    """Print what each contestant took for each step, and Polster's share of that."""
    say("")
    print(f"\rrivals: {rows:,} flights; {', '.join(versions)}; median and best wall, CPU seconds")
    print(f"{'':36}" + "".join(f"{step:>24}" for step in STEPS))
    for contestant in CONTESTANTS:
        each = [costs[contestant.name, step] for step in STEPS]
        cells = [
            f"{median_seconds(cost):.2f}{best_seconds(cost):8.2f}{median_cpu(cost):8.2f}"
            for cost in each
        ]
        print(f"{contestant.name:36}" + "".join(f"{cell:>24}" for cell in cells))
    for contestant in CONTESTANTS[1:]:
        cells = []
        for step in STEPS:
            ours, theirs = costs[CONTESTANTS[0].name, step], costs[contestant.name, step]
            wall, best, cpu = (
                measured(ours) / measured(theirs)
                for measured in (median_seconds, best_seconds, median_cpu)
            )
            cells.append(f"{wall:.2f}{best:8.2f}{cpu:8.2f}")
        print(f"Polster / {contestant.name:26}" + "".join(f"{cell:>24}" for cell in cells))
    print(NOTES)


def _results(costs: Mapping[tuple[str, str], list[Cost]]) -> list[Result]:
    """Set Polster beside the faster way of each rival."""
    results = []
    for tool in REQUIREMENTS:
        for step in STEPS:
            ours = median_seconds(costs[CONTESTANTS[0].name, step])
            ways = [each.name for each in CONTESTANTS if each.tool == tool]
            theirs = min(median_seconds(costs[way, step]) for way in ways)
            results.append(Result(f"rivals, {step} / {tool}", ours / theirs, 1.0))
    return results


def _versions(python: Path) -> str:
    _, versions = timed([str(python), "-c", VERSIONS])
    return versions.strip()


RUN: tuple[Sequence[str], ...] = (("run",),) * 3
CONTESTANTS = (
    Contestant("Polster", "polster", _polster, lambda _: RUN),
    Contestant(
        "dbt, is_incremental",
        "dbt",
        partial(_rival, lambda _: dbt_project(microbatch=False)),
        lambda _: RUN,
        "{}_{}",
    ),
    Contestant(
        "dbt, microbatch",
        "dbt",
        partial(_rival, lambda _: dbt_project(microbatch=True)),
        _dbt_microbatch,
        "{}_{}",
    ),
    Contestant(
        "SQLMesh, by unique key",
        "sqlmesh",
        partial(_rival, lambda _: sqlmesh_project(silver="key")),
        _sqlmesh,
    ),
    Contestant(
        "SQLMesh, by time range",
        "sqlmesh",
        partial(
            _rival,
            lambda scenario: sqlmesh_project(
                silver="flight_date", lookback=366 if scenario == SCATTERED else 0
            ),
        ),
        _sqlmesh,
    ),
    Contestant(
        "SQLMesh, by delivery",
        "sqlmesh",
        partial(_rival, lambda _: sqlmesh_project(silver="delivered")),
        _sqlmesh,
    ),
)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure with what the command line says."""
    parser = arguments_parser()
    said = parser.parse_args(arguments)
    if said.rounds < 1 or said.copies < 1:
        parser.error("at least one round and one copy")
    show_results(measure(said.rounds, copies=said.copies, environments=said.environments))


def arguments_parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rivals", description=__doc__)
    parser.add_argument("--copies", type=int, default=COPIES, help="of the flights (default 20)")
    parser.add_argument("--rounds", type=int, default=3, help="counted rounds (default 3)")
    parser.add_argument(
        "--environments", type=Path, metavar="FOLDER", help="where the rivals' environments stay"
    )
    return parser


if __name__ == "__main__":
    main()
