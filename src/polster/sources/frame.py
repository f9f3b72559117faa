"""A frame as a source of one batch; what did not change is not read, or not written, again.

Rows that are in memory already are known by their digest. A bronze function that returns the bare
scan of one local file says by its plan that its rows are that file's. If the file's bytes, the
options of the scan and the function's code are those of the batch landed last, then so are the
rows. Any other plan, and several files, are read.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from polster.sources.rows_digest import RowsDigest
from polster.sources.source import Batch, Known

BARE_SCAN = re.compile(
    r"(?:Csv|NDJson|Parquet|Ipc) SCAN \[(?P<path>[^\n]+)\]"
    r"\nPROJECT \*/\d+ COLUMNS(?:\nESTIMATED ROWS: \d+)?"
)
"""What Polars shows of a plan that is the scan of one file and nothing else."""
IN_MEMORY = "DF ["
"""How it begins to show one that is rows in memory and nothing else."""
MOST_ROWS = 1_000_000
"""Of more rows in memory, the digest is taken only while they are written."""


@dataclass(frozen=True, slots=True)
class FrameSource:
    """What a function returned as a frame; see :class:`Source`.

    Attributes:
        is_whole: Whether the frame is the whole state of its source, so that the same file has
            nothing new; the same records may have come once more.
    """

    frame: pl.LazyFrame
    is_whole: bool

    def ask(self, known: Known) -> Iterable[Batch]:
        """Give the frame, unless it is the scan of the file, or the rows, that landed last."""
        digest = frame_digest(self.frame) if self.is_whole else ""
        if digest and known.is_current and digest == known.memory:
            return ()
        return (Batch(self.frame, digest),)


def is_in_memory(frame: pl.LazyFrame) -> bool:
    """Tell whether ``frame`` is rows in memory and nothing else."""
    return frame.explain(optimized=False).strip().startswith(IN_MEMORY)


def frame_digest(frame: pl.LazyFrame) -> str:
    """Return a digest of what ``frame`` gives; empty if that is not known before it is computed."""
    plan = frame.explain(optimized=False).strip()
    if not plan.startswith(IN_MEMORY):
        return _file_digest(frame, plan)
    rows = frame.collect()
    if rows.height > MOST_ROWS or pl.Object in rows.dtypes:
        return ""
    digest = RowsDigest()
    with suppress(pl.exceptions.PolarsError, pl.exceptions.PanicException):
        digest.see(rows)
        return digest.text()
    return ""


def _file_digest(frame: pl.LazyFrame, plan: str) -> str:
    """Return a digest of the one local file that ``plan`` scans; empty if it does anything else.

    The file's path and every byte count, not its time, and how it is read: an option may come
    from the environment or from another file, where the function's code does not show it.
    """
    scan = BARE_SCAN.fullmatch(plan)
    if scan is None:
        return ""
    path = Path(scan["path"])
    try:
        options = hashlib.blake2b(frame.serialize(), digest_size=16).hexdigest()
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "blake2b").hexdigest()
    except (OSError, pl.exceptions.ComputeError):
        return ""
    return f"{path}:{digest}:{options}"
