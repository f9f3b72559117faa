"""Many tiny assets: what one asset costs when its data cost nothing.

A project of 10, 100 and 1,000 assets is generated, a third each layer, with real dependencies and
a contract with a key and a range each. Beside it a plain script writes as many Delta tables of the
same ten rows. Both start-ups are measured too, so that what is left belongs to the assets.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import POLSTER, PYTHON, Cost, Result, median_seconds, say, show_costs, timed

SIZES = (10, 100, 1000)
ROWS = 10

SETTINGS = """\
[project]
name = "many"
version = "0"

[tool.polster]
lakehouse = "data"
"""

BRONZE = '''\
"""Readings of source {number}."""

import polars as pl
from polster import bronze


@bronze
def source_{number}() -> pl.LazyFrame:
    """{rows} readings."""
    return pl.LazyFrame(
        {{"id": range({rows}), "amount": [float(n + {number}) for n in range({rows})]}}
    )
'''

TABLE = '''\
"""Table {number}."""

import dataframely as dy
import polars as pl
from polster import {layer}


class {contract}(dy.Schema):
    """One row per reading."""

    id = dy.Int64(primary_key=True)
    amount = dy.Float64(min=0, max=1_000_000)


@{layer}(contract={contract})
def {name}_{number}({parameters}) -> pl.LazyFrame:
    """{rows} readings, summed over what is read."""
    frames = [{frames}]
    return pl.concat(frames).group_by("id").agg(pl.col("amount").sum()).sort("id")
'''

PLAIN_SCRIPT = f"""\
import sys

import polars as pl
import deltalake

for number in range(int(sys.argv[2])):
    frame = pl.LazyFrame(
        {{"id": range({ROWS}), "amount": [float(n + number) for n in range({ROWS})]}}
    )
    frame.collect().write_delta(f"{{sys.argv[1]}}/table_{{number}}")
"""

START_UP = "import polster.cli.run, dataframely"
PLAIN_START_UP = "import polars, deltalake"


def measure(rounds: int) -> list[Result]:
    """Print what each size took; return the figures that have an aim."""
    each: dict[int, float] = {}
    results: list[Result] = []
    for size in SIZES:
        costs = _measure_size(size, rounds if size < max(SIZES) else max(1, rounds // 2))
        show_costs(f"assets: {size}", costs)
        seconds = {name: median_seconds(of_name) for name, of_name in costs.items()}
        each[size] = (seconds["first run"] - seconds["start-up"]) / size * 1000
        plain = (seconds["plain writes"] - seconds["start-up, plain"]) / size * 1000
        print(f"{each[size]:.1f} ms an asset, {plain:.1f} ms a plain write\n")
        results.append(Result(f"assets, first run of {size}", each[size], 12, "ms"))
        if size == max(SIZES):
            results += [
                Result("assets, first run / plain writes", each[size] / plain, 2),
                Result("assets, 1,000 beside 100, each", each[size] / each[100], 1.1),
                Result(f"assets, unchanged run of {size}", seconds["unchanged run"], 2.5, "s"),
                Result(f"assets, list-assets of {size}", seconds["list-assets"], 1.5, "s"),
            ]
    return results


def write_project(folder: Path, size: int) -> None:
    """Write a project of ``size`` assets into ``folder``; its graph is the same every time."""
    source = folder / "src" / "core"
    source.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    (source / "__init__.py").touch()
    silver = gold = size // 3
    bronze = size - silver - gold
    for number in range(bronze):
        text = BRONZE.format(number=number, rows=ROWS)
        (source / f"bronze_source_{number}.py").write_text(text, encoding="utf-8")
    for number in range(silver):
        reads = {number, (number + 1) % bronze} if number % 3 == 0 else {number}
        _write_table(source, "silver", number, [f"source_{other}" for other in sorted(reads)])
    for number in range(gold):
        reads = {(number + step) % silver for step in range(number % 3 + 1)}
        _write_table(source, "gold", number, [f"clean_{other}" for other in sorted(reads)])


def _write_table(source: Path, layer: str, number: int, reads: list[str]) -> None:
    name = {"silver": "clean", "gold": "report"}[layer]
    text = TABLE.format(
        layer=layer,
        name=name,
        number=number,
        contract=f"{name.title()}{number}",
        parameters=", ".join(f"{other}: pl.LazyFrame" for other in reads),
        frames=", ".join(reads),
        rows=ROWS,
    )
    (source / f"{layer}_{name}_{number}.py").write_text(text, encoding="utf-8")


def _measure_size(size: int, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="polster-assets-") as folder:
        project, plain = Path(folder, "project"), Path(folder, "plain")
        write_project(project, size)
        script = Path(folder, "plain.py")
        script.write_text(PLAIN_SCRIPT, encoding="utf-8")
        steps: dict[str, list[str]] = {
            "start-up": [PYTHON, "-c", START_UP],
            "start-up, plain": [PYTHON, "-c", PLAIN_START_UP],
            "plain writes": [PYTHON, str(script), str(plain), str(size)],
            "first run": [*POLSTER, "run", "--format", "json"],
            "unchanged run": [*POLSTER, "run", "--format", "json"],
            "plan": [*POLSTER, "plan", "--format", "json"],
            "list-assets": [*POLSTER, "list-assets", "--format", "json"],
        }
        # the first round fills the caches of files and bytecode; a big project has warmed them
        for number in range(rounds + 1):
            say(f"assets: {size}, round {number} of {rounds}")
            shutil.rmtree(project / "data", ignore_errors=True)
            shutil.rmtree(plain, ignore_errors=True)
            for name, command in steps.items():
                cost, output = timed(command, folder=project)
                _expect(name, output, size)
                if number > 0:
                    costs.setdefault(name, []).append(cost)
    return costs


def _expect(name: str, output: str, size: int) -> None:
    """End the benchmark unless the step did to all assets what it should."""
    wanted = {"first run": "published", "unchanged run": "unchanged"}.get(name)
    if wanted is None:
        return
    found = [asset["status"] for asset in json.loads(output)["assets"]]
    if found != [wanted] * size:
        others = {status: found.count(status) for status in found}
        sys.exit(f"{size} assets should be {wanted}, but they are: {others}")
