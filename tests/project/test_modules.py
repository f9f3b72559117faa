"""The project's modules are found where Python's own import finds them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    ModuleSpec,
    SourceFileLoader,
)
from importlib.util import resolve_name
from itertools import product
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from polster.project.imports import imported_names
from polster.project.modules import ModulePlace, Modules
from polster.project.source import parsed

NAMES = ("core", "tax", "calendar")
FILES = ("__init__.py", "tax.py", "core.py", "calendar.py", f"tax{EXTENSION_SUFFIXES[0]}")
Tree: TypeAlias = "dict[str, Tree | str | None]"
"""What lies in a folder: another folder, a file (None), or a link to a path below ``src``."""

LEAVES = st.one_of(st.none(), st.sampled_from(("tax.py", "core", "core/tax", "nowhere")))
TREES: st.SearchStrategy[Tree] = st.recursive(
    st.dictionaries(st.sampled_from((*FILES, *NAMES)), LEAVES, max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from((*NAMES, *FILES)), st.one_of(inner, LEAVES), max_size=6
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(tree=TREES)
def test_a_module_is_found_where_python_finds_it(
    tmp_path_factory: pytest.TempPathFactory, tree: Tree
) -> None:
    root = tmp_path_factory.mktemp("project")
    write(root / "src", root / "src", tree)
    modules = Modules(root)

    found = {name: modules.find(name) for name in all_names()}

    assert {name: told(place) for name, place in found.items()} == {
        name: by_python(root / "src", name) for name in all_names()
    }
    shutil.rmtree(root)


@pytest.mark.parametrize(
    ("written", "package"),
    [
        ("from . import b", "core"),
        ("from .b import c", "core.inner"),
        ("from .. import b", "core.inner"),
        ("from ..a import b", "core.inner.more"),
        ("from ...a import b", "core.inner.more"),
    ],
)
def test_a_relative_import_means_what_python_makes_of_it(written: str, package: str) -> None:
    _, relative, _, imported = written.split()

    names = set(imported_names(parsed(written.encode(), "x.py"), package))

    base = resolve_name(relative, package)
    assert {base, f"{base}.{imported}"} <= names


def all_names() -> Iterator[str]:
    """Yield every name that a tree of three levels may hold."""
    for depth in (1, 2, 3):
        yield from map(".".join, product(NAMES, repeat=depth))


def write(source: Path, folder: Path, tree: Tree) -> None:
    """Write a tree into a new folder."""
    folder.mkdir()
    for name, inner in tree.items():
        if isinstance(inner, dict):
            write(source, folder / name, inner)
        elif inner is None:
            (folder / name).touch()
        else:
            (folder / name).symlink_to(source / inner)


def told(place: ModulePlace | None) -> tuple[str | None, bool] | None:
    """Say what was found: the file, if it has one, and whether it is a package."""
    if place is None:
        return None
    return None if place.is_namespace else str(place.path), place.is_package


def by_python(source: Path, name: str) -> tuple[str | None, bool] | None:
    """Say where Python's finder of files finds a module below ``source``."""
    folder = str(source)
    spec: ModuleSpec | None = None
    for part in name.split("."):
        if not folder:  # what lies above is no package
            return None
        spec = FileFinder(
            folder, (ExtensionFileLoader, EXTENSION_SUFFIXES), (SourceFileLoader, SOURCE_SUFFIXES)
        ).find_spec(part)
        if spec is None:
            return None
        folder = next(iter(spec.submodule_search_locations or ()), "")
    assert spec is not None
    return spec.origin, spec.submodule_search_locations is not None
