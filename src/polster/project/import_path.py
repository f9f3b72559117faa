"""Making a project's helpers importable: ``from core.tax import RATE``."""

from __future__ import annotations

import sys
from pathlib import Path

SOURCE_FOLDER = "src"
PACKAGE = "core"


def put_on_path(root: Path) -> None:
    """Put the project's ``src`` on the import path; forget ``core`` of another project."""
    source = str(root / SOURCE_FOLDER)
    if sys.path[:1] != [source]:
        sys.path[:] = [source, *(entry for entry in sys.path if entry != source)]
    package = sys.modules.get(PACKAGE)
    folders = [str(folder) for folder in getattr(package, "__path__", [])]
    if package is not None and str(root / SOURCE_FOLDER / PACKAGE) not in folders:
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
            del sys.modules[name]


def put_script_on_path() -> None:
    """Do so for ``python src/core/silver_x.py``, which puts ``src/core`` on the path instead."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file:
        return
    folder = Path(file).resolve().parent
    if folder.name == PACKAGE and folder.parent.name == SOURCE_FOLDER:
        put_on_path(folder.parents[1])
