"""Days of a landing folder: what arrives late, twice, changed, deleted and malformed.

After each day the tables are those of a full refresh, and those that DuckDB makes of all files.
The tests live a few days; as many as you like does
``python -m tests.runtime.days --days 60 --kills 100``.
"""

from __future__ import annotations

import argparse
import csv
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from tests.conftest import Pipeline

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.record import RunStatus

SETTINGS = """
[tool.polster.environments.whole]
lakehouse = "whole"
"""
ASSETS = {
    "bronze.orders": """
from polster.sources import files

@bronze(load="append")
def orders():
    return files("landing/*.csv")
""",
    "silver.orders": """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    version = dy.Int64()
    customer = dy.String(nullable=True)
    day = dy.Date()
    amount = dy.Int64(min=0)
    is_tied = dy.Bool(check=lambda tied: ~tied)

@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    typed = bronze_orders.select(
        pl.col("id", "version", "amount").cast(pl.Int64),
        "customer",
        day=pl.col("day").str.to_date("%Y-%m-%d"),
        gone=pl.col("gone") == "yes",
    )
    return polster.latest(typed, key="id", by="version", deleted="gone").drop("gone")
""",
    "silver.moves": """
class Moves(dy.Schema):
    id = dy.Int64(primary_key=True)
    valid_from = dy.Int64(primary_key=True)
    valid_to = dy.Int64(nullable=True)
    customer = dy.String(nullable=True)
    is_tied = dy.Bool(check=lambda tied: ~tied)

@silver(contract=Moves)
def moves(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    typed = bronze_orders.select(
        pl.col("id", "version").cast(pl.Int64), "customer", gone=pl.col("gone") == "yes"
    )
    told = polster.history(typed, key="id", by="version", deleted="gone", tracked=["customer"])
    return told.select("id", "valid_from", "valid_to", "customer", "is_tied")
""",
    "gold.months": """
class Months(dy.Schema):
    month = dy.Date(primary_key=True)
    orders = dy.Int64(min=1)
    amount = dy.Int64()

@gold(contract=Months)
def months(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by(month=pl.col("day").dt.truncate("1mo")).agg(
        orders=pl.len().cast(pl.Int64), amount=pl.col("amount").sum()
    )
""",
}
COLUMNS = ("id", "version", "customer", "day", "amount", "gone")
ORACLE = """
with once as (select distinct * from changes),
newest as (select * from once qualify version = max(version) over (partition by id)),
counted as (select *, count(*) over (partition by id) as n from newest),
good as (select * from counted where n = 1 and gone <> 'yes' and amount >= 0)
select date_trunc('month', day)::date as month, count(*)::bigint, sum(amount)::bigint
from good group by 1 order by 1
"""


@dataclass
class Landing:
    """A landing folder, and what came in its files that are right.

    Attributes:
        changes: What the good files say, as a reader of all of them sees it.
        malformed: How many files were not right.
    """

    folder: Path
    chance: random.Random
    newest: dict[int, int] = field(default_factory=dict)
    changes: list[tuple[Any, ...]] = field(default_factory=list)
    files: int = 0
    malformed: int = 0

    def live(self, day: date) -> None:
        """Let a day pass: some files arrive."""
        for _ in range(self.chance.choice([0, 1, 1, 2, 3])):
            rows = [self._change(day) for _ in range(self.chance.choice([1, 3, 12]))]
            name = f"{day:%Y%m%d}-{self.files:04d}.csv"
            self.files += 1
            path = self._write(name, rows)
            match self.chance.random():
                case chance if chance < 0.1:
                    path.write_text(path.read_text() + "7,8\n")
                    self.malformed += 1
                case chance if chance < 0.2:
                    shutil.copy(path, path.with_name(f"again-{name}"))
                    self.changes += rows
                case chance if chance < 0.3 and rows:
                    path.rename(path.with_name(f"z-{name}"))
                    self.changes += rows
                case _:
                    self.changes += rows

    def _change(self, day: date) -> tuple[Any, ...]:
        known = list(self.newest)
        if known and self.chance.random() < 0.4:
            order = self.chance.choice(known)
            late = self.chance.random() < 0.3
            version = self.chance.randint(1, self.newest[order]) if late else self.newest[order] + 1
        else:
            order, version = len(known) + 1, 1
        self.newest[order] = max(version, self.newest.get(order, 0))
        then = day - timedelta(days=self.chance.choice([0, 0, 1, 40]))
        amount = self.chance.choice([-1, 5, 10, 20, 20])
        gone = self.chance.choice(["no", "no", "no", "yes"])
        return order, version, self.chance.choice(["ann", "bob", ""]), then, amount, gone

    def _write(self, name: str, rows: list[tuple[Any, ...]]) -> Path:
        path = self.folder / name
        order = list(COLUMNS)
        self.chance.shuffle(order)
        with path.open("w", newline="") as opened:
            writer = csv.DictWriter(opened, order)
            writer.writeheader()
            writer.writerows(dict(zip(COLUMNS, row, strict=True)) for row in rows)
        return path


