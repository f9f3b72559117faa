"""Checking pipelines without data: ``polster validate`` and ``polster lineage``.

Projects of 100 and 1,000 assets are generated, a third each layer, with ten columns each, real
dependencies, contracts with a key, ranges and a pattern, and the steps that ordinary assets have:
casts, joins, conditions, aggregations. No data is written or read.

Each is checked with nothing kept from before, and once more after one silver file was edited.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.measure import POLSTER, PYTHON, Cost, Result, median_seconds, say, show_costs, timed

SIZES = (100, 1000)
COLUMNS = 10
AIMS = {100: 1.0, 1000: 3.0}
LINEAGE_AIM = 10.0

BRONZE = '''\
"""Orders of shop {number}, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class Export{number}(dy.Schema):
    """One row per order, all text."""

    id = dy.String()
    customer = dy.String()
    ordered_at = dy.String()
    status = dy.String()
    country = dy.String(nullable=True)
    amount = dy.String()
    discount = dy.String(nullable=True)
    weight = dy.String()
    channel = dy.String()
    note = dy.String(nullable=True)


@bronze(contract=Export{number})
def shop_{number}() -> pl.LazyFrame:
    """Orders."""
    return pl.scan_csv("landing/shop_{number}.csv", infer_schema=False)
'''

SILVER = '''\
"""Orders of shop {number}, typed."""

import dataframely as dy
import polars as pl
from polster import silver


class Orders{number}(dy.Schema):
    """One row per order."""

    id = dy.Int64(primary_key=True)
    customer = dy.String(min_length=1)
    ordered_on = dy.Date(nullable=True)
    status = dy.String(regex="^(new|paid|back)$")
    country = dy.String()
    amount = dy.Float64(min=0, max=1_000_000)
    discount = dy.Float64(min=0, max=1)
    weight = dy.Float64(min=0)
    channel = dy.String()
    paid = dy.Float64(nullable=True)


@silver(contract=Orders{number})
def orders_{number}({parameters}) -> pl.LazyFrame:
    """Orders, with what was paid for them."""
    orders = pl.concat([{frames}])
    return (
        orders.filter(pl.col("id").is_not_null())
        .with_columns(
            ordered_on=pl.col("ordered_at").str.to_date(strict=False),
            country=pl.col("country").fill_null("unknown"),
            amount=pl.col("amount").cast(pl.Float64),
            discount=pl.col("discount").cast(pl.Float64).fill_null(0.0),
        )
        .with_columns(paid=pl.col("amount") * (1 - pl.col("discount")))
        .select(
            "id", "customer", "ordered_on", "status", "country", "amount", "discount", "weight",
            "channel", "paid",
        )
    )
'''

GOLD = '''\
"""Sales per customer, number {number}."""

import dataframely as dy
import polars as pl
from polster import gold


class Sales{number}(dy.Schema):
    """One row per customer."""

    customer = dy.String(primary_key=True)
    orders = dy.Int64(min=1)
    amount = dy.Float64(min=0)
    paid = dy.Float64()
    weight = dy.Float64(min=0)
    returned = dy.Int64(min=0)
    countries = dy.Int64(min=0)
    channels = dy.Int64(min=0)
    first_on = dy.Date(nullable=True)
    last_on = dy.Date(nullable=True)


@gold(contract=Sales{number}, owner="sales")
def sales_{number}({parameters}) -> pl.LazyFrame:
    """Sales per customer."""
    orders = pl.concat([{frames}])
    return orders.group_by("customer").agg(
        orders=pl.len().cast(pl.Int64),
        amount=pl.col("amount").sum(),
        paid=pl.col("paid").sum(),
        weight=pl.col("weight").sum(),
        returned=(pl.col("status") == "back").sum().cast(pl.Int64),
        countries=pl.col("country").n_unique().cast(pl.Int64),
        channels=pl.col("channel").n_unique().cast(pl.Int64),
        first_on=pl.col("ordered_on").min(),
        last_on=pl.col("ordered_on").max(),
    )
