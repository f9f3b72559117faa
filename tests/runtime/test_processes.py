"""Assets that are built in processes of their own: what ends one takes nothing with it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deltalake import DeltaTable

from polster.model.record import AssetStatus

if TYPE_CHECKING:
    from tests.conftest import Pipeline

STARTS_FROM_NOTHING = True  # see tests/warm.py
ENDING = """\
import os, signal
from pathlib import Path

class Table(dy.Schema):
    id = dy.Int64(primary_key=True)

@silver(contract=Table)
def ending(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    {deed}
    return bronze_orders.select(id=pl.col("id").cast(pl.Int64)).unique()
"""
AFTER = """\
class Table(dy.Schema):
    id = dy.Int64(primary_key=True)

@gold(contract=Table)
def after(ending: pl.LazyFrame) -> pl.LazyFrame:
    return ending
"""
WAITING = """\
import os, time
from pathlib import Path

@bronze
def slow() -> pl.LazyFrame:
    Path("here").write_text(str(os.getpid()))
    while True:
        time.sleep(0.02)
"""


def test_a_run_in_processes_does_what_a_run_in_threads_does(shop: Pipeline) -> None:
    apart = shop.run(isolate=True)

    here = shop.run(full_refresh=True)
    assert [record.status for record in apart.assets] == [AssetStatus.PUBLISHED] * 3
    for one, other in zip(apart.assets[1:], here.assets[1:], strict=True):
        assert (one.rows_published, one.rows_quarantined) == (
            other.rows_published,
            other.rows_quarantined,
        )
        assert (one.rules_broken, one.notes) == (other.rules_broken, other.notes)
        assert one.lineage == other.lineage
    assert set(shop.outcome(isolate=True).values()) == {"unchanged"}
    assert shop.staged_files() == []


@pytest.mark.parametrize(
    ("deed", "said"),
    [
        ("os.kill(os.getpid(), signal.SIGSEGV)", "was ended by SIGSEGV: Segmentation fault"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "was ended by SIGKILL: Killed"),
        ("os.abort()", "was ended by SIGABRT: Aborted"),
        ("os.closerange(3, 256)", "ended with exit code 1"),
    ],
    ids=["crash", "memory", "abort", "connection"],
)
def test_a_process_that_ends_is_told_as_the_failure_of_its_asset(
    shop: Pipeline, deed: str, said: str
) -> None:
    shop.asset("silver.ending", ENDING.format(deed=deed))
    shop.asset("gold.after", AFTER)

    record = shop.run(isolate=True)

    assets = {str(each.asset): each for each in record.assets}
    ended = assets["silver.ending"]
    assert ended.error is not None
    assert (ended.error.code, ended.error.message) == (
        "POL349",
        f"the process that built it {said}",
    )
    assert ended.error.place == "src/core/silver_ending.py:12"
    assert assets["gold.after"].reasons == ("silver.ending failed",)
    assert assets["gold.spending"].status is AssetStatus.PUBLISHED
    assert shop.staged_files() == []


def test_what_a_process_published_before_it_ended_is_published(shop: Pipeline) -> None:
    shop.asset(
        "silver.ending", ENDING.format(deed="from core import late; late.end_after_commit()")
    )
    shop.write(
        "src/core/late.py",
        """
        import os, signal
        from polster.lakehouse.table import Table

        def end_after_commit():
            commit = Table.commit

            def ending(*arguments, **options):
                commit(*arguments, **options)
                os.kill(os.getpid(), signal.SIGKILL)

            Table.commit = ending
        """,
    )

    record = shop.run("+silver.ending", isolate=True)

    ended = next(each for each in record.assets if each.asset.name == "ending")
    assert (ended.status, ended.version) == (AssetStatus.PUBLISHED, 0)
    assert shop.table("silver.ending").height == 4
    assert set(shop.outcome("+silver.ending").values()) == {"unchanged"}


def test_what_a_process_published_before_it_ended_is_published_also_if_another_run_did_so_after_it(
    shop: Pipeline,
) -> None:
    shop.asset(
        "silver.ending", ENDING.format(deed="from core import late; late.end_after_commit()")
    )
    shop.write(
        "src/core/late.py",
        """
        import os, signal, subprocess, sys
        from polster.lakehouse.table import Table

        def end_after_commit():
            if "INSIDE" in os.environ:
                return
            commit = Table.commit

            def ending(*arguments, **options):
                commit(*arguments, **options)
                command = [sys.executable, "-m", "polster", "run", "ending", "--full-refresh"]
                subprocess.run(
                    command, check=True, capture_output=True, env={**os.environ, "INSIDE": "1"}
                )
                os.kill(os.getpid(), signal.SIGKILL)

            Table.commit = ending
        """,
    )

    record = shop.run("+silver.ending", isolate=True)

    ended = next(each for each in record.assets if each.asset.name == "ending")
    assert (ended.status, ended.version) == (AssetStatus.PUBLISHED, 0)
    assert shop.version("silver.ending") == 1
    earlier = DeltaTable(str(shop.data / "silver/ending"), version=0)
    assert all(Path(path).exists() for path in earlier.file_uris())


def test_an_interrupt_ends_the_processes_at_once_and_publishes_nothing(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.slow", WAITING)
    process = pipeline.start("-m", "polster", "run", "--isolate", "--format", "json")
    while not (pipeline.root / "here").exists() or not (pipeline.root / "here").read_text():
        assert process.poll() is None
        time.sleep(0.01)
    child = int((pipeline.root / "here").read_text())

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 130, stderr
    assert json.loads(stdout)["assets"][0]["status"] == "skipped"
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)
    assert not (pipeline.data / "bronze").exists()


def test_what_a_function_prints_stays_out_of_the_results(shop: Pipeline) -> None:
    shop.edit("src/core/bronze_orders.py", "return pl.scan", 'print("hello")\n    return pl.scan')
    process = shop.start("-m", "polster", "run", "--isolate", "--format", "json")

    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0, stderr
    assert json.loads(stdout)["status"] == "succeeded"
    assert "hello" in stderr


def test_memory_that_a_function_takes_goes_back(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.large",
        """
        KEPT = []

        @bronze
        def large() -> pl.LazyFrame:
            KEPT.append(b"x" * 600_000_000)
            return pl.LazyFrame({"a": [1]})
        """,
    )
    pipeline.asset(
        "silver.small",
        """
        from pathlib import Path

        class Table(dy.Schema):
            peak = dy.Int64()

        @silver(contract=Table)
        def small(large: pl.LazyFrame) -> pl.LazyFrame:
            told = Path("/proc/self/status").read_text().splitlines()
            peak = next(int(line.split()[1]) for line in told if line.startswith("VmHWM"))  # KiB
            return large.select(peak=pl.lit(peak, pl.Int64))
        """,
    )

    pipeline.run(isolate=True)

    assert pipeline.table("silver.small")["peak"][0] < 500_000
