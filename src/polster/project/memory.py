"""How much memory this machine has for what runs on it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
LIMITS = ("memory.max", "memory.limit_in_bytes", "memory/memory.limit_in_bytes")
SHARE = 0.5
"""The part of it that assets at work may take: other programs, and Polars itself, need some."""


def memory_to_use() -> int | None:
    """Return bytes: a share of what the machine has, or its container; None if nobody knows."""
    known: list[int] = []
    with suppress(AttributeError, OSError, ValueError):  # Windows has none of it
        known.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for folder in (CGROUPS, _own_cgroup()):
        for name in LIMITS:
            with suppress(OSError, ValueError):  # "max" is no number
                known.append(int((folder / name).read_text(encoding="ascii")))
    return int(SHARE * min(known)) if known else None


def _own_cgroup() -> Path:
    with suppress(OSError, IndexError):
        line = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()[-1]
        return CGROUPS / line.split(":", 2)[2].lstrip("/")
    return CGROUPS
