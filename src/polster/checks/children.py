"""Child processes that are started before it is known what they are to examine.

To import Polars takes them as long as the parent needs to read the source of many assets.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import deque
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

ASSETS_PER_PROCESS = 50
MOST_PROCESSES = 2
COMMAND = (sys.executable, "-P", "-m", "polster.checks.worker")
"""Without the current folder on the path: a project may hold a `polars.py`."""


def processes_for(assets: int) -> int:
    """Return how many children pay off for a number of assets."""
    return min(MOST_PROCESSES, os.cpu_count() or 1, -(-assets // ASSETS_PER_PROCESS))


class Children:
    """Starts children, some of them ahead; ends those that nobody took when it is left."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Path, subprocess.Popen[bytes]]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end_waiting()

    def start(self, root: Path, count: int) -> None:
        """Start ``count`` children for the project in ``root``; they wait for a task."""
        self._waiting += [(root, _started(root)) for _ in range(count)]

    def take(self, root: Path) -> subprocess.Popen[bytes]:
        """Return a child for the project in ``root``, which is the caller's to end."""
        with suppress(IndexError):  # several threads take
            place, child = self._waiting.popleft()
            if place == root and child.poll() is None:
                return child
            _end(child)
        return _started(root)

    def end_waiting(self) -> None:
        """End the children that nobody took."""
        with suppress(IndexError):
            while True:
                _end(self._waiting.popleft()[1])


def _started(root: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        start_new_session=True,  # Ctrl-C is for the parent, which ends its children
    )


def _end(child: subprocess.Popen[bytes]) -> None:
    """End a child that has no task, and so has done nothing yet."""
    child.kill()
    with child:  # closes its pipes, and waits
        pass
