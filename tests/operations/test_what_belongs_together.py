"""Ledger and releases after runs of a part, runs side by side, and runs that were killed."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.conftest import Pipeline

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.release import Release
from polster.project.import_path import import_afresh

OTHER_RUN = """\
import subprocess, sys
from pathlib import Path

@bronze
def slow() -> pl.LazyFrame:
    if not Path("ran").exists():
        Path("ran").touch()
        command = [sys.executable, "-m", "polster", "run", "bronze.orders", "silver.orders"]
        subprocess.run(command, check=True, capture_output=True)
    return pl.LazyFrame({"a": [1]})
"""


def test_a_run_of_a_part_writes_no_release_of_tables_that_do_not_belong_together(
    shop: Pipeline,
) -> None:
    shop.run()
    _land(shop)

    part = shop.run("bronze.orders")
    whole = shop.run()

    assert part.release is None
    assert whole.release is not None
    assert _newest(shop) == {key: shop.version(key) for key in _keys(shop)}


def test_what_another_run_published_meanwhile_is_in_the_release_or_there_is_none(
    shop: Pipeline,
) -> None:
    shop.run()
    shop.asset("bronze.slow", OTHER_RUN)
    _land(shop)

    beside = shop.run("bronze.slow")
    versions = {key: shop.version(key) for key in _keys(shop)}
    last = shop.run()

    assert shop.version("bronze.orders") == 1  # by the run inside of it
    assert beside.release is None  # gold was made from an older silver
    assert versions["silver.orders"] == 1
    assert last.release is not None
    assert _newest(shop) == {key: shop.version(key) for key in _keys(shop)}


def test_a_table_that_was_begun_anew_does_not_belong_to_what_was_made_of_the_old_one(
    shop: Pipeline,
) -> None:
    shop.run()
    shutil.rmtree(shop.data / "bronze/orders")
    _land(shop)

    part = shop.run("bronze.orders")
    whole = shop.run()

    assert shop.version("bronze.orders") == 0  # the number that silver was made from
    assert part.release is None
    assert whole.release is not None


@pytest.mark.parametrize("killed", [1, 2, 3])
def test_runs_that_were_killed_before_they_were_recorded_are_recorded_by_the_next(
    shop: Pipeline, killed: int
) -> None:
    shop.run()
    known = _commits(shop)
    for _ in range(killed):
        _land(shop)
        shop.run()
    written = shop.ledger().filter(status="published").select("run_id", "asset", "version")
    for commit in sorted(_commits(shop) - known):
        commit.unlink()

    shop.run()

    published = shop.ledger().filter(status="published").select("run_id", "asset", "version")
    assert published.sort(pl.all()).equals(written.sort(pl.all()))
    assert published.height == 3 * (killed + 1)


KILLED_RUN = """\
import subprocess, sys
from pathlib import Path

@bronze
def first() -> pl.LazyFrame:
    if not Path("ran").exists():
        Path("ran").touch()
        command = [sys.executable, "-m", "polster", "run", "bronze.orders", "silver.orders"]
        Path("killed").write_text(str(subprocess.run(command, capture_output=True).returncode))
        with Path("landing/orders.csv").open("a") as orders:
            orders.write("301,zoe,1\\n")
    return pl.LazyFrame({"a": [1]})
"""
KILL = 'import os; os.path.exists("killed") or os.path.exists("ran") and os.kill(os.getpid(), 9)'


@pytest.mark.in_this_process
def test_what_a_killed_run_published_is_recorded_also_if_another_run_published_after_it(
    shop: Pipeline,
) -> None:
    shop.run()
    shop.asset("bronze.first", KILLED_RUN)
    shop.edit("src/core/silver_orders.py", "    return bronze", f"    {KILL}\n    return bronze")
    _land(shop)

    shop.run(threads=1)

    assert (shop.root / "killed").read_text() == "-9"
    published = shop.ledger().filter(status="published", asset="bronze.orders")
    assert sorted(published["version"]) == [0, 1, 2]
    assert published["run_id"].n_unique() == 3
    shop.run()
    statuses = shop.ledger().filter(run_status="vanished").select("asset", "status").rows()
    assert ("silver.orders", "failed") in statuses
    assert ("bronze.orders", "failed") not in statuses


@pytest.mark.in_this_process
def test_what_a_run_published_is_recorded_though_it_vanished_while_another_one_began(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.asset("bronze.other", "@bronze\ndef other():\n    return pl.LazyFrame({'a': [1]})\n")
    shop.run()
    kill = 'import os; os.path.exists("kill") and os.kill(os.getpid(), 9)'
    shop.edit("src/core/silver_orders.py", "    return bronze", f"    {kill}\n    return bronze")
    _land(shop)

    def killed_before(root: Path) -> None:
        """Let another run vanish after the states were read, and before it is looked for."""
        if not (shop.root / "kill").exists():
            shop.write("kill", "")
            assert shop.process("-m", "polster", "run", "--jobs", "1").returncode == -9
        import_afresh(root)

    monkeypatch.setattr("polster.operations.run.import_afresh", killed_before)
    shop.run("bronze.other")

    vanished = dict(shop.ledger().filter(run_status="vanished").select("asset", "status").rows())
    assert vanished["silver.orders"] == "failed"
    assert "bronze.orders" not in vanished
    published = shop.ledger().filter(status="published", asset="bronze.orders")
    assert sorted(published["version"]) == [0, 1]


def _land(shop: Pipeline) -> None:
    """Put one more row into the source."""
    path = shop.root / "landing/orders.csv"
    number = len(path.read_text(encoding="utf-8").splitlines()) + 100
    path.write_text(f"{path.read_text(encoding='utf-8')}{number},zoe,1\n", encoding="utf-8")


def _commits(shop: Pipeline) -> set[Path]:
    return set((shop.data / "_polster/runs/_delta_log").glob("*.json"))


def _keys(shop: Pipeline) -> list[str]:
    return [str(key) for key in shop.open().graph.assets]


def _newest(shop: Pipeline) -> dict[str, int]:
    newest: Release = Lakehouse(Store(str(shop.data))).releases.all(1)[0]
    return {str(key): version for key, version in newest.versions.items()}
