"""Commands of Polster that the pages run in processes of their own."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from polster.dashboard.board import Board
from polster.dashboard.own_command import answer_of
from polster.errors import PolsterError

PATIENCE_SECONDS = 40.0

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    """Have a program stand in for Polster."""
    program = folder / "polster"
    program.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))


async def ended(folder: Path) -> bool:
    """Wait until the program that wrote its number is gone."""
    program = Path("/proc") / (folder / "begun").read_text().strip()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while program.exists() and " Z " not in (program / "stat").read_text():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.02)
    return True


async def test_the_answer_is_what_it_says_of_the_project_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, 'echo "{\\"said\\": \\"$*\\"}"')

    told = await answer_of(tmp_path, "prod", "explain", "gold.a", seconds=PATIENCE_SECONDS)

    said = f"-m polster explain gold.a --format=json --project={tmp_path} --env=prod"
    assert told == {"said": said}


async def test_one_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "echo $$ > begun", "exec sleep 1000")

    with pytest.raises(PolsterError, match=r"polster explain gold\.a did not end within") as raised:
        await answer_of(tmp_path, None, "explain", "gold.a", seconds=2)

    assert (raised.value.code, raised.value.hint) == (
        "POL901",
        "see what it says in a terminal: polster explain gold.a",
    )
    assert await ended(tmp_path)


async def test_one_that_gives_no_answer_is_told_with_what_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "echo 'error[POL201]: no such asset' >&2", "exit 2")

    with pytest.raises(PolsterError, match=r"gave no answer: error\[POL201\]: no such asset"):
        await answer_of(tmp_path, None, "explain", "gold.a", seconds=PATIENCE_SECONDS)


async def test_closing_the_board_ends_what_it_asks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, "echo $$ > begun", "exec sleep 1000")
    board = Board(tmp_path, None)
    asking = asyncio.create_task(board.command("explain", "gold.a", seconds=1000))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (tmp_path / "begun").exists() or not (tmp_path / "begun").read_text():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)

    await board.close()

    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await ended(tmp_path)
