"""Questions are asked in another process."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from polster.dashboard import asker
from polster.dashboard.asker import Asker
from polster.errors import PolsterError, UsageError

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _refuse() -> None:
    raise UsageError("no", code="POL106", hint="ask otherwise")


def _is_gone(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):  # it may end while one reads
        return True
    return state.rpartition(")")[2].split()[0] == "Z"


async def test_answers_and_errors_come_back_from_another_process() -> None:
    asking = Asker()

    process_id = await asking.ask(os.getpid)
    with pytest.raises(UsageError) as raised:
        await asking.ask(_refuse)
    asking.close()

    assert process_id != os.getpid()
    assert (raised.value.code, raised.value.hint) == ("POL106", "ask otherwise")


async def test_a_process_that_dies_over_a_question_is_told_and_replaced() -> None:
    asking = Asker()

    with pytest.raises(PolsterError) as raised:
        await asking.ask(os._exit, 9)
    answer = await asking.ask(max, 1, 2)
    asking.close()

    assert raised.value.code == "POL902"
    assert answer == 2


async def test_a_process_that_nobody_asks_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    asking = Asker()
    process_id = await asking.ask(os.getpid)

    asking.rest()
    asked_again = await asking.ask(os.getpid)
    monkeypatch.setattr(asker, "IDLE_SECONDS", -1.0)
    asking.rest()

    assert asked_again == process_id
    deadline = time.monotonic() + 20
    while not _is_gone(process_id):
        assert time.monotonic() < deadline
    assert await asking.ask(max, 1, 2) == 2
    asking.close()


async def test_closing_does_not_wait_for_a_long_question() -> None:
    asking = Asker()
    process_id = await asking.ask(os.getpid)
    long = asyncio.create_task(asking.ask(time.sleep, 600))
    await asyncio.sleep(0.1)

    asking.close()

    with pytest.raises((PolsterError, asyncio.CancelledError)):
        await asyncio.wait_for(long, 20)
    deadline = time.monotonic() + 20
    while not _is_gone(process_id):
        assert time.monotonic() < deadline


async def test_a_closed_one_leaves_no_thread_that_python_could_meet_when_it_exits() -> None:
    before = set(threading.enumerate())
    asking = Asker()
    await asking.ask(max, 1, 2)

    asking.close()

    assert set(threading.enumerate()) <= before


def test_the_process_ends_with_a_server_that_is_killed() -> None:
    code = (
        "import asyncio, os, time\n"
        "from polster.dashboard.asker import Asker\n"
        "async def main():\n"
        "    asking = Asker()\n"
        "    print(await asking.ask(os.getpid), flush=True)\n"
        "    time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        process_id = int(server.stdout.readline())
        server.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 20
    while not _is_gone(process_id):
        assert time.monotonic() < deadline
