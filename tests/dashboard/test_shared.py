"""Answers that are asked for once."""

from __future__ import annotations

import asyncio

import pytest

from polster.dashboard.shared import Itself, Shared
from polster.errors import PolsterError


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.anyio
async def test_an_answer_is_asked_for_once_until_its_key_changes() -> None:
    asked: list[int] = []
    revision = 1

    async def ask() -> int:
        asked.append(revision)
        await asyncio.sleep(0)
        return revision

    shared = Shared(ask, lambda: revision)

    assert list(await asyncio.gather(shared.get(), shared.get())) == [1, 1]
    assert await shared.get() == 1
    revision = 2
    assert await shared.get() == 2
    assert asked == [1, 2]


@pytest.mark.anyio
async def test_an_error_is_not_remembered() -> None:
    attempts: list[int] = []

    async def ask() -> str:
        attempts.append(1)
        if len(attempts) == 1:
            raise PolsterError("not now", code="POL999")
        return "now"

    shared = Shared(ask, lambda: 0)

    with pytest.raises(PolsterError):
        await shared.get()
    assert await shared.get() == "now"


@pytest.mark.anyio
async def test_one_that_leaves_does_not_take_the_answer_from_the_others() -> None:
    may_answer = asyncio.Event()

    async def ask() -> str:
        await may_answer.wait()
        return "here"

    shared = Shared(ask, lambda: 0)
    leaving = asyncio.create_task(shared.get())
    staying = asyncio.create_task(shared.get())
    await asyncio.sleep(0)

    leaving.cancel()
    may_answer.set()

    assert await staying == "here"
    with pytest.raises(asyncio.CancelledError):
        await leaving


def test_what_was_read_anew_counts_as_changed() -> None:
    first = [1]

    assert Itself(first) == Itself(first)
    assert Itself(first) != Itself([1])
