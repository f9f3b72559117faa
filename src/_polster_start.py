"""Lets ``python src/core/silver_x.py`` find Python's own modules, whatever lies beside it.

Python puts the folder of a script first on the import path, so that a helper ``core/types.py``
would stand in for Python's own ``types`` in every library that the script imports. Before the
script begins, and before its folder is on the path, this imports the modules of the standard
library that have the name of a neighbour. Named in ``polster_start.pth``, which Python reads when
it starts.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

SCRIPT_FOLDER = ("src", "core")


def keep_standard_library(arguments: list[str]) -> None:
    """Import what the neighbours of the script in ``arguments`` would hide.

    Args:
        arguments: As Python was called: itself, its options, the script, the script's own.
    """
    scripts = [Path(each).absolute() for each in arguments[1:] if each.endswith(".py")]
    if not scripts or scripts[0].parent.parts[-2:] != SCRIPT_FOLDER:
        return
    neighbours = {file.name.partition(".")[0] for file in scripts[0].parent.glob("*")}
    for name in sorted(neighbours & sys.stdlib_module_names):
        import_module(name)


keep_standard_library(sys.orig_argv)
