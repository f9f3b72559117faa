"""Runs that a dashboard starts: real processes over real projects."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polster.dashboard import runner as runner_module
from polster.dashboard.runner import KEPT_REQUESTS, RequestState, Runner, RunRequest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PATIENCE_SECONDS = 40.0
WAITING = """\
import time
from pathlib import Path

@bronze
def slow() -> pl.LazyFrame:
    Path("here").touch()
    print("waiting for the file go", flush=True)
    while not Path("go").exists():
        time.sleep(0.02)
    return pl.LazyFrame({"a": [1, 2]})
"""
STARTING = """\
import subprocess
import sys
from pathlib import Path

@bronze
def slow() -> pl.LazyFrame:
    program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("program").write_text(str(program.pid))
    Path("here").touch()
    program.wait()
    return pl.LazyFrame({"a": [1]})
"""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


@asynccontextmanager
async def running(root: Path) -> AsyncIterator[Runner]:
    runner = Runner(root, None)
    try:
        yield runner
    finally:
        await runner.close()


async def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def ended(request: RunRequest) -> RunRequest:
    await until(lambda: request.is_over)
    return request


def is_alive(process_id: int) -> bool:
    """Tell whether a process runs; one that ended and that nobody asked after does not."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):  # it may end while one reads
        return False
    return state.rpartition(")")[2].split()[0] != "Z"


def statuses(pipeline: Pipeline) -> list[str]:
    return sorted(pipeline.ledger()["status"].to_list())


async def test_a_run_is_done_as_asked_and_its_log_kept(shop: Pipeline) -> None:
    async with running(shop.root) as runner:
        request = await ended(runner.submit(["orders", "bronze.*"], full_refresh=True))

    assert request.command == "polster run orders bronze.* --full-refresh"
    assert (request.state, request.exit_code) == (RequestState.ENDED, 0)
    assert set(shop.ledger()["asset"]) == {"bronze.orders", "silver.orders"}
    assert "silver.orders published" in request.log.lines
    assert request.run_id == shop.ledger()["run_id"][0]
    assert runner.request_of(shop.ledger()["run_id"][0]) is request


async def test_a_second_run_waits_for_the_first(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.slow", WAITING)
    async with running(pipeline.root) as runner:
        first, second, third = runner.submit(), runner.submit(["slow"]), runner.submit()
        assert [runner.ahead_of(each) for each in (first, second, third)] == [0, 1, 2]
        await until(lambda: (pipeline.root / "here").exists())
        assert runner.current is first
        assert runner.queued == [second, third]
        runner.cancel(third)
        (pipeline.root / "go").touch()
        await ended(second)

    assert [each.state for each in (first, second, third)] == ["ended", "ended", "withdrawn"]
    started = dict(pipeline.ledger().select("run_id", "started_at").iter_rows())
    assert first.run_id is not None
    assert second.run_id is not None
    assert started[first.run_id] < started[second.run_id]
    assert statuses(pipeline) == ["published", "unchanged"]


async def test_a_cancelled_run_is_recorded_as_interrupted(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.slow", WAITING)
    async with running(pipeline.root) as runner:
        request = runner.submit()
        await until(lambda: "waiting for the file go" in request.log.lines)
        runner.cancel(request)
        runner.cancel(request)  # who presses twice does no harm
        assert request.state is RequestState.STOPPING
        await ended(request)

    assert request.exit_code == 130
    assert request.run_id == pipeline.ledger()["run_id"][0]
    assert statuses(pipeline) == ["skipped"]
    assert pipeline.staged_files() == []


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1", "from the dashboard of ann on here"),
        ("10.0.0.7", "from the dashboard of ann on here by 10.0.0.7"),
        (None, "by stopping the dashboard of ann on here"),
    ],
)
async def test_a_cancelled_run_says_who_cancelled_not_who_started_it(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, address: str | None, said: str
) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "here")
    pipeline.asset("bronze.slow", WAITING)
    async with running(pipeline.root) as runner:
        request = runner.submit()
        await until(lambda: "waiting for the file go" in request.log.lines)
        if address is not None:
            runner.cancel(request, address=address)
            await ended(request)

    ((reasons,),) = pipeline.ledger().select("reasons").rows()
    assert re.fullmatch(rf"cancelled {said} after \d+\.\d s", reasons[1])


