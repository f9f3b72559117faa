"""How far a child is, in a few bytes of a file that the parent looks at now and then.

A message for each asset would wake the parent a thousand times, and hold the child up.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path

NUMBER = struct.Struct("<q")


class Progress:
    """The number of the asset whose code is being called, from 1; 0 before the first."""

    def __init__(self, path: Path) -> None:
        with path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), NUMBER.size)

    @classmethod
    def begun(cls, path: Path) -> Progress:
        """Make the file, with nothing begun."""
        path.write_bytes(NUMBER.pack(0))
        return cls(path)

    @property
    def number(self) -> int:
        """Read the number."""
        return int(NUMBER.unpack_from(self._memory)[0])

    def begin(self, number: int) -> None:
        """Say which asset is next."""
        NUMBER.pack_into(self._memory, 0, number)

    def close(self) -> None:
        """Let go of the file."""
        self._memory.close()
