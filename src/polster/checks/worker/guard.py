"""While the user's functions are called, nothing outside can be read, changed or reached.

Polars does its own reading and writing, which Python's audit hooks do not see, so its functions
are replaced; what Python does is refused by an audit hook. This keeps mistakes from doing harm;
it is no sandbox for code that means harm.
"""

from __future__ import annotations

import linecache
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl

FORBIDDEN_EVENTS = {
    "os.remove": "deletes a file",
    "os.rename": "renames a file",
    "os.rmdir": "deletes a folder",
    "os.mkdir": "makes a folder",
    "os.link": "makes a link",
    "os.symlink": "makes a link",
    "os.truncate": "cuts a file off",
    "os.listdir": "lists a folder",
    "os.scandir": "lists a folder",
    "os.system": "starts a program",
    "os.exec": "starts a program",
    "os.posix_spawn": "starts a program",
    "os.fork": "starts a process",
    "subprocess.Popen": "starts a program",
    "socket.connect": "opens a connection",
    "socket.getaddrinfo": "opens a connection",
    "socket.bind": "opens a port",
    "sqlite3.connect": "opens a database",
    "shutil.rmtree": "deletes a folder",
}
READING_SOURCE = ("<frozen importlib", "<frozen zipimport", linecache.__file__)
SECRETS = ("AWS_", "AZURE_", "GOOGLE_", "POLSTER_")


class ReachedOutsideError(BaseException):
    """The code that is called reads, writes or connects. Not to be caught by a plain except.

    Args:
        deed: What it does, as a clause.
    """

    def __init__(self, deed: str) -> None:
        super().__init__(deed)
        self.deed = deed


class Guard:
    """Refuses what reaches outside; off until :meth:`on` is entered.

    Attributes:
        deeds: What was refused so far, also if the user's code swallowed the refusal.
        collected: Whether a frame was collected since this was last set to False.
    """

    def __init__(self) -> None:
        self.deeds: list[ReachedOutsideError] = []
        self.collected = False
        self._active = False
        self._folder = tempfile.mkdtemp(prefix="polster-")
        self._allowed = (os.devnull, str(Path(self._folder)))
        sys.addaudithook(self._audit)
        self._replace_polars()

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse, in an empty folder, until the end of the block."""
        before = Path.cwd()
        os.chdir(self._folder)
        self._active = True
        try:
            yield
        finally:
            self._active = False
            os.chdir(before)

    def refuse(self, deed: str) -> None:
        """Raise if the user's code is being called."""
        if self._active:
            error = ReachedOutsideError(deed)
            self.deeds.append(error)
            raise error

    def close(self) -> None:
        """Take the empty folder away."""
        self._active = False
        Path(self._folder).rmdir()

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self._active:
            return
        if event == "open":
            path, _, flags = arguments
            writes = flags & (os.O_WRONLY | os.O_RDWR) if isinstance(flags, int) else False
            if isinstance(path, str) and path.startswith(self._allowed):
                return
            if not writes and _reads_source(sys._getframe()):
                return
            self.refuse("writes a file" if writes else "reads a file")
        elif event in FORBIDDEN_EVENTS and not _reads_source(sys._getframe()):
            self.refuse(FORBIDDEN_EVENTS[event])

    def _replace_polars(self) -> None:
        for name in dir(pl):
            if name.startswith(("read_", "scan_")):
                setattr(pl, name, self._refusing(f"reads with pl.{name}", getattr(pl, name)))
        for owner in (pl.DataFrame, pl.LazyFrame):
            for name in dir(owner):
                if name.startswith(("write_", "sink_")):
                    deed = f"writes with .{name}()"
                    setattr(owner, name, self._refusing(deed, getattr(owner, name)))
        collect = pl.LazyFrame.collect

        def collecting(frame: pl.LazyFrame, *args: Any, **kwargs: Any) -> Any:
            self.collected = self.collected or self._active
            return collect(frame, *args, **kwargs)

        setattr(pl.LazyFrame, "collect", collecting)  # noqa: B010 - a method is replaced

    def _refusing(self, deed: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def refusing(*args: Any, **kwargs: Any) -> Any:
            self.refuse(deed)
            return original(*args, **kwargs)

        return refusing


def drop_secrets() -> None:
    """Take the keys of object stores out of the environment: user code has no use for them."""
    for name in [name for name in os.environ if name.startswith(SECRETS)]:
        del os.environ[name]


def _reads_source(frame: FrameType | None) -> bool:
    """Tell whether Python reads code: for an import inside a function, or for a traceback."""
    while frame is not None:
        if frame.f_code.co_filename.startswith(READING_SOURCE):
            return True
        frame = frame.f_back
    return False
