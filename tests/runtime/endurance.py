"""Runs side by side, and runs that are killed, over sources that change all the while.

The tests do a little of it; as much as you like does
``python -m tests.runtime.endurance stress --processes 8 --seconds 60`` and
``python -m tests.runtime.endurance kills --kills 100 --processes 3``.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from tests.conftest import Pipeline

from polster.errors import PolsterError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DRIVER = """
import random
import sys
import time
from pathlib import Path

from polster.model.event import nobody
from polster.operations.open_project import open_project
from polster.operations.run import run
from tests.runtime.endurance import SELECTIONS, change_source

chance, until, runs = random.Random(sys.argv[1]), time.monotonic() + float(sys.argv[2]), 0
while time.monotonic() < until:
    if runs % 2:
        change_source(Path.cwd(), chance, writer=sys.argv[1])
    record = run(
        open_project(Path.cwd()),
        chance.choice(SELECTIONS),
        listener=nobody,
        isolate=chance.random() < float(sys.argv[3]),
    )
    runs += 1
    for asset in record.assets:
        if asset.error is not None and asset.error.code != "POL402":
            sys.exit(f"{asset.asset}: {asset.error}")
    for finding in record.warnings:
        sys.exit(f"warned: {finding}")
print(runs)
"""
SELECTIONS: Sequence[tuple[str, ...]] = (
    (),
    ("bronze.a", "silver.both"),
    ("bronze.b", "silver.both"),
    ("bronze.events", "silver.events+"),
    ("+total",),
    ("silver.both+",),
    ("bronze.a", "bronze.events"),
    ("total", "counts"),
)
SOURCE = """\
from pathlib import Path

@bronze
def {name}() -> pl.LazyFrame:
    return pl.LazyFrame({{"id": [1], "{name}": [int(Path("{name}.txt").read_text())]}})
"""
EVENTS = """\
from pathlib import Path

from polster.sources import Batch, Known


class Events(dy.Schema):
    id = dy.String(primary_key=True)


class Folder:
    def ask(self, known: Known):
        seen = set(known.memory.split())
        for file in sorted(Path("landing").glob("*.csv")):
            if file.name not in seen:
                seen.add(file.name)
                rows = pl.scan_csv(file, infer_schema=False)
                yield Batch(rows.with_columns(_source=pl.lit(file.name)), " ".join(sorted(seen)))


@bronze(load="append", contract=Events, max_quarantined=1.0)
def events() -> Folder:
    return Folder()
"""
SILVER_EVENTS = """\
class Events(dy.Schema):
    id = dy.String(primary_key=True)
    file = dy.String()


