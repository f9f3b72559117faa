"""The gate before every commit: once it is closed, nothing more becomes visible."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from polster.errors import PolsterError


class InterruptedRunError(PolsterError):
    """The run was interrupted before this asset was published."""

    def __init__(self) -> None:
        super().__init__("the run was interrupted; nothing was published", code="POL407")


class Gate:
    """Lets commits through until it is closed; closing waits for those under way."""

    def __init__(self) -> None:
        self._condition = Condition()
        self._closed = False
        self._inside = 0

    @property
    def is_closed(self) -> bool:
        """Tell whether the run was interrupted."""
        return self._closed

    def check(self) -> None:
        """Stop work that will never be published.

        Raises:
            InterruptedRunError: The gate is closed.
        """
        if self._closed:
            raise InterruptedRunError

    @contextmanager
    def open(self) -> Iterator[None]:
        """Enter for one commit.

        Raises:
            InterruptedRunError: The gate is closed.
        """
        with self._condition:
            if self._closed:
                raise InterruptedRunError
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    def close(self) -> None:
        """Let no commit begin any more, and wait until those that began are done."""
        with self._condition:
            self._closed = True
            self._condition.wait_for(lambda: self._inside == 0)
