"""Knowing a source file that did not change, without reading it as a table.

A bronze function that returns the bare scan of one local file says by its plan that its rows are
that file's. If the file's bytes, the options of the scan and the function's code are those of the
batch landed last, then so are the rows. Any other plan, and several files, are read.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import polars as pl

BARE_SCAN = re.compile(
    r"(?:Csv|NDJson|Parquet|Ipc) SCAN \[(?P<path>[^\n]+)\]"
    r"\nPROJECT \*/\d+ COLUMNS(?:\nESTIMATED ROWS: \d+)?"
)
"""What Polars shows of a plan that is the scan of one file and nothing else."""


def source_digest(frame: pl.LazyFrame) -> str:
    """Return a digest of the one local file that ``frame`` scans; empty if it does anything else.

    The file's path and every byte count, not its time, and how it is read: an option may come
    from the environment or from another file, where the function's code does not show it.
    """
    scan = BARE_SCAN.fullmatch(frame.explain(optimized=False).strip())
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