'''

EVERY_COLUMN = """
from polster.operations.lineage import examined_lineage
from polster.operations.open_project import open_project

project = open_project()
lineage = examined_lineage(project, project.graph, None)
print(sum(len(entry.columns) for entry in lineage.assets.values()))
"""
FIRST, EDITED = "validate, first time", "validate, one file edited"
CACHE = ".polster_cache"
START_UP = "import polars, dataframely, polster.cli.app"


def measure(rounds: int) -> list[Result]:
    """Print what each size took; return the figures that have an aim."""
    results: list[Result] = []
    for size in SIZES:
        costs = _measure_size(size, rounds if size < max(SIZES) else max(1, rounds // 2))
        show_costs(f"validate: {size} assets of {COLUMNS} columns", costs)
        seconds = {name: median_seconds(of_name) for name, of_name in costs.items()}
        results += [
            Result(f"{name}, {size} assets", seconds[name], AIMS[size], "s")
            for name in (FIRST, EDITED)
        ]
        if size == max(SIZES):
            results.append(
                Result(f"lineage of {size} assets", seconds["lineage"], LINEAGE_AIM, "s")
            )
    return results


def write_project(folder: Path, size: int) -> None:
    """Write a project of ``size`` assets into ``folder``; its graph is the same every time."""
    source = folder / "src" / "core"
    source.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[tool.polster]\n", encoding="utf-8")
    (source / "__init__.py").touch()
    silver = gold = size // 3
    bronze = size - silver - gold
    for number in range(bronze):
        _write(source / f"bronze_shop_{number}.py", BRONZE, number, [])
    for number in range(silver):
        reads = [number, (number + 1) % bronze] if number % 3 == 0 else [number]
        others = [bronze - 1] if number == silver - 1 else []
        names = [f"shop_{other}" for other in dict.fromkeys([*reads, *others])]
        _write(source / f"silver_orders_{number}.py", SILVER, number, names)
    for number in range(gold):
        reads = [(number + step) % silver for step in range(number % 3 + 1)]
        _write(source / f"gold_sales_{number}.py", GOLD, number, [f"orders_{n}" for n in reads])


def _write(path: Path, text: str, number: int, reads: list[str]) -> None:
    parameters = ", ".join(f"{other}: pl.LazyFrame" for other in reads)
    filled = text.format(number=number, parameters=parameters, frames=", ".join(reads))
    path.write_text(filled, encoding="utf-8")


def _measure_size(size: int, rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="polster-validate-") as folder:
        project = Path(folder, "project")
        write_project(project, size)
        edited = project / "src" / "core" / "silver_orders_0.py"
        steps = {
            "start-up": [PYTHON, "-c", START_UP],
            FIRST: [*POLSTER, "validate", "--format", "json"],
            EDITED: [*POLSTER, "validate", "--format", "json"],
            "lineage": [PYTHON, "-c", EVERY_COLUMN],
        }
        for number in range(rounds + 1):  # the first round fills the caches of files
            say(f"validate: {size}, round {number} of {rounds}")
            for name, command in steps.items():
                if name == EDITED:
                    edited.write_text(edited.read_text("utf-8") + "# edited\n", "utf-8")
                else:
                    shutil.rmtree(project / CACHE, ignore_errors=True)
                cost, output = timed(command, folder=project)
                if name in (FIRST, EDITED):
                    _expect_clean(json.loads(output), size)
                elif name == "lineage" and int(output) < size * COLUMNS:
                    sys.exit(f"the lineage of {size * COLUMNS} columns has {output} only")
                if number > 0:
                    costs.setdefault(name, []).append(cost)
    return costs


def _expect_clean(result: dict[str, object], size: int) -> None:
    """End the benchmark unless everything was checked and nothing found."""
    if result["assets"] != size or result["findings"] or result["unchecked"]:
        sys.exit(f"{size} assets should be checked without a finding, but: {result}")
