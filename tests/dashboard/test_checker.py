"""``validate`` for the pages."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from polster.dashboard.checker import Checker

PATIENCE_SECONDS = 40.0
SLOW = """#!/bin/sh
echo $$ > begun
printf x >> times
while [ ! -e go ]; do sleep 0.02; done
echo '{"findings": []}'
"""

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checker:
    """A check that waits until there is a file ``go``."""
    program = tmp_path / "validate"
    program.write_text(SLOW)
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    return Checker(tmp_path, None, lambda: None)


async def _until_there(path: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def test_one_that_leaves_does_not_stop_the_check_for_the_next(slow: Checker) -> None:
    leaving = asyncio.create_task(slow.check())
    await _until_there(slow.root / "begun")

    leaving.cancel()
    await asyncio.wait([leaving])
    staying = asyncio.create_task(slow.check())
    await asyncio.sleep(0.5)
    (slow.root / "go").touch()

    assert (await staying).findings == ()
    assert (slow.root / "times").read_text() == "x"


async def test_closing_ends_the_check(slow: Checker) -> None:
    asking = asyncio.create_task(slow.check())
    await _until_there(slow.root / "begun")
    program = Path("/proc") / (slow.root / "begun").read_text().strip()

    await slow.close()

    with pytest.raises(asyncio.CancelledError):
        await asking
    deadline = time.monotonic() + PATIENCE_SECONDS
    while program.exists() and " Z " not in (program / "stat").read_text():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)
