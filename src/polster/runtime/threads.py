"""Doing jobs on threads of this process: Polars computes on all cores all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import ParamSpec, TypeVar

from polster.runtime.build import build
from polster.runtime.executor import Completed, News, Started
from polster.runtime.job import Built, Job, Workplace

P = ParamSpec("P")
R = TypeVar("R")


class ThreadExecutor:
    """Does jobs here; see :class:`Executor`.

    Args:
        work: What every asset is built with.
        most: How many jobs are done at once.
    """

    def __init__(self, work: Workplace, most: int) -> None:
        self._news: SimpleQueue[News] = SimpleQueue()
        self.work = replace(work, tell=self._news.put)
        self.most = most
        self._threads: list[Thread] = []
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._left = 0

    def submit(self, job: Job) -> None:
        """Take a job; a thread is started for it if the others are busy."""
        self._left += 1
        self._jobs.put(job)
        if len(self._threads) < min(self.most, self._left):
            name = f"polster-{len(self._threads)}"
            self._threads.append(Thread(target=self._work, name=name, daemon=True))
            self._threads[-1].start()

    def as_completed(self, seconds: float) -> Iterator[News]:
        """Yield what begins, what is told of it and what is done, as it happens."""
        until = monotonic() + seconds
        while self._left:
            try:
                news = self._news.get(timeout=max(until - monotonic(), 0))
            except Empty:
                return
            if isinstance(news, Completed):
                self._left -= 1
            yield news

    def cancel(self) -> None:
        """Begin nothing more; a thread at work ends by itself, or with the process."""
        with suppress(Empty):
            while True:
                self._jobs.get_nowait()
                self._left -= 1
        for _ in self._threads:
            self._jobs.put(None)

    def do(self, job: Job) -> Built:
        """Do one job, on the thread that calls.

        Raises:
            BehindError: Another run has published it meanwhile.
        """
        return _named(build, f"building {job.asset.key}")(job, self.work)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            key = job.asset.key
            self._news.put(Started(key))
            result: Built | BaseException
            try:
                with self.work.building(key):
                    result = self.do(job)
            except BaseException as error:  # whatever it is, the run must hear of it
                result = error
            self._news.put(Completed(key, result))


def _named(function: Callable[P, R], name: str) -> Callable[P, R]:
    """Return ``function`` under another name, which is what a crash report has of it.

    Python's faulthandler writes names of functions alone: neither threads nor values.
    """

    def renamed(*args: P.args, **kwargs: P.kwargs) -> R:
        return function(*args, **kwargs)

    renamed.__code__ = renamed.__code__.replace(co_name=name)
    return renamed
