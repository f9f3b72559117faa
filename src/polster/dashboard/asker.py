"""Asking the lakehouse in a process of its own, so that the pages stay quick and the server small.

What reads tables is heavy: it takes memory that is given back only when the process ends, and a
question about a large table may end it altogether. The process is started when something is asked,
and ends when nothing was asked for a while.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import connection, get_context
from threading import Thread
from typing import ParamSpec, TypeVar

from polster.errors import PolsterError

PROCESSES = 2
"""So that one long question does not keep the others waiting."""
IDLE_SECONDS = 30.0

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


class Asker:
    """Asks functions in other processes; what goes there and comes back is pickled."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self._lifeline: connection.Connection | None = None  # the processes end once it is closed
        self._asking = 0
        self._asked_at = 0.0

    async def ask(
        self,
        question: Callable[Arguments, Answer],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Answer:
        """Return what ``question`` returns.

        Raises:
            PolsterError: What the question raises, or the process died over it.
        """
        loop = asyncio.get_running_loop()
        pool = self._pool = self._pool or self._start()
        self._asking += 1
        try:
            return await loop.run_in_executor(pool, partial(question, *arguments, **options))
        except BrokenProcessPool:
            if self._pool is pool:
                self.close()
            raise PolsterError(
                "the process that reads the lakehouse ended over this; perhaps memory ran out",
                code="POL902",
                hint="ask for less, or see what the command line says",
            ) from None
        finally:
            self._asking -= 1
            self._asked_at = loop.time()

    def rest(self) -> None:
        """End the processes if nothing was asked for a while; called now and then."""
        idle = asyncio.get_running_loop().time() - self._asked_at
        if self._pool is not None and not self._asking and idle > IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """End the processes; what is being asked gets no answer.

        It waits for them, which is short: Python complains if it exits while a pool is ending.
        """
        if self._lifeline is not None:
            self._lifeline.close()
            self._lifeline = None
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _start(self) -> ProcessPoolExecutor:
        context = get_context("spawn")
        end, self._lifeline = context.Pipe(duplex=False)
        return ProcessPoolExecutor(
            PROCESSES, mp_context=context, initializer=_prepare, initargs=(end,)
        )


def _prepare(lifeline: connection.Connection) -> None:
    """Leave Ctrl-C to the server; end when it wants so, and with it, however it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: connection.Connection) -> None:
    connection.wait([lifeline])
    os._exit(1)
