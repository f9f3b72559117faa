"""Temporary folders, of which killed runs leave none behind for ever."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from weakref import finalize

SCRATCH = "polster-rows-"
"""Begins the name of a temporary folder in which rows wait until they are read."""
KILLED_SECONDS = 86_400
"""Who made a folder that is older than that does not live any more."""


def scratch_folder(owner: object) -> Path:
    """Make a temporary folder; what killed runs left of such folders goes.

    Args:
        owner: As long as this lives, so does the folder.
    """
    for left in Path(gettempdir()).glob(f"{SCRATCH}*"):
        with suppress(OSError):  # another run may be faster
            if time.time() - left.stat().st_mtime > KILLED_SECONDS:
                shutil.rmtree(left)
    folder = Path(mkdtemp(prefix=SCRATCH))
    finalize(owner, shutil.rmtree, folder, ignore_errors=True)
    return folder