@silver(contract=Events)
def events(bronze_events: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_events.select("id", file="_source")
"""
COUNTS = """\
class Counts(dy.Schema):
    file = dy.String(primary_key=True)
    events = dy.Int64()


@gold(contract=Counts)
def counts(silver_events: pl.LazyFrame) -> pl.LazyFrame:
    return silver_events.group_by("file").agg(events=pl.len().cast(pl.Int64))
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
TABLES = (
    *("bronze.a", "bronze.b", "bronze.events", "silver.both", "silver.events"),
    *("gold.total", "gold.counts"),
)
A, B = AssetKey(Layer.BRONZE, "a"), AssetKey(Layer.BRONZE, "b")
BOTH_KEY, TOTAL_KEY = AssetKey(Layer.SILVER, "both"), AssetKey(Layer.GOLD, "total")


def make_project(pipeline: Pipeline) -> None:
    """Write the pipeline, and run it once."""
    pipeline.write("driver.py", DRIVER)
    for name in ("a", "b"):
        pipeline.write(f"{name}.txt", "1")
        pipeline.asset(f"bronze.{name}", SOURCE.format(name=name))
    pipeline.write("landing/0.csv", "id\n0\n")
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.events", SILVER_EVENTS)
    pipeline.asset("gold.counts", COUNTS)
    pipeline.asset("silver.both", BOTH)
    pipeline.asset("gold.total", TOTAL)
    pipeline.run()


def change_source(root: Path, chance: random.Random, *, writer: str) -> None:
    """Bring one source into another state; a reader sees it before or after, never in between."""
    now = time.time_ns()
    name = chance.choice(["a.txt", "b.txt", f"landing/{now}-{writer}.csv"])
    ids = [str(now), str(now + 1), str(chance.choice([0, now]))]  # one of them has come before
    written = root / f"{writer}.tmp"
    written.write_text(str(now) if name.endswith("txt") else "\n".join(["id", *ids, ""]))
    written.replace(root / name)


def stress(pipeline: Pipeline, *, processes: int, seconds: float, isolated: float = 0.0) -> int:
    """Run side by side, and check what is left; return how many runs there were."""
    make_project(pipeline)
    arguments = [str(seconds), str(isolated)]
    path = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    drivers = [
        pipeline.start("driver.py", str(number), *arguments, env={"PYTHONPATH": path})
        for number in range(processes)
    ]
    runs = 1
    for driver in drivers:
        stdout, stderr = driver.communicate(timeout=seconds + 300)
        assert driver.returncode == 0, stderr
        runs += int(stdout.splitlines()[-1])
    pipeline.run()
    check(pipeline)
    assert pipeline.ledger()["run_id"].n_unique() == runs + 2  # none is lost
    return runs


def kills(pipeline: Pipeline, *, count: int, at_once: int = 1, seed: int = 0) -> int:
    """Kill runs at random moments, and check what they leave; return how many were killed."""
    make_project(pipeline)
    chance, killed = random.Random(seed), 0
    began = time.monotonic()
    assert pipeline.process("-m", "polster", "run").returncode == 0
    usual = time.monotonic() - began
    running: dict[subprocess.Popen[str], float] = {}
    while killed < count:
        while len(running) < at_once:
            until = time.monotonic() + chance.uniform(usual * 0.3, usual * 1.2) * at_once
            running[_start_changed(pipeline, chance)] = until
        run = min(running, key=running.__getitem__)
        try:
            run.communicate(timeout=max(0.0, running.pop(run) - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
            killed += 1
            _check_readable(pipeline)
        if chance.random() < 0.3 / at_once:
            _check_after(pipeline, running)
            running = {}
    _check_after(pipeline, running)
    return killed


def _start_changed(pipeline: Pipeline, chance: random.Random) -> subprocess.Popen[str]:
    """Start a run of some part over sources of which some have changed."""
    for _ in range(chance.randint(1, 3)):
        change_source(pipeline.root, chance, writer="me")
    options = ["--isolate"] if chance.random() < 0.2 else []
    part = chance.choice(SELECTIONS)
    return pipeline.start("-m", "polster", "run", *options, *part, start_new_session=True)


def _check_after(pipeline: Pipeline, running: Iterable[subprocess.Popen[str]]) -> None:
    """Let runs come to their end, then bring everything together, and check it."""
    for run in running:
        stdout, stderr = run.communicate()
        assert run.returncode == 0, stdout + stderr
    done = pipeline.process("-m", "polster", "run")
    assert done.returncode == 0, done.stdout + done.stderr
    check(pipeline, were_killed=True)


def check(pipeline: Pipeline, *, were_killed: bool = False) -> None:
    """Check that a run after all others has brought everything together, each row once.

    What a run staged before it was killed lies there, named by no version; and what it rejected
    stands in quarantine under its name, beside the same rows of the run that published.
    """
    states = [int((pipeline.root / f"{name}.txt").read_text()) for name in ("a", "b")]
    assert pipeline.table("silver.both").rows() == [(1, *states)]
    assert pipeline.table("gold.total").rows() == [(1, sum(states))]
    files = {file.name: file for file in (pipeline.root / "landing").iterdir()}
    sent = pl.concat([pl.read_csv(file, infer_schema=False) for file in files.values()])["id"]
    landed = pipeline.table("silver.events")
    assert sorted(landed["id"]) == sorted(sent.unique())
    assert set(landed["file"]) <= set(files)
    counts = landed.group_by("file").agg(events=pl.len().cast(pl.Int64)).sort("file")
    assert pipeline.table("gold.counts").sort("file").equals(counts)
    key = AssetKey(Layer.BRONZE, "events")
    publishers = pipeline.ledger().filter(status="published", asset=str(key))["run_id"].implode()
    rejected = Lakehouse(Store(str(pipeline.data))).quarantine(key).scan()
    of_published = pl.col("_run_id").is_in(publishers)
    kept_out = 0 if rejected is None else rejected.filter(of_published).collect().height
    assert landed.height + kept_out == len(sent)
    assert were_killed or rejected is None or kept_out == rejected.collect().height
    assert set(pipeline.outcome().values()) == {"unchanged"}
    left = pipeline.staged_files()
    assert were_killed or not left, left
    _check_versions(pipeline)
    _check_records(pipeline)


def _check_readable(pipeline: Pipeline) -> None:
    """Check that readers get whole rows, each once, whatever was going on."""
    for name in TABLES:
        rows = pipeline.table(name)
        assert rows.is_unique().all(), name
    assert pipeline.table("gold.counts")["events"].sum() <= pipeline.table("silver.events").height


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
    for name in TABLES:
        versions = published.filter(asset=name)["version"].sort().to_list()
        assert versions == list(range(pipeline.version(name) + 1)), name
    releases = lakehouse.releases.all()
    assert releases
    for release in releases:
        for key in (BOTH_KEY, TOTAL_KEY):
            made_from = _made_from(lakehouse, key, release.versions[key])
            beside = {str(other): version for other, version in release.versions.items()}
            assert made_from.items() <= beside.items()


def main() -> None:
    """Do as much of it as is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["stress", "kills"])
    parser.add_argument("--processes", type=int, help="at once: 8 that stress, 1 that is killed")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--isolated", type=float, default=0.1, help="share of runs with --isolate")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder) / "shop")
        try:
            if asked.what == "stress":
                processes = asked.processes or 8
                done = stress(
                    pipeline,
                    processes=processes,
                    seconds=asked.seconds,
                    isolated=asked.isolated,
                )
                print(f"{done} runs of {processes} processes: as some order of them leaves it")
            else:
                at_once = asked.processes or 1
                done = kills(pipeline, count=asked.kills, at_once=at_once, seed=asked.seed)
                print(f"{done} runs killed: nothing lost, nothing doubled, all of it recorded")
        except PolsterError as error:
            sys.exit(str(error))


if __name__ == "__main__":
    main()
