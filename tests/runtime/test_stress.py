"""Many runs at once, of different parts of a pipeline whose sources change all the while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.conftest import Pipeline

PROCESSES = 6
RUNS = 12
"""Of each process; the sources change before every second of them."""

DRIVER = f"""
import os
import random
import sys
import time
from pathlib import Path

from polster.model.event import nobody
from polster.operations.open_project import open_project
from polster.operations.run import run

SELECTIONS = (
    (), ("bronze.a", "silver.both"), ("bronze.b", "silver.both"), ("+total",), ("silver.both+",),
    ("bronze.a",), ("total",),
)
chance = random.Random(sys.argv[1])
for number in range({RUNS}):
    if number % 2:
        name = chance.choice("ab")
        written = Path(f"{{name}}.{{sys.argv[1]}}.tmp")
        written.write_text(str(time.time_ns()))
        written.replace(f"{{name}}.txt")
    record = run(open_project(Path.cwd()), chance.choice(SELECTIONS), listener=nobody)
    for asset in record.assets:
        if asset.error is not None and asset.error.code != "POL402":
            sys.exit(f"{{asset.asset}}: {{asset.error}}")
    for finding in record.warnings:
        sys.exit(f"warned: {{finding}}")
"""
SOURCE = """\
from pathlib import Path

@bronze
def {name}() -> pl.LazyFrame:
    return pl.LazyFrame({{"id": [1], "{name}": [int(Path("{name}.txt").read_text())]}})
"""
BOTH = """\
class Both(dy.Schema):
    id = dy.Int64(primary_key=True)
    a = dy.Int64()
    b = dy.Int64()

@silver(contract=Both)
def both(a: pl.LazyFrame, b: pl.LazyFrame) -> pl.LazyFrame:
    return a.join(b, on="id").select("id", "a", "b")
"""
TOTAL = """\
class Total(dy.Schema):
    id = dy.Int64(primary_key=True)
    sum = dy.Int64()

@gold(contract=Total)
def total(both: pl.LazyFrame) -> pl.LazyFrame:
    return both.select("id", sum=pl.col("a") + pl.col("b"))
"""
A, B = AssetKey(Layer.BRONZE, "a"), AssetKey(Layer.BRONZE, "b")
BOTH_KEY, TOTAL_KEY = AssetKey(Layer.SILVER, "both"), AssetKey(Layer.GOLD, "total")


def test_many_runs_at_once_leave_nothing_that_no_order_of_them_explains(
    pipeline: Pipeline,
) -> None:
    pipeline.write("driver.py", DRIVER)
    for name in ("a", "b"):
        pipeline.write(f"{name}.txt", "1")
        pipeline.asset(f"bronze.{name}", SOURCE.format(name=name))
    pipeline.asset("silver.both", BOTH)
    pipeline.asset("gold.total", TOTAL)
    pipeline.run()

    drivers = [pipeline.start("driver.py", str(number)) for number in range(PROCESSES)]
    for driver in drivers:
        _, stderr = driver.communicate(timeout=300)
        assert driver.returncode == 0, stderr

    pipeline.run()
    states = [int((pipeline.root / f"{name}.txt").read_text()) for name in ("a", "b")]
    assert pipeline.table("silver.both").rows() == [(1, *states)]
    assert pipeline.table("gold.total").rows() == [(1, sum(states))]
    assert set(pipeline.outcome().values()) == {"unchanged"}
    assert pipeline.staged_files() == []
    assert pipeline.ledger()["run_id"].n_unique() == PROCESSES * RUNS + 3  # none is lost
    _check_versions(pipeline)
    _check_records(pipeline)


def _check_versions(pipeline: Pipeline) -> None:
    """Check that every version ever published holds what its recorded inputs make of it."""
    lakehouse = Lakehouse(Store(str(pipeline.data)))

    def value(key: AssetKey, version: int, column: str) -> int:
        table = lakehouse.pin(key, version)
        assert table is not None
        return int(table.scan().select(column).collect().item())

    for version in range(pipeline.version("silver.both") + 1):
        inputs = _made_from(lakehouse, BOTH_KEY, version)
        assert value(BOTH_KEY, version, "a") == value(A, inputs["bronze.a"], "a")
        assert value(BOTH_KEY, version, "b") == value(B, inputs["bronze.b"], "b")
    for version in range(pipeline.version("gold.total") + 1):
        of_both = _made_from(lakehouse, TOTAL_KEY, version)["silver.both"]
        summed = sum(value(BOTH_KEY, of_both, name) for name in ("a", "b"))
        assert value(TOTAL_KEY, version, "sum") == summed


def _made_from(lakehouse: Lakehouse, key: AssetKey, version: int) -> Mapping[str, int]:
    """Return the versions that a version was made from, as its own commit says."""
    table = lakehouse.pin(key, version)
    assert table is not None
    published = lakehouse.published(table)
    assert published is not None
    assert published.record.fingerprint is not None
    return published.record.fingerprint.versions


def _check_records(pipeline: Pipeline) -> None:
    """Check that the ledger has each version once, and that each release belongs together."""
    lakehouse = Lakehouse(Store(str(pipeline.data)))
    published = pipeline.ledger().filter(status="published")
    for name in ("bronze.a", "bronze.b", "silver.both", "gold.total"):
        versions = published.filter(asset=name)["version"].sort().to_list()
        assert versions == list(range(pipeline.version(name) + 1))
    releases = lakehouse.releases.all()
    assert releases
    for release in releases:
        for key in (BOTH_KEY, TOTAL_KEY):
            made_from = _made_from(lakehouse, key, release.versions[key])
            beside = {str(other): version for other, version in release.versions.items()}
            assert made_from.items() <= beside.items()
