"""Finding the project's modules as Python's own import does, without running any of them."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES
from pathlib import Path

from polster.project.import_path import SOURCE_FOLDER

SUFFIXES = (*EXTENSION_SUFFIXES, *SOURCE_SUFFIXES)
"""Of the files that a module may be, the first there is goes before the others."""


@dataclass(frozen=True, slots=True)
class ModulePlace:
    """Where Python finds a module.

    Attributes:
        name: Import path, ``core.money``.
        path: Its file; of a package without a file of its own, its folder.
        is_package: Whether other modules lie below it.
        is_namespace: Whether it is a package without a file of its own.
    """

    name: str
    path: Path
    is_package: bool = False
    is_namespace: bool = False

    @property
    def package(self) -> str:
        """Return the package that relative imports in it are seen from."""
        return self.name if self.is_package else self.name.rpartition(".")[0]

    @property
    def folder(self) -> Path:
        """Return where the modules below a package lie."""
        return self.path if self.is_namespace else self.path.parent


@dataclass(slots=True)
class Modules:
    """The modules below ``src``; each folder is listed once.

    A module of the project that stands in for one of Python's own counts as found, whether or not
    Python had imported that one already.

    Attributes:
        root: The project's folder.
    """

    root: Path
    _found: dict[str, ModulePlace | None] = field(default_factory=dict)
    _listed: dict[Path, frozenset[str]] = field(default_factory=dict)

    def find(self, name: str) -> ModulePlace | None:
        """Return where the module ``name`` lies; None if the project has none of that name."""
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> ModulePlace | None:
        parent, _, last = name.rpartition(".")
        if not parent:
            return self._look(name, last, self.root / SOURCE_FOLDER)
        above = self.find(parent)
        return self._look(name, last, above.folder) if above and above.is_package else None

    def _look(self, name: str, last: str, folder: Path) -> ModulePlace | None:
        """Look for a module in a folder, in the order of ``importlib.machinery.FileFinder``."""
        names = self._names(folder)
        is_folder = last in names and (folder / last).is_dir()
        if is_folder and (file := self._file(folder / last, "__init__")):
            return ModulePlace(name, file, is_package=True)
        if file := self._file(folder, last):
            return ModulePlace(name, file)
        if is_folder:
            return ModulePlace(name, folder / last, is_package=True, is_namespace=True)
        return None

    def _file(self, folder: Path, stem: str) -> Path | None:
        names = self._names(folder)
        for suffix in SUFFIXES:
            if f"{stem}{suffix}" in names and (path := folder / f"{stem}{suffix}").is_file():
                return path
        return None

    def _names(self, folder: Path) -> frozenset[str]:
        if folder not in self._listed:
            try:
                names = os.listdir(folder)  # noqa: PTH208 - only names are asked for
            except OSError:
                names = []
            self._listed[folder] = frozenset(names)
        return self._listed[folder]
