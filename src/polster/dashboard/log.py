"""The last lines of what a process writes."""

from __future__ import annotations

import codecs
import re
from collections import deque

from polster.model.secrets import without_secrets

LINES = 2_000
CHARACTERS = 400_000
LINE_CHARACTERS = 4_000
"""A longer line goes on in the next one."""

STEERING = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours and moves of the cursor
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # titles and links
    r"|\x1b[ -/]*[0-~]"
)
CONTROL_CHARACTERS = {code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09}


class RunLog:
    """What a process wrote, newest last; old lines give way to new ones.

    What would steer a terminal is left out, credentials in URLs are hidden, and of a line that was
    written over, as bars of progress do, its last state is kept.

    Attributes:
        written: Lines so far, the dropped ones included.
    """

    def __init__(self) -> None:
        self.written = 0
        self._lines: deque[str] = deque()
        self._characters = 0
        self._rest = ""
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    @property
    def dropped(self) -> int:
        """Return how many lines were dropped for newer ones."""
        return self.written - len(self._lines)

    @property
    def lines(self) -> list[str]:
        """List the lines that are kept."""
        return list(self._lines)

    def feed(self, data: bytes) -> None:
        """Take what was read; a line is written once it has ended."""
        *ended, rest = (self._rest + self._decode(data)).split("\n")
        for line in ended:
            self.write(line)
        while len(rest) > LINE_CHARACTERS:
            rest = _last_state(rest)
            if len(rest) > LINE_CHARACTERS:
                self.write(rest[:LINE_CHARACTERS])
                rest = rest[LINE_CHARACTERS:]
        self._rest = rest

    def end(self) -> None:
        """Write the last line, if it never ended."""
        if rest := self._rest + self._decode(b"", True):
            self.write(rest)
        self._rest = ""

    def write(self, text: str) -> None:
        """Add a line; a long one becomes several."""
        clean = STEERING.sub("", _last_state(text)).translate(CONTROL_CHARACTERS)
        clean = without_secrets(clean)
        for start in range(0, max(1, len(clean)), LINE_CHARACTERS):
            self._add(clean[start : start + LINE_CHARACTERS])

    def _add(self, line: str) -> None:
        self._lines.append(line)
        self._characters += len(line)
        self.written += 1
        while len(self._lines) > LINES or self._characters > CHARACTERS:
            self._characters -= len(self._lines.popleft())


def _last_state(text: str) -> str:
    r"""Return what a terminal shows of a line in which a carriage return begins it anew.

    >>> _last_state("10 %\r20 %\r")
    '20 %'
    """
    return text.rstrip("\r").rpartition("\r")[2]
