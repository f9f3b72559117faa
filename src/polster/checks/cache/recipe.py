"""What the result of an examination depends on, as a digest, without running any code.

Of two dangers, a wrong answer is worse than one that takes its time. So what cannot be known from
the source, such as a file that a module reads while it is imported, makes an asset be examined
each time.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.machinery import PathFinder
from pathlib import Path

from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer
from polster.project.import_path import SOURCE_FOLDER
from polster.project.imports import imported_names
from polster.project.modules import Modules
from polster.project.schema_file import Columns
from polster.project.settings import Environment
from polster.project.source import SourceFiles

OWN_PACKAGE = Path(__file__).parents[2]
SITE_FOLDERS = ("site-packages", "dist-packages")
COMPILED = "__pycache__"
WITHOUT_SETTINGS = frozenset({"polster", "polars", "dataframely", "numpy"})
"""Packages that do not make anything else of an asset because of a variable of the environment,
but for those in ``VARIABLES``."""

VARIABLES = ("LANG", "LC_", "POLARS_", "PYTHON", "TZ")
"""Beginnings of the variables that matter to every asset."""

RESTLESS = frozenset({"_", "OLDPWD", "PWD", "SHLVL"})
"""Variables that differ from one command to the next, and say nothing."""

UNKNOWABLE_MODULES = frozenset(
    {"getpass", "importlib", "locale", "pkgutil", "platform", "runpy", "socket", "subprocess"}
)
UNKNOWABLE = re.compile(
    rb"\b(__import__|environ|environb|getenv|argv)\b"
    rb"|\b(exec|eval|cwd|home|expanduser|exists|is_file|is_dir|isfile|isdir|stat|glob|rglob|iterdir|walk|getcwd"
    rb"|getuser|gethostname|uname|cpu_count|now|today|utcnow|time|time_ns|monotonic|perf_counter"
    rb"|random|uuid1|uuid4|urandom)\s*\("
)
"""Code whose result may change although no file of the project does."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One Python file of the project.

    Attributes:
        digest: Of its bytes.
        imports: Every module that it may import, whoever's.
    """

    digest: str
    imports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """What an asset is examined from.

    Attributes:
        digest: Equal as long as nothing of it changes.
        modules: The project's modules that it may import, directly or not, and the packages
            that may do anything.
    """

    digest: str
    modules: frozenset[str]


@dataclass
class Recipes:
    """The recipes of a project's assets.

    Attributes:
        root: The project's folder.
        files: Keeps the source.
        known: Files of the project as they were read before, by their path below ``src``.
    """

    root: Path
    files: SourceFiles
    known: Mapping[str, SourceFile]
    _asked: tuple[object, ...] = ()
    _tables: dict[AssetKey, list[object] | None] = field(default_factory=dict)
    _read: dict[str, SourceFile | None] = field(default_factory=dict)
    _reached: dict[str, frozenset[str]] = field(default_factory=dict)
    _own: dict[str, bool] = field(default_factory=dict)
    _packages: dict[str, bool] = field(default_factory=dict)
    _still: dict[str, bool] = field(default_factory=dict)
    _made: dict[AssetKey, Recipe | None] = field(default_factory=dict)

    @cached_property
    def source(self) -> Path:
        """Return the folder of the project's modules."""
        return self.root / SOURCE_FOLDER

    @cached_property
    def _modules(self) -> Modules:
        return Modules(self.root)

    @cached_property
    def python_files(self) -> list[str]:
        """List the project's Python files, below ``src``, with forward slashes."""
        return sorted(name for name in self._listed if name.endswith(".py"))

    @cached_property
    def _listed(self) -> dict[str, os.stat_result]:
        found: dict[str, os.stat_result] = {}
        for folder, folders, names in os.walk(self.source):
            folders[:] = [name for name in folders if name != COMPILED]
            place = Path(folder)
            for name in names:
                path = place / name
                relative = path.relative_to(self.source).as_posix()
                if name.endswith(".py"):
                    found[relative] = os.stat_result((0,) * 10)
                else:
                    try:
                        found[relative] = path.stat()
                    except OSError:  # a link to nowhere
                        continue
        return found

    @cached_property
    def base(self) -> str:
        """Return a digest of what matters to every asset."""
        others = [
            (name, stat.st_size, stat.st_mtime_ns)
            for name, stat in sorted(self._listed.items())
            if not name.endswith(".py")
        ]
        tops = sorted({name.partition("/")[0] for name in self._listed})
        variables = sorted(
            (name, value) for name, value in os.environ.items() if name.startswith(VARIABLES)
        )
        return _digest(
            *(str(self.root), others, tops, variables),
            *(sys.version, sys.executable, sys.platform, platform.machine(), str(sys.flags)),
            *(list(_own_code()), list(_installed())),
        )

    def look(
        self,
        keys: Iterable[AssetKey],
        environment: Environment | None,
        kept: Mapping[AssetKey, Columns],
        *,
        lineage: bool,
        seconds: float,
    ) -> None:
        """Read everything that the assets ``keys`` may depend on, as it is now.

        Args:
            keys: The assets that may be examined.
            environment: Whose published tables are looked at.
            kept: Columns of bronze as they are known beside those.
            lineage: Whether lineage is asked for.
            seconds: How long one asset may take.
        """
        self._asked = self.base, lineage, seconds
        self._made.clear()
        self._tables = {key: _bronze(key, environment, kept) for key in keys}
        for name in self.python_files:
            with suppress(OSError):  # then it is in no recipe
                self.files.content(self.source / name)

    def file(self, name: str) -> SourceFile | None:
        """Return a Python file below ``src``; None if it cannot be read or is not Python."""
        if name not in self._read:
            self._read[name] = self._file(name)
        return self._read[name]

    def _file(self, name: str) -> SourceFile | None:
        path = self.source / name
        try:
            digest = _of_bytes(self.files.content(path))
            known = self.known.get(name)
            if known is not None and known.digest == digest:
                return known
            tree = self.files.parse(path, name=f"{SOURCE_FOLDER}/{name}")
            package = ".".join(Path(name).parent.parts)
            return SourceFile(digest, tuple(sorted(set(imported_names(tree, package)))))
        except (OSError, SyntaxError, ValueError, RecursionError):
            return None

    def changed(self) -> int:
        """Count the Python files that are not as they were before, gone ones included."""
        gone = self.known.keys() - set(self.python_files)
        return len(gone) + sum(
            (found := self.file(name)) is None or found is not self.known.get(name)
            for name in self.python_files
        )

    def is_still(self, recipe: Recipe) -> bool:
        """Tell whether the files of a recipe are as they were when it was made."""
        places = (self._place(module) for module in recipe.modules)
        return all(self._is_file_still(name) for name in places if name is not None)

    def _is_file_still(self, name: str) -> bool:
        if name not in self._still:
            then = self.file(name)
            try:
                now = _of_bytes((self.source / name).read_bytes())
            except OSError:
                now = ""
            self._still[name] = then is not None and then.digest == now
        return self._still[name]

    def of(self, asset: Asset, inputs: Mapping[str, AssetKey]) -> Recipe | None:
        """Return the recipe of ``asset``, what its inputs hold left out; None if unknowable."""
        if asset.key not in self._made:
            self._made[asset.key] = self._recipe(asset, inputs)
        return self._made[asset.key]

    def _recipe(self, asset: Asset, inputs: Mapping[str, AssetKey]) -> Recipe | None:
        modules = sorted({asset.module, *self._imported(asset.module)})
        digests: list[tuple[str, str]] = []
        packages: set[str] = set()
        for module in modules:
            place = self._place(module)
            found = self.file(place) if place is not None else None
            if place is None or found is None:
                return None
            if UNKNOWABLE.search(self.files.content(self.source / place)):
                return None
            digests.append((module, found.digest))
            packages.update(self._foreign(found.imports))
        if packages & UNKNOWABLE_MODULES or not all(map(self._is_installed, packages)):
            return None
        others = {name for name in packages if name not in sys.stdlib_module_names}
        others -= WITHOUT_SETTINGS
        surroundings = self._surroundings if others else ""
        table = self._tables.get(asset.key)
        if table is None:
            return None
        names = [(name, str(key)) for name, key in inputs.items()]
        parts = str(asset.key), asset.file, names, digests, surroundings, table
        return Recipe(_digest(*self._asked, *parts), frozenset({*modules, *others}))

    @cached_property
    def _surroundings(self) -> str:
        """Return a digest of the environment, which any package may read."""
        return _digest(sorted((n, v) for n, v in os.environ.items() if n not in RESTLESS))

    def _imported(self, module: str) -> frozenset[str]:
        """Return the project's modules that ``module`` imports, directly or not."""
        if module not in self._reached:
            found: set[str] = set()
            waiting = [module]
            while waiting:
                place = self._place(waiting.pop())
                file = self.file(place) if place is not None else None
                for name in file.imports if file else ():
                    if name not in found and self._place(name) is not None:
                        found.add(name)
                        waiting.append(name)
            self._reached[module] = frozenset(found)
        return self._reached[module]

    def _place(self, module: str) -> str | None:
        """Return the file of one of the project's modules, below ``src``; None if it has none."""
        place = self._modules.find(module)
        if place is None or place.is_namespace:
            return None
        return place.path.relative_to(self.source).as_posix()

    def _foreign(self, names: Iterable[str]) -> Iterator[str]:
        """Yield the packages among ``names`` that are not the project's."""
        for name in {name.partition(".")[0] for name in names}:
            if name not in self._own:
                self._own[name] = self._modules.find(name) is not None
            if not self._own[name]:
                yield name

    def _is_installed(self, package: str) -> bool:
        """Tell whether a package can change only if it is installed anew."""
        if package in sys.stdlib_module_names or package == "polster":
            return True
        if package not in self._packages:
            self._packages[package] = _is_in_site(package)
        return self._packages[package]


