"""Stopping the server of a dashboard while a run of it is at work."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PATIENCE_SECONDS = 60.0
SOON_SECONDS = 20.0
SLOW = """\
import time
from pathlib import Path

@bronze
def slow() -> pl.LazyFrame:
    Path("here").touch()
    while not Path("go").exists():
        time.sleep(0.02)
    for number in range(1000):
        print("printed", number, flush=True)
    return pl.LazyFrame({"a": [1, 2]})
"""
AFTER = """\
class After(dy.Schema):
    a = dy.Int64()

@silver(contract=After)
def after(slow: pl.LazyFrame) -> pl.LazyFrame:
    return slow
"""


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def at_work(pipeline: Pipeline) -> Iterator[subprocess.Popen[str]]:
    """Start a dashboard that runs everything, and wait until one asset is done, one at work."""
    pipeline.asset("bronze.quick", "@bronze\ndef quick(): return pl.LazyFrame({'a': [1]})\n")
    pipeline.asset("bronze.slow", SLOW)
    pipeline.asset("silver.after", AFTER)
    server = pipeline.start(
        "-m",
        "polster",
        "ui",
        "--no-browser",
        "--run",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with server:
        try:
            quick = pipeline.data / "bronze" / "quick" / "_delta_log" / f"{0:020}.json"
            until(lambda: (pipeline.root / "here").exists() and quick.exists())
            yield server
        finally:
            server.kill()


def outcome(pipeline: Pipeline) -> dict[str, str]:
    return dict(pipeline.ledger().select("asset", "status").iter_rows())


@pytest.mark.parametrize(
    "signals",
    [(signal.SIGTERM,), (signal.SIGINT,), (signal.SIGINT, signal.SIGINT)],
    ids=["SIGTERM", "Ctrl-C", "Ctrl-C twice"],
)
def test_stopping_the_server_stops_its_run_cleanly(
    pipeline: Pipeline, signals: tuple[signal.Signals, ...]
) -> None:
    with at_work(pipeline) as server:
        for number in signals:
            server.send_signal(number)
        stdout, stderr = server.communicate(timeout=SOON_SECONDS)

    assert "Traceback" not in stdout + stderr
    assert outcome(pipeline) == {
        "bronze.quick": "published",
        "bronze.slow": "skipped",
        "silver.after": "skipped",
    }
    assert set(pipeline.ledger()["run_status"]) == {"interrupted"}
    assert pipeline.staged_files() == []
    assert list(pipeline.data.glob("_polster/live/*")) == []
    (pipeline.root / "go").touch()
    assert pipeline.outcome() == {
        "bronze.quick": "unchanged",
        "bronze.slow": "published",
        "silver.after": "published",
    }


@pytest.mark.private_part_of("uvicorn")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_server_that_has_read_the_lakehouse_says_nothing_when_it_stops(
    pipeline: Pipeline, number: signal.Signals
) -> None:
    pipeline.asset("bronze.quick", "@bronze\ndef quick(): return pl.LazyFrame({'a': [1]})\n")
    with pipeline.start(
        "-m",
        "polster",
        "ui",
        "--no-browser",
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    ) as server:
        assert server.stderr is not None
        address = server.stderr.readline().split()[-1]
        assert server.stderr.readline() == "stop it with Ctrl-C\n"
        urlopen(address).read()  # the page waits until the lakehouse was read
        server.send_signal(number)
        _, stderr = server.communicate(timeout=SOON_SECONDS)

    assert (server.returncode, stderr) == (0, "")


def test_a_run_that_prints_outlives_a_server_that_is_killed(pipeline: Pipeline) -> None:
    with at_work(pipeline) as server:
        server.kill()
        server.wait()
        (pipeline.root / "go").touch()
        until(lambda: (pipeline.data / "_polster" / "runs" / "_delta_log").is_dir())
        until(lambda: not list(pipeline.data.glob("_polster/live/*")))

    assert set(outcome(pipeline).values()) == {"published"}
    assert set(pipeline.ledger()["run_status"]) == {"succeeded"}
