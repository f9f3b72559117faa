"""Where jobs are done: on threads of this process, in processes, or elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from polster.model.asset import AssetKey
from polster.model.event import BuildEvent
from polster.runtime.job import Built, Job


@dataclass(frozen=True, slots=True)
class Started:
    """A job is begun."""

    key: AssetKey


@dataclass(frozen=True, slots=True)
class Completed:
    """A job is done.

    Attributes:
        result: What was built, a failure of the user's code being a value; or what was raised: that
            the job is to be done again, or a fault of ours.
    """

    key: AssetKey
    result: Built | BaseException


News: TypeAlias = Started | BuildEvent | Completed


class Executor(Protocol):
    """Does jobs, several at once; whoever commits for one asks the gate of the run first."""

    def submit(self, job: Job) -> None:
        """Take a job; it is begun when there is room for it."""

    def as_completed(self, seconds: float) -> Iterator[News]:
        """Yield what begins, what is told of it and what is done, as it happens.

        It ends when that time is over, or earlier where every job is done.
        """

    def cancel(self) -> None:
        """Begin nothing more, and stop what can be stopped; the gate is closed by then."""