def make_project(pipeline: Pipeline) -> None:
    """Write the project that lives."""
    pipeline.write("pyproject.toml", "[tool.polster]\n" + SETTINGS)
    for key, text in ASSETS.items():
        pipeline.asset(key, text)
    (pipeline.root / "landing").mkdir()


def live(pipeline: Pipeline, *, days: int, kills: int = 0, seed: int = 0) -> Counter[str]:
    """Live some days; return how often each kind of build was made."""
    make_project(pipeline)
    chance = random.Random(seed)
    landing = Landing(pipeline.root / "landing", chance)
    kinds: Counter[str] = Counter()
    left = kills
    for number in range(days):
        today = date(2026, 1, 1) + timedelta(days=number)
        landing.live(today)
        while left and chance.random() < 0.75 and kills:
            left -= 1
            _kill_a_run(pipeline.root, chance)
        record = pipeline.run()
        assert record.status is RunStatus.SUCCEEDED, [each.error for each in record.assets]
        kinds.update(str(each.scope.kind) for each in record.assets if each.scope)
        ours, pipeline.data = pipeline.data, pipeline.root / "whole"
        pipeline.run(environment="whole", full_refresh=True)
        pipeline.data = ours
        for key in ASSETS:
            assert _held(pipeline, "data", key) == _held(pipeline, "whole", key), (key, today)
        assert _months(pipeline) == _by_duckdb(landing), today
    lakehouse = Lakehouse(Store(str(pipeline.data)))
    assert len(lakehouse.set_aside(_key("bronze.orders")).files()) == landing.malformed
    return kinds


def _kill_a_run(root: Path, chance: random.Random) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "polster", "run"],
        cwd=root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(chance.uniform(0.25, 1.3))  # any moment will do
    run.send_signal(signal.SIGKILL)
    run.wait()


def _key(name: str) -> AssetKey:
    key = AssetKey.parse(name)
    assert key is not None
    return key


def _held(pipeline: Pipeline, folder: str, name: str) -> tuple[list[str], list[str]]:
    """Return the rows of a table, and those that it goes without; how they came left out."""
    lakehouse, key = Lakehouse(Store(str(pipeline.root / folder))), _key(name)
    table = lakehouse.pin(key)
    if table is None:
        return [], []
    out = lakehouse.quarantine(key).standing(lakehouse.standing_runs(key))
    apart = ["_ingested_at", "_batch_id", "_run_id", "_rejected_at"]
    rows = table.scan().drop(apart, strict=False).collect()
    rejected = [] if out is None else out.drop(apart, strict=False).collect().rows()
    return sorted(map(repr, rows.rows())), sorted(map(repr, rejected))


def _months(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    table = Lakehouse(Store(str(pipeline.data))).pin(_key("gold.months"))
    return [] if table is None else sorted(table.scan().collect().rows())


def _by_duckdb(landing: Landing) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute(
            "create table changes (id bigint, version bigint, customer text, day date, "
            "amount bigint, gone text)"
        )
        if landing.changes:
            connection.executemany("insert into changes values (?, ?, ?, ?, ?, ?)", landing.changes)
        return connection.execute(ORACLE).fetchall()


def main() -> None:
    """Live as long as is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        pipeline = Pipeline(Path(folder) / "shop")
        kinds = live(pipeline, days=asked.days, kills=asked.kills, seed=asked.seed)
    made = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    print(f"{asked.days} days, {asked.kills} kills: as a full refresh, and as DuckDB says; {made}")


if __name__ == "__main__":
    main()
