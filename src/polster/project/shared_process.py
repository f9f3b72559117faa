"""What the user's code must not do to the process that all assets of a run share."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import get_ident
from typing import Any, NoReturn

from polster.project.import_path import SOURCE_FOLDER

REFUSED_EVENTS = {
    "os.chdir": (
        "changes the current folder",
        "write the folder into the path; a relative path means the project's folder",
    ),
    "os.exec": ("replaces the process", "start a process of its own: subprocess.run(…)"),
}
"""What Python says of ``os.chdir``, ``os.fchdir`` and ``os.execv`` before it does them."""
LOOK_UPS = ("ctypes.dlsym", "ctypes.dlsym/handle")
"""What Python says before it looks for a function of a C library; of the call it says nothing."""
HEARD = frozenset({*REFUSED_EVENTS, *LOOK_UPS})
ENDING = frozenset({"exit", "_exit", "_Exit", "quick_exit", "abort", "Py_Exit", "ExitProcess"})
"""Functions of C after which nothing of Python runs any more."""
RATHER_RAISE = "raise an error if the asset is to fail, else return a frame"


@dataclass(frozen=True, slots=True)
class Misuse:
    """Something that was refused.

    Attributes:
        deed: What was tried, as a clause.
        hint: What to do instead.
        place: ``file:line`` of the project; None if none of its code was on the way there.
    """

    deed: str
    hint: str
    place: str | None


class ReachedOutsideError(BaseException):
    """The user's code does what it must not. Not to be caught by a plain except.

    Args:
        deed: What it does, as a clause.
        misuse: What is to be said of it, where it reached for the process; Polars, which makes
            such errors anew from their text, loses it.
    """

    def __init__(self, deed: str, misuse: Misuse | None = None) -> None:
        super().__init__(deed)
        self.deed = deed
        self.misuse = misuse


class _Watch:
    """What is refused at the moment.

    Attributes:
        root: The project's folder; None while nothing is refused.
        refused: What was refused, by thread, until somebody asks.
    """

    def __init__(self) -> None:
        self.root: Path | None = None
        self.refused: dict[int, Misuse] = {}

    def refuse(self, deed: str, hint: str) -> NoReturn:
        place = None
        for frame in traceback.extract_stack():
            path = Path(frame.filename)
            if self.root is not None and path.is_relative_to(self.root / SOURCE_FOLDER):
                place = f"{path.relative_to(self.root).as_posix()}:{frame.lineno}"
        misuse = self.refused[get_ident()] = Misuse(deed, hint, place)
        raise ReachedOutsideError(deed if place is None else f"{deed} at {place}", misuse)

    def audit(self, event: str, said: tuple[Any, ...]) -> None:
        if self.root is None or event not in HEARD or os.getpid() != _process():
            return
        if event in REFUSED_EVENTS:
            self.refuse(*REFUSED_EVENTS[event])
        name = said[1].decode() if isinstance(said[1], bytes) else said[1]
        if name in ENDING:
            self.refuse(f"ends the process with the C function {name}", RATHER_RAISE)


WATCH = _Watch()


@contextmanager
def shared_process(root: Path) -> Iterator[None]:
    """While this lasts, nobody ends the process without a word, or moves it to another folder.

    Whoever tries gets a :class:`ReachedOutsideError`, whatever thread they are in: a function that
    Polars calls back has none of its own. A process that was forked may do as it likes.

    Args:
        root: The project's folder, from which places are named.
    """
    before, below, leave = WATCH.root, _below(), os._exit
    WATCH.refused.clear()  # a thread may have the number of one that is gone
    refuse_from_now_on(root)
    try:
        yield
    finally:
        WATCH.root = before
        os._exit = below._exit = leave


def refuse_from_now_on(root: Path) -> None:
    """Do what :func:`shared_process` does until the process ends."""
    _process()
    below = _below()
    leave: Callable[[int], NoReturn] = below._exit

    def refusing(status: int) -> NoReturn:
        if os.getpid() == _process():
            deed = f"ends the process with os._exit({status})"
            WATCH.refuse(deed, RATHER_RAISE)
        leave(status)

    WATCH.root = root
    os._exit = below._exit = refusing


def _below() -> Any:
    """Return the module whose function ``os._exit`` is, by its other name."""
    return import_module(os.name)


def misuse_here(error: BaseException | None = None) -> Misuse | None:
    """Return what was refused in this thread since it was asked last, if anything was.

    Args:
        error: What came of it, maybe from another thread.
    """
    here = WATCH.refused.pop(get_ident(), None)
    if here or not isinstance(error, ReachedOutsideError):
        return here
    return error.misuse or Misuse(error.deed.splitlines()[0], RATHER_RAISE, None)


@cache
def _process() -> int:
    """Listen to Python from now on, which cannot be taken back, and return who we are."""
    sys.addaudithook(WATCH.audit)
    return os.getpid()
