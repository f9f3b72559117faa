"""A run that is stopped: soon, cleanly, and nothing of it half-published."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polster.model.record import cancellation

if TYPE_CHECKING:
    from tests.conftest import Pipeline

HERE = "__import__('pathlib').Path('here').touch()"
NUMBERS = "pl.LazyFrame({'a': range(60_000)})"
LONG = f"{NUMBERS}.join({NUMBERS}, how='cross').filter(pl.col('a') * pl.col('a_right') % 7 == 0)"
WAYS = {
    "busy in Python": f"{HERE}\n    while True: pass",
    "computing": f"{HERE}; return {LONG}",
    "computing at once": f"{HERE}; return {LONG}.sum().collect()",
    "sleeping in a batch": f"return {NUMBERS}.map_batches("
    f"lambda batch: ({HERE}, __import__('time').sleep(60)), streamable=True)",
}


def interrupt(pipeline: Pipeline, number: int) -> subprocess.CompletedProcess[str]:
    """Run, wait until a function says that it is at work, and send a signal."""
    here = Path(pipeline.root, "here")
    run = pipeline.start(
        "-m",
        "polster",
        "run",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    deadline = time.monotonic() + 30
    while not here.exists():
        assert run.poll() is None, run.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.2)
    run.send_signal(number)
    try:
        stdout, stderr = run.communicate(timeout=60)  # on a machine that is busy
    except subprocess.TimeoutExpired:
        run.kill()
        raise
    return subprocess.CompletedProcess([], run.returncode, stdout, stderr)


@pytest.mark.parametrize("way", WAYS)
def test_ctrl_c_ends_a_run_whatever_it_is_doing(pipeline: Pipeline, way: str) -> None:
    pipeline.asset("bronze.x", f"@bronze\ndef x():\n    {WAYS[way]}\n")

    done = interrupt(pipeline, signal.SIGINT)

    assert done.returncode == 130, done.stderr
    assert "was interrupted" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (pipeline.data / "bronze/x/_delta_log").exists()
    assert pipeline.staged_files() == []


def test_sigterm_which_schedulers_send_does_the_same(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze",
        f"{HERE}; import time; time.sleep(60)\n    return bronze",
    )

    done = interrupt(shop, signal.SIGTERM)

    assert done.returncode == 130
    assert "silver.orders  skipped" in done.stdout
    record = shop.ledger().filter(run_id=shop.ledger().sort("started_at")["run_id"][-1])
    assert dict(record.select("asset", "status").rows()) == {
        "bronze.orders": "published",
        "silver.orders": "skipped",
        "gold.spending": "skipped",
    }
    why, who = record.filter(asset="silver.orders")["reasons"].item().to_list()
    assert why == "the run was interrupted"
    assert re.fullmatch(r"cancelled by SIGTERM after \d+\.\d s", who)
    assert shop.version("silver.orders") == 0
    shop.edit("src/core/silver_orders.py", "time.sleep(60)", "time.sleep(0)")
    assert shop.run().status == "succeeded"
    assert shop.table("gold.spending").sort("customer").rows()[0] == ("ann", 11.0)


def test_an_interrupt_that_python_dropped_still_stops_the_run(shop: Pipeline) -> None:
    record = shop.run(interrupted=lambda: True, threads=1)

    assert record.status == "interrupted"
    assert {asset.status.value for asset in record.assets} <= {"published", "skipped"}
    assert record.assets[-1].status == "skipped"
    assert re.fullmatch(r"cancelled after \d+\.\d s", cancellation(record.assets) or "")
    assert set(shop.outcome().values()) <= {"published", "unchanged"}


def test_a_function_that_raises_keyboard_interrupt_fails_and_stops_nothing(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze", "raise KeyboardInterrupt\n    return b")

    record = shop.run()

    assert record.status == "failed"
    bronze, silver, gold = record.assets
    assert (bronze.status, silver.status, gold.status) == ("published", "failed", "skipped")
    assert silver.error is not None
    assert (silver.error.code, silver.error.place) == ("POL305", "src/core/silver_orders.py:14")
    assert silver.error.message == "the function raised KeyboardInterrupt"
    assert gold.reasons == ("silver.orders failed",)
