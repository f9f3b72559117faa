"""What memory a run takes beside the rows that there are, and beside a limit.

The newest state of 20 million orders (1.1 GB in memory), in silver with a key: made whole at once,
then in parts under a limit of 1 GiB, then 200,000 orders that come, of which one half replaces
orders of any age.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks.measure import POLSTER, PYTHON, Cost, Result, say, show_costs, timed

ROWS = 20_000_000
BATCH = 200_000
AT_ONCE = "20 million rows, all at once"
IN_PARTS = "20 million rows, memory_limit = 1GiB"
MORE = "200,000 rows come"
SETTINGS = '[tool.polster]\nmemory_limit = "{}"\n'
ASSETS = {
    "bronze_orders": """
from polster import bronze
from polster.sources import files


@bronze(load="append")
def orders():
    return files("landing/*.parquet")
""",
    "silver_orders": """
import dataframely as dy
import polars as pl
import polster


class Orders(dy.Schema):
    order_id = dy.Int64(primary_key=True)
    customer = dy.Int64()
    day = dy.Date()
    amount = dy.Float64()
    note = dy.String()


@polster.silver(contract=Orders)
def orders(orders: pl.LazyFrame) -> pl.LazyFrame:
    newest = polster.latest(orders, key="order_id", by="_ingested_at")
    return newest.select("order_id", "customer", "day", "amount", "note")
""",
}
WRITE = """
import sys
import polars as pl

folder, name, start, rows, old = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
new = pl.int_range(start, start + rows - old, eager=True)
ids = pl.concat([new, (pl.int_range(old, eager=True).hash(start) % start).cast(pl.Int64)]).unique()
pl.select(order_id=ids).select(
    "order_id",
    customer=pl.col("order_id").hash(1) % 2_000_000,
    day=pl.col("order_id").hash(2).mod(3650).cast(pl.Int32).cast(pl.Date),
    amount=(pl.col("order_id").hash(3) % 10_000) / 100,
    note=pl.format("note {} of an order", pl.col("order_id") % 997),
).cast({"customer": pl.Int64}).write_parquet(f"{folder}/{name}.parquet")
"""
FILES = 20


def measure(rounds: int) -> list[Result]:
    """Print what each run took; return the peaks beside 1 GiB."""
    costs: dict[str, list[Cost]] = {AT_ONCE: [], IN_PARTS: [], MORE: []}
    with tempfile.TemporaryDirectory(prefix="polster-memory-") as folder:
        project = Path(folder)
        (project / "landing").mkdir()
        (project / "src" / "core").mkdir(parents=True)
        for name, text in ASSETS.items():
            (project / "src" / "core" / f"{name}.py").write_text(text, encoding="utf-8")
        say("memory: writing the orders")
        for number in range(FILES):
            _write(project, f"a{number:02d}", number * ROWS // FILES, ROWS // FILES, old=0)
        _run(project, "64GiB", ["bronze.orders"])
        for number in range(rounds):
            say(f"memory: round {number + 1} of {rounds}")
            whole = ["silver.orders", "--full-refresh"]
            costs[AT_ONCE].append(_run(project, "64GiB", whole))
            costs[IN_PARTS].append(_run(project, "1GiB", whole))
            start = ROWS + number * BATCH
            _write(project, f"b{number:02d}", start, BATCH, old=BATCH // 2)
            costs[MORE].append(_run(project, "1GiB", []))
    show_costs(f"memory: {ROWS:,} rows", costs)
    return [
        Result(f"memory, {name}, peak", median(cost.peak_mib for cost in costs[name]), aim, " MiB")
        for name, aim in ((IN_PARTS, 1280.0), (MORE, 1024.0))
    ]


def _run(project: Path, limit: str, arguments: Sequence[str]) -> Cost:
    (project / "pyproject.toml").write_text(SETTINGS.format(limit), encoding="utf-8")
    return timed([*POLSTER, "run", *arguments, "--project", str(project)])[0]


def _write(project: Path, name: str, start: int, rows: int, *, old: int) -> None:
    arguments = [str(project / "landing"), name, str(start), str(rows), str(old)]
    if subprocess.run([PYTHON, "-c", WRITE, *arguments], check=False).returncode:
        sys.exit("the orders cannot be written")
