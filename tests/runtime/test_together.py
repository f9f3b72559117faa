"""Several runs of one project at once end as one of them, never as a mixture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SLOWLY = "import time; time.sleep(0.3)\n    "


def start_together(pipeline: Pipeline, count: int) -> list[dict[str, str]]:
    """Run ``count`` times at once; return how each asset came out of each."""
    runs = [
        pipeline.start("-m", "polster", "run", "--format", "json", "--jobs", "2")
        for _ in range(count)
    ]
    outcomes = []
    for process in runs:
        stdout, stderr = process.communicate(timeout=60)
        assert process.returncode == 0, stdout + stderr
        record = json.loads(stdout)
        for asset in record["assets"]:
            assert asset["rows_returned"] == asset["rows_published"] + asset["rows_quarantined"]
        outcomes.append({asset["asset"]: asset["status"] for asset in record["assets"]})
    return outcomes


@pytest.mark.parametrize("fresh", [True, False], ids=["fresh lakehouse", "new data"])
def test_runs_at_once_end_as_one_of_them(shop: Pipeline, fresh: bool) -> None:
    for layer, function in (
        ("bronze", "pl.scan"),
        ("silver", "bronze_orders"),
        ("gold", "orders."),
    ):
        file = "spending" if layer == "gold" else "orders"
        shop.edit(f"src/core/{layer}_{file}.py", f"return {function}", f"{SLOWLY}return {function}")
    if not fresh:
        shop.run()
        shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    earlier = 0 if fresh else 1

    outcomes = start_together(shop, 3)

    for key in ("bronze.orders", "silver.orders", "gold.spending"):
        statuses = [outcome[key] for outcome in outcomes]
        assert sorted(set(statuses)) in (["published", "unchanged"], ["published"])
        assert shop.version(key) == statuses.count("published") - 1 + earlier
    assert [outcome["bronze.orders"] for outcome in outcomes].count("published") == 1
    amount = 10.5 if fresh else 11
    assert shop.table("silver.orders").sort("id").rows() == [(1, "ann", amount), (2, "bob", 20.0)]
    assert shop.table("gold.spending").sort("customer").rows() == [("ann", amount), ("bob", 20.0)]
    ledger = shop.ledger()
    assert ledger["run_id"].n_unique() == 3 + earlier
    assert ledger.height == 3 * (3 + earlier)
    published = ledger.filter(status="published")
    for key in ("bronze.orders", "silver.orders", "gold.spending"):
        versions = published.filter(asset=key)["version"].sort().to_list()
        assert versions == list(range(shop.version(key) + 1))
    kept = published.filter(asset="silver.orders")["run_id"].to_list()
    rejected = shop.rejected("silver.orders")
    assert set(rejected["_run_id"]) <= set(kept)
    assert rejected.height == 3  # what a part that is made anew has nothing to do with stays
    assert shop.staged_files() == []
    assert set(shop.outcome().values()) == {"unchanged"}


def test_runs_at_once_that_append_lose_nothing(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        f"""
@bronze(load="append")
def x(run: polster.RunContext) -> pl.LazyFrame:
    {SLOWLY}return pl.LazyFrame({{"run": [run.id] * 3}})
""",
    )

    outcomes = start_together(pipeline, 3)

    assert outcomes == [{"bronze.x": "published"}] * 3
    counts = pipeline.table("bronze.x").group_by("run").len()
    assert counts["len"].to_list() == [3, 3, 3]


def test_a_run_that_another_overtook_does_not_put_old_data_back(shop: Pipeline) -> None:
    """The other run publishes newer data after this one pinned its inputs, before it commits."""
    shop.run()
    shop.edit(
        "src/core/gold_spending.py", "import polster\n", "import polster\nfrom core import turns\n"
    )
    shop.edit("src/core/gold_spending.py", "return orders", "turns.wait()\n    return orders")
    shop.let_first_wait()
    slow = shop.start("-m", "polster", "run", "--format", "json")
    while not (shop.root / "here").exists():
        assert slow.poll() is None
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,99")
    shop.run()
    shop.write("go", "")
    stdout, stderr = slow.communicate(timeout=60)

    gold = json.loads(stdout)["assets"][-1]
    assert slow.returncode == 0, stderr
    assert (gold["asset"], gold["status"]) == ("gold.spending", "unchanged")
    assert gold["reasons"] == ["another run published it at the same time"]
    assert shop.version("gold.spending") == 1
    assert shop.table("gold.spending").sort("customer").rows()[0] == ("ann", 99.0)


INSIDE = """\
import os, subprocess, sys
from pathlib import Path

