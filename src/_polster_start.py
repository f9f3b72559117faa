"""Lets ``python src/core/silver_x.py`` find libraries, whatever lies beside it.

Python puts the folder of a script first on the import path, so that a helper ``core/types.py`` or
``core/polars.py`` would stand in for Python's own ``types``, or for Polars, in every library that
the script imports. Before the script begins, this has such names looked for everywhere else first;
``core.types`` is still the helper. Named in ``polster_start.pth``, which Python reads when it
starts.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

SCRIPT_FOLDER = ("src", "core")
LIBRARIES = sys.stdlib_module_names | {"dataframely", "deltalake", "polars", "polster"}


class Elsewhere:
    """Finds libraries that the neighbours of a script would hide.

    Args:
        folder: The script's.
        names: Of the libraries.
    """

    def __init__(self, folder: Path, names: Collection[str]) -> None:
        self.folder = folder.resolve()
        self.names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, _target: object = None
    ) -> ModuleSpec | None:
        """Look for a library in all other folders of the import path."""
        if path is not None or name not in self.names:
            return None
        others = [entry for entry in sys.path if Path(entry).resolve() != self.folder]
        return PathFinder.find_spec(name, others)


def keep_libraries(arguments: Sequence[str]) -> None:
    """Have libraries found in spite of the neighbours of the script in ``arguments``.

    Args:
        arguments: As Python was called: itself, its options, the script, the script's own.
    """
    scripts = [Path(each).absolute() for each in arguments[1:] if each.endswith(".py")]
    if not scripts or scripts[0].parent.parts[-2:] != SCRIPT_FOLDER:
        return
    folder = scripts[0].parent
    hidden = LIBRARIES & {file.name.partition(".")[0] for file in folder.glob("*")}
    if hidden:
        sys.meta_path.insert(0, Elsewhere(folder, hidden))


keep_libraries(sys.orig_argv)