def _is_in_site(package: str) -> bool:
    try:
        spec = PathFinder.find_spec(package)
    except (ImportError, ValueError):
        return False
    if spec is None:
        return False
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    return bool(places) and all(set(Path(place).parts) & set(SITE_FOLDERS) for place in places)


def _own_code() -> Iterator[tuple[str, int, int]]:
    """Yield Polster's own files: whoever works on it does not count up its version each time."""
    for folder, folders, names in os.walk(OWN_PACKAGE):
        folders[:] = sorted(name for name in folders if name != COMPILED)
        for name in sorted(names):
            if name.endswith(".py"):
                yield str(Path(folder, name)), *_stamp(Path(folder, name))


def _installed() -> Iterator[tuple[str, int]]:
    """Yield what is installed: the names of its folders hold the versions."""
    for folder in sys.path:
        if Path(folder).name not in SITE_FOLDERS:
            continue
        names: list[str] = []
        with suppress(OSError):  # a folder that is not there holds nothing
            names = sorted(os.listdir(folder))  # noqa: PTH208 - only names are asked for
        for name in names:
            is_record = name.endswith((".dist-info", ".egg-info", ".pth", ".py"))
            yield str(Path(folder, name)), _stamp(Path(folder, name))[1] if is_record else 0


def _bronze(
    key: AssetKey, environment: Environment | None, kept: Mapping[AssetKey, Columns]
) -> list[object] | None:
    """Say what bronze has its columns from; None if unknown."""
    table = _table(key, environment)
    return None if table is None else [*table, list(kept[key].items()) if key in kept else None]


def _table(key: AssetKey, environment: Environment | None) -> list[object] | None:
    """Say which version of the published table gives bronze its columns; None if unknown."""
    if key.layer is not Layer.BRONZE or environment is None:
        return []
    if "://" in environment.lakehouse:
        return None
    log = Path(environment.lakehouse, key.layer, key.name, "_delta_log")
    try:
        with os.scandir(log) as entries:
            last = max((e for e in entries if e.name[:1].isdigit()), key=lambda e: e.name)
            return [last.name, last.stat().st_size, last.stat().st_mtime_ns]
    except (FileNotFoundError, NotADirectoryError, ValueError):  # no table
        return []
    except OSError:
        return None


def _stamp(path: Path) -> tuple[int, int]:
    """Return size and time of a file; nothing of a link that leads nowhere."""
    try:
        stat = path.stat()
    except OSError:
        return 0, 0
    return stat.st_size, stat.st_mtime_ns


def _of_bytes(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _digest(*parts: object) -> str:
    return _of_bytes(json.dumps(parts).encode(errors="surrogateescape"))