def run_inside(*selection: str) -> None:
    if "INSIDE" not in os.environ:
        command = [sys.executable, "-m", "polster", "run", *selection]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, "INSIDE": "1"})

def state(name: str) -> int:
    return int(Path(f"{name}.txt").read_text())
"""
STATES = """\
from core.inside import run_inside, state

@bronze
def {name}() -> pl.LazyFrame:
    read = state("{name}")
    {inside}
    return pl.LazyFrame({{"id": [1], "{name}": [read]}})
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


@pytest.fixture
def crossing(pipeline: Pipeline) -> Pipeline:
    """Return a project of two sources and what joins them, everything at state 1."""
    pipeline.write("src/core/inside.py", INSIDE)
    for name in ("a", "b"):
        pipeline.write(f"{name}.txt", "1")
        pipeline.asset(f"bronze.{name}", STATES.format(name=name, inside=""))
    pipeline.asset("silver.both", BOTH)
    pipeline.run()
    return pipeline


def test_an_older_snapshot_is_not_put_over_a_newer_one(crossing: Pipeline) -> None:
    inside = 'Path("a.txt").write_text("3") if read == 2 else None; run_inside()'
    crossing.asset(
        "bronze.a",
        "from pathlib import Path\n" + STATES.format(name="a", inside=inside),
    )
    crossing.write("a.txt", "2")

    record = crossing.run()

    assert crossing.table("bronze.a")["a"].to_list() == [3]
    assert crossing.table("silver.both").rows() == [(1, 3, 1)]
    yielded = record.assets[0]
    assert (yielded.status, yielded.version) == ("unchanged", 1)
    assert yielded.reasons[0].endswith("began to read its source later, and landed first")
    assert set(crossing.outcome().values()) == {"unchanged"}


def test_an_older_snapshot_is_not_put_over_a_newer_one_on_which_another_program_wrote(
    crossing: Pipeline,
) -> None:
    inside = """if read == 2:
        Path("a.txt").write_text("3")
        run_inside("bronze.a")
        newest = pl.read_delta("data/bronze/a", version=1).filter(a=3)
        newest.write_delta("data/bronze/a", mode="append")"""
    crossing.asset(
        "bronze.a", "from pathlib import Path\n" + STATES.format(name="a", inside=inside)
    )
    crossing.write("a.txt", "2")

    record = crossing.run("bronze.a")

    assert crossing.table("bronze.a")["a"].to_list() == [3, 3]
    assert record.assets[0].status == "unchanged"
    assert record.assets[0].reasons[0].endswith("began to read its source later, and landed first")


def test_runs_of_different_parts_end_as_if_one_had_followed_the_other(crossing: Pipeline) -> None:
    inside = 'run_inside("bronze.b", "silver.both")'
    crossing.asset("bronze.a", STATES.format(name="a", inside=inside))
    crossing.write("a.txt", "2")
    crossing.write("b.txt", "2")

    record = crossing.run("bronze.a", "silver.both")

    assert crossing.table("silver.both").rows() == [(1, 2, 2)]
    assert record.assets[1].reasons == ("bronze.a has new data", "bronze.b has new data")
    assert set(crossing.outcome().values()) == {"unchanged"}
