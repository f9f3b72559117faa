"""While the user's code is imported and called, nothing outside is changed or reached.

Polars does its own reading and writing, which Python's audit hooks do not see, so its functions
are replaced; what Python does is refused by an audit hook. This keeps mistakes from doing harm;
it is no sandbox for code that means harm.

A call may not even read. An import may, and what a library does when it is imported is its own.
"""

from __future__ import annotations

import importlib
import io
import linecache
import os
import site
import sys
import traceback
import zoneinfo
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from types import FrameType
from typing import Any

import polars as pl
from polars import plugins

from polster.checks.worker.libraries import Libraries
from polster.project.import_path import SOURCE_FOLDER
from polster.project.shared_process import ReachedOutsideError

FORBIDDEN_EVENTS = {
    "os.chdir": "changes the current folder",
    "os.remove": "deletes a file",
    "os.rename": "renames a file",
    "os.rmdir": "deletes a folder",
    "os.mkdir": "makes a folder",
    "os.link": "makes a link",
    "os.symlink": "makes a link",
    "os.truncate": "cuts a file off",
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
READING_EVENTS = {"os.listdir": "lists a folder", "os.scandir": "lists a folder"}
IMPORTING = ("<frozen importlib", "<frozen zipimport")
READING_CODE = (
    linecache.__file__,
    traceback.__file__,
    plugins.__file__,
    f"{Path(importlib.__file__ or '').parent}{os.sep}",
)
"""Read source for a traceback, or what belongs to a package: Polars looks for its plugins."""
AS_TEXT = frozenset({"write_csv", "write_json", "write_ndjson"})
"""Methods that return a text if they are given no file."""
COLUMNS_BY_VALUE: tuple[tuple[Any, str], ...] = (
    (pl.DataFrame, "pivot"),
    (pl.DataFrame, "to_dummies"),
    (pl.DataFrame, "transpose"),
    (pl.DataFrame, "unstack"),
    (pl.LazyFrame, "pivot"),
    (pl.Series, "to_dummies"),
)
"""Methods that give a frame whose columns hang on the rows."""
STANDARD = f"{Path(os.__file__).parent}{os.sep}"
SITE = tuple(f"{path}{os.sep}" for path in (*site.getsitepackages(), site.getusersitepackages()))
INSTALLED = (STANDARD, *SITE)
SECRETS = ("ADLS_", "AWS_", "AZURE_", "GOOGLE_", "POLSTER_")


class Stage(Enum):
    """What is done with the user's code."""

    IMPORT = auto()
    CALL = auto()


class Guard:
    """Refuses what reaches outside; off until :meth:`on` or :meth:`importing` is entered.

    Args:
        root: The project's folder.
        folder: An empty one, where functions are called.

    Attributes:
        deeds: What was refused so far, also if the user's code swallowed the refusal.
        collected: Whether a frame was collected since this was last set to False.
        columns_by_value: Whether what was collected decided since which columns there are.
        readers: Modules that read something while they, or what they import, were imported.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self.deeds: list[ReachedOutsideError] = []
        self.collected = False
        self.columns_by_value = False
        self.readers: set[str] = set()
        self._root = str(root)
        self._source = str(root / SOURCE_FOLDER) + os.sep
        self._stage: Stage | None = None
        self._folder = str(folder)
        self._allowed = (os.devnull, str(folder))
        sys.addaudithook(self._audit)
        self._replace_polars()
        Libraries(lambda deed, reads: self.refuse(deed, reads=reads))

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse, in an empty folder, until the end of the block."""
        os.chdir(self._folder)
        self._stage = Stage.CALL
        try:
            yield
        finally:
            self._stage = None

    @contextmanager
    def importing(self) -> Iterator[None]:
        """Refuse all but reading, in the project's folder, until the end of the block."""
        os.chdir(self._root)
        self._stage = Stage.IMPORT
        try:
            yield
        finally:
            self._stage = None

    def refuse(self, deed: str, *, reads: bool) -> None:
        """Raise if the user's code is at work and must not do that."""
        if self._stage is Stage.IMPORT and reads:
            self._note_readers(sys._getframe())
        elif self._stage is not None:
            error = ReachedOutsideError(deed)
            self.deeds.append(error)
            raise error

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._stage is None:
            return
        if event == "open":
            path, _, flags = arguments
            reads = not (isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR))
            allowed = (*self._allowed, *zoneinfo.TZPATH) if reads else self._allowed
            if isinstance(path, str) and path.startswith(allowed):
                return
            deed = "reads a file" if reads else "writes a file"
        elif event in READING_EVENTS:
            reads, deed = True, READING_EVENTS[event]
        elif event in FORBIDDEN_EVENTS:
            reads, deed = False, FORBIDDEN_EVENTS[event]
        else:
            return
        if reads and self._stage is Stage.IMPORT and not _is_code(arguments[0], sys._getframe()):
            self._note_readers(sys._getframe())
        if not self._is_by_import(sys._getframe(), reads=reads):
            self.refuse(deed, reads=reads)

    def _note_readers(self, frame: FrameType | None) -> None:
        """Note who is being imported, down to the project's own modules."""
        while frame is not None:
            name = str(frame.f_globals.get("__name__", ""))
            is_own = frame.f_code.co_filename.startswith(self._source)
            self.readers.add(name if is_own else name.partition(".")[0])
            frame = frame.f_back

    def _is_by_import(self, frame: FrameType | None, *, reads: bool) -> bool:
        """Tell whether it is an import that does something, of a library or of any code."""
        while frame is not None:
            file = frame.f_code.co_filename
            if file.startswith(IMPORTING):
                return True
            if reads and file.startswith(READING_CODE):
                return True
            if file.startswith(self._source):
                return reads and frame.f_code.co_name == "<module>"
            frame = frame.f_back
        return False

    def _replace_polars(self) -> None:
        for name in dir(pl):
            if name.startswith(("read_", "scan_")):
                deed = f"reads with pl.{name}"
                setattr(pl, name, self._refusing(deed, getattr(pl, name), reads=True))
        for owner in (pl.DataFrame, pl.LazyFrame):
            for name in dir(owner):
                if name.startswith(("write_", "sink_")):
                    deed = f"writes with .{name}()"
                    setattr(owner, name, self._refusing(deed, getattr(owner, name), reads=False))
        collect = pl.LazyFrame.collect

        def collecting(frame: pl.LazyFrame, *args: Any, **kwargs: Any) -> Any:
            self.collected = self.collected or self._stage is Stage.CALL
            return collect(frame, *args, **kwargs)

        setattr(pl.LazyFrame, "collect", collecting)  # noqa: B010 - a method is replaced
        for owner, name in COLUMNS_BY_VALUE:
            setattr(owner, name, self._noting(getattr(owner, name)))

    def _noting(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*args: Any, **kwargs: Any) -> Any:
            made = original(*args, **kwargs)
            self.columns_by_value = self.columns_by_value or self.collected
            return made

        return noting

    def _refusing(
        self, deed: str, original: Callable[..., Any], *, reads: bool
    ) -> Callable[..., Any]:
        def refusing(*args: Any, **kwargs: Any) -> Any:
            if self._stage is Stage.CALL and _stays_in_memory(original.__name__, args, kwargs):
                self._stage = None  # Polars goes through files of its own making in memory
                try:
                    return original(*args, **kwargs)
                finally:
                    self._stage = Stage.CALL
            self.refuse(deed, reads=reads)
            return original(*args, **kwargs)

        return refusing


def _stays_in_memory(name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
    """Tell whether a function of Polars reads from memory, or only returns a text."""
    if name.startswith("read_"):
        source = args[0] if args else kwargs.get("source")
        return isinstance(source, bytes | io.BytesIO | io.StringIO)
    return name in AS_TEXT and len(args) < 2 and kwargs.get("file") is None  # the frame is first


def _is_code(path: object, frame: FrameType | None) -> bool:
    """Tell whether what is opened is code, or belongs to an installed package."""
    if isinstance(path, int):  # a file that is open already
        return True
    if isinstance(path, str) and path.startswith(INSTALLED):
        return True
    while frame is not None:  # from within Python's library to whoever called it
        file = frame.f_code.co_filename
        if file.startswith((*IMPORTING, *READING_CODE)):
            return True
        if not file.startswith((STANDARD, "<frozen ", __file__)) or file.startswith(SITE):
            return False
        frame = frame.f_back
    return False


def drop_secrets() -> None:
    """Take the keys of object stores out of the environment: user code has no use for them."""
    for name in [name for name in os.environ if name.startswith(SECRETS)]:
        del os.environ[name]
