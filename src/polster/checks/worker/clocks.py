"""Other clocks and other seeds: a plan that differs under them depends on when it is built."""

from __future__ import annotations

import datetime as dt
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl

SHIFT = dt.timedelta(days=401, hours=7, minutes=13, seconds=29)
KNOWN_IN_A_ROW = 50
"""So many known modules, and no new one is looked for behind them."""


class _Like(type):
    """Lets instances of the real class count as instances of the replaced one."""

    real: type

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, cls.real)


class _OtherDatetime(dt.datetime, metaclass=_Like):
    real = dt.datetime

    def __new__(cls, *args: Any, **kwargs: Any) -> dt.datetime:  # type: ignore[misc]
        return dt.datetime(*args, **kwargs)  # noqa: DTZ001 - as the user's code writes it

    @classmethod
    def now(cls, tz: dt.tzinfo | None = None) -> Any:
        return dt.datetime.now(tz) + SHIFT

    @classmethod
    def today(cls) -> Any:
        return dt.datetime.now() + SHIFT  # noqa: DTZ005 - what the user's code asks for

    @classmethod
    def utcnow(cls) -> Any:
        return dt.datetime.now(dt.UTC).replace(tzinfo=None) + SHIFT


class _OtherDate(dt.date, metaclass=_Like):
    real = dt.date

    def __new__(cls, *args: Any, **kwargs: Any) -> dt.date:  # type: ignore[misc]
        return dt.date(*args, **kwargs)

    @classmethod
    def today(cls) -> Any:
        return dt.date.today() + SHIFT  # noqa: DTZ011 - what the user's code asks for


def _other_module() -> ModuleType:
    module = ModuleType("datetime")
    module.__dict__.update(vars(dt))
    module.__dict__.update(datetime=_OtherDatetime, date=_OtherDate)
    return module


OTHERS: dict[object, object] = {
    dt.datetime: _OtherDatetime,
    dt.date: _OtherDate,
    dt: _other_module(),
}


class Clocks:
    """The clocks that the modules of a project know.

    Args:
        source: The folder of the project's modules.
    """

    def __init__(self, source: Path) -> None:
        self.source = str(source)
        self._read: set[str] = set()
        self._known: list[tuple[ModuleType, str, object]] = []

    @contextmanager
    def another_time(self) -> Iterator[None]:
        """Let the project's modules see another clock and other random numbers."""
        self._read_modules()
        seconds = SHIFT.total_seconds()
        real_time, real_nanoseconds = time.time, time.time_ns
        changed: list[tuple[ModuleType, str, object, object]] = [
            (module, name, value, OTHERS[value]) for module, name, value in self._known
        ]
        changed.append((time, "time", real_time, lambda: real_time() + seconds))
        changed.append(
            (time, "time_ns", real_nanoseconds, lambda: int((real_time() + seconds) * 1e9))
        )
        for module, name, _, other in changed:
            setattr(module, name, other)
        seed(2)
        try:
            yield
        finally:
            for module, name, value, _ in changed:
                setattr(module, name, value)

    def _read_modules(self) -> None:
        """Look through the modules that were imported since the last time.

        They stand at the end, but for what was taken out and imported again.
        """
        known = 0
        for key in reversed(list(sys.modules)):
            if key in self._read:
                known += 1
                if known == KNOWN_IN_A_ROW:
                    break
                continue
            known = 0
            self._read.add(key)
            module = sys.modules[key]
            if not (getattr(module, "__file__", None) or "").startswith(self.source):
                continue
            self._known += [
                (module, name, value)
                for name, value in vars(module).items()
                if isinstance(value, type | ModuleType) and value in OTHERS
            ]


def seed(number: int) -> None:
    """Seed every generator that the user's code may draw from."""
    random.seed(number)
    pl.set_random_seed(number)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(number)