async def test_a_run_that_another_program_stops_does_not_blame_the_dashboard(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.slow", WAITING)
    async with running(pipeline.root) as runner:
        request = runner.submit()
        await until(lambda: "waiting for the file go" in request.log.lines)
        assert request.process_id is not None
        os.kill(request.process_id, signal.SIGTERM)
        await ended(request)

    ((reasons,),) = pipeline.ledger().select("reasons").rows()
    assert reasons[1].startswith("cancelled by SIGTERM after ")


async def test_a_run_cancelled_before_it_could_begin_does_nothing(shop: Pipeline) -> None:
    async with running(shop.root) as runner:
        request = runner.submit()
        await until(lambda: runner.current is request)
        runner.cancel(request)
        await ended(request)

    assert request.exit_code in (-signal.SIGTERM, 130)
    assert not shop.data.exists()


async def test_a_run_that_hears_nothing_is_killed_with_what_it_started(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner_module, "STOP_SECONDS", 1.0)
    pipeline.asset("bronze.slow", STARTING)
    async with running(pipeline.root) as runner:
        request = runner.submit()
        await until(lambda: (pipeline.root / "here").exists())
        assert request.process_id is not None
        os.kill(request.process_id, signal.SIGSTOP)  # it cannot even hear
        runner.cancel(request)
        await ended(request)

    assert request.exit_code == -signal.SIGKILL
    await until(lambda: not is_alive(int((pipeline.root / "program").read_text())))


async def test_a_killed_run_ends_with_its_exit_code_and_the_next_one_is_right(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.slow", WAITING)
    async with running(pipeline.root) as runner:
        request, following = runner.submit(), runner.submit()
        await until(lambda: (pipeline.root / "here").exists())
        assert request.process_id is not None
        os.kill(request.process_id, signal.SIGKILL)
        await ended(request)
        (pipeline.root / "go").touch()
        await ended(following)

    assert (request.exit_code, request.run_id) == (-signal.SIGKILL, None)
    assert (following.exit_code, statuses(pipeline)) == (0, ["failed", "published"])


async def test_closing_stops_what_runs_and_starts_nothing_more(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.slow", WAITING)
    runner = Runner(pipeline.root, None)
    request, following = runner.submit(), runner.submit()
    await until(lambda: (pipeline.root / "here").exists())

    await runner.close()
    late = runner.submit()

    assert (request.state, request.exit_code) == (RequestState.ENDED, 130)
    assert (following.state, late.state) == (RequestState.WITHDRAWN, RequestState.WITHDRAWN)
    assert statuses(pipeline) == ["skipped"]


def test_a_server_that_is_left_in_a_hurry_stops_its_run_all_the_same(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.slow", WAITING)
    runner = Runner(pipeline.root, None)

    async def leave_without_closing() -> None:
        runner.submit()
        await until(lambda: (pipeline.root / "here").exists())

    asyncio.run(leave_without_closing())

    assert runner.requests[0].exit_code == 130, list(runner.requests[0].log.lines)
    assert statuses(pipeline) == ["skipped"]


async def test_why_a_run_is_refused_stands_in_its_log(shop: Pipeline) -> None:
    shop.asset("silver.broken", "@silver\ndef broken(nowhere): return nowhere\n")
    async with running(shop.root) as runner:
        mistaken = await ended(runner.submit())
        unknown = await ended(runner.submit(["bronze.nothing", "--help"]))
        impossible = await ended(runner.submit(["\0"]))
        too_long = await ended(runner.submit(["x" * 10_000_000]))

    assert mistaken.exit_code == 1
    assert any("error[POL" in line for line in mistaken.log.lines)
    assert unknown.exit_code in (1, 2)
    assert any("error[POL" in line for line in unknown.log.lines)
    for never_started in (impossible, too_long):
        assert never_started.exit_code is None
        assert "the run cannot be started" in never_started.log.lines[0]
    assert {each.run_id for each in runner.requests} == {None}


async def test_a_program_that_outlives_the_run_does_not_hold_it_up(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.started",
        """
        import subprocess, sys
        from pathlib import Path

        @bronze
        def started() -> pl.LazyFrame:
            program = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
            Path("program").write_text(str(program.pid))
            program.returncode = 0
            return pl.LazyFrame({"a": [1]})
        """,
    )
    async with running(pipeline.root) as runner:
        request = await ended(runner.submit())

    os.kill(int((pipeline.root / "program").read_text()), signal.SIGKILL)
    assert request.exit_code == 0
    assert request.run_id is not None


async def test_a_run_that_writes_without_end_neither_fills_memory_nor_holds_up_the_server(
    pipeline: Pipeline,
) -> None:
    pipeline.asset(
        "bronze.chatty",
        """
        @bronze
        def chatty() -> pl.LazyFrame:
            for _ in range(60_000):
                print("x" * 50)
            return pl.LazyFrame({"a": [1]})
        """,
    )
    longest = 0.0
    async with running(pipeline.root) as runner:
        request = runner.submit()
        while not request.is_over:
            before = time.monotonic()
            await asyncio.sleep(0)
            longest = max(longest, time.monotonic() - before)
            await asyncio.sleep(0.005)

    assert request.exit_code == 0
    assert request.log.dropped > 50_000
    assert "bronze.chatty published" in request.log.lines
    assert longest < 1.0


async def test_a_module_in_the_project_folder_does_not_stand_in_for_a_package(
    shop: Pipeline,
) -> None:
    shop.write("polars.py", "raise RuntimeError('imported by mistake')\n")
    async with running(shop.root) as runner:
        request = await ended(runner.submit())

    assert request.exit_code == 0, request.log.lines


async def test_the_token_of_the_dashboard_is_not_handed_on(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLSTER_DASHBOARD_TOKEN", "a-long-and-random-token")
    pipeline.asset(
        "bronze.nosy",
        """
        import os

        @bronze
        def nosy() -> pl.LazyFrame:
            print("told:", os.environ.get("POLSTER_DASHBOARD_TOKEN"))
            return pl.LazyFrame({"a": [1]})
        """,
    )
    async with running(pipeline.root) as runner:
        request = await ended(runner.submit())

    assert "told: None" in request.log.lines


async def test_only_the_newest_of_what_is_over_is_kept(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(pipeline.root / "nothing"))
    async with running(pipeline.root) as runner:
        for _ in range(KEPT_REQUESTS + 5):
            await ended(runner.submit())

        assert len(runner.requests) == KEPT_REQUESTS
        assert "cannot be started" in runner.requests[-1].log.lines[0]
