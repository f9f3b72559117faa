"""Making a project's helpers importable: ``from core.tax import RATE``."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from importlib import invalidate_caches
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import Any

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


def import_afresh(root: Path) -> None:
    """Put the project on the import path, and let its modules be read anew.

    A process that runs a project twice must not run yesterday's code under today's fingerprint.
    Nor may a compiled file do that, which Python trusts for as long as the source has the same
    size and was written in the same second; so the project's modules are always compiled.
    """
    put_on_path(root)
    source = str(root / SOURCE_FOLDER)
    if source not in _sources:
        _sources.add(source)
        if _find_source not in sys.path_hooks:
            sys.path_hooks.insert(0, _find_source)
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name != "__main__" and _is_below(file, source):
            del sys.modules[name]
    for entry in [entry for entry in sys.path_importer_cache if _is_below(entry, source)]:
        del sys.path_importer_cache[entry]
    invalidate_caches()


_sources: set[str] = set()


def _is_below(place: str, folder: str) -> bool:
    """Tell so of paths that Python itself made from ``folder``; there are many of them."""
    return place == folder or place.startswith(folder + os.sep)


class _SourceLoader(SourceFileLoader):
    """Reads the source itself, never a compiled file beside it, and leaves none behind."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say that nothing is known of the source, so that no compiled file fits it."""
        raise OSError(path)


def _find_source(entry: str) -> FileFinder:
    if not any(_is_below(entry, source) for source in _sources):
        raise ImportError(entry)
    return FileFinder(
        entry, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_SourceLoader, SOURCE_SUFFIXES)
    )


def put_script_on_path() -> None:
    """Do so for ``python src/core/silver_x.py``, which puts ``src/core`` on the path instead."""
    file = getattr(sys.modules.get("__main__"), "__file__", None)
    if not file:
        return
    folder = Path(file).absolute().parent  # of a link, the folder that it lies in
    if folder.name == PACKAGE and folder.parent.name == SOURCE_FOLDER:
        put_on_path(folder.parents[1])
