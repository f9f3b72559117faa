"""What a process writes, in a file that is read as it grows."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

READ_BYTES = 500_000
MOST_BYTES = 16_000_000
"""A file that is larger begins anew, so that a run that prints without end fills no disk."""


class Output:
    """A file for one process to write to.

    Unlike a pipe it takes what is written when nobody reads any more, so the process goes on when
    its reader is killed. Where the system allows it, the file has no name from the start, and is
    gone when the last one who holds it has ended.

    Attributes:
        file: To hand to the process.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="polster-run-"))
        self.file = (self._folder / "output").open("ab")
        self._reader = (self._folder / "output").open("rb", buffering=0)
        self._at = 0
        self._remove()

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()
        self._reader.close()
        self._remove()

    def read(self) -> bytes:
        """Return the next that was written, at most half a megabyte; empty if there is no more.

        What was written faster than it is read is left out where the file begins anew.
        """
        size = os.fstat(self._reader.fileno()).st_size
        is_full = size > MOST_BYTES and os.name == "posix"  # elsewhere a file has one end for each
        if is_full:
            self._at = max(self._at, size - READ_BYTES)
        self._reader.seek(self._at)
        data = self._reader.read(READ_BYTES)
        self._at += len(data)
        if is_full:
            self.file.truncate(0)
            self._at = 0
        return data

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)  # some systems keep it while it is open
