"""Answers that several parts of a page, or several pages, ask for at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Answer = TypeVar("Answer")


class Itself:
    """A value that equals only itself, so that what was read anew counts as changed.

    >>> Itself([1]) == Itself([1])
    False
    """

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Itself) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Shared(Generic[Answer]):
    """An answer that is asked for once, until ``key`` says something else.

    Args:
        ask: Asks for it.
        key: What the answer depends on.
    """

    def __init__(
        self, ask: Callable[[], Coroutine[Any, Any, Answer]], key: Callable[[], object]
    ) -> None:
        self._ask = ask
        self._key = key
        self._asked: object = None
        self._task: asyncio.Task[Answer] | None = None

    async def get(self) -> Answer:
        """Return the answer; an error is raised for all that wait, and not remembered."""
        key = self._key()
        task = self._task
        if task is None or key != self._asked or _failed(task):
            self._asked = key
            task = self._task = asyncio.create_task(self._ask())
        return await asyncio.shield(task)  # who leaves does not take it from the others


def _failed(task: asyncio.Task[Any]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
