"""Removing assets from a project."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from polster.errors import PolsterError, ScaffoldError, SettingsError, UsageError
from polster.model.asset import AssetKey
from polster.model.graph import resolve, resolve_reference, unknown_finding
from polster.model.layer import Layer
from polster.operations.open_project import Project
from polster.project.discovery import asset_files as written_files
from polster.project.import_path import SOURCE_FOLDER
from polster.project.schema_file import SCHEMA_FILE, read_schema_file, update_schema_file
from polster.project.settings import choose_environment
from polster.project.source import parse
from polster.scaffold.assets import TEST_FOLDER, asset_file, asset_test
from polster.scaffold.changes import Changes, apply_changes, check_changes

__all__ = ["SCHEMA_FILE", "RemovedAssets", "removable_keys", "remove_assets"]


@dataclass(frozen=True, slots=True)
class RemovedAssets:
    """Assets that were removed, or would be.

    Attributes:
        keys: By layer and name.
        changes: The files: each asset's own and its test.
        readers: Assets that stay and depend on one that goes; empty unless forced.
        mentions: Files that stay and import one that goes.
        tables: Folders or URLs of their tables, as far as they exist or cannot be looked at.
        forgotten: Of ``keys``, those whose columns were kept in the project.
    """

    keys: tuple[AssetKey, ...]
    changes: Changes
    readers: tuple[AssetKey, ...]
    mentions: tuple[str, ...]
    tables: tuple[str, ...]
    forgotten: tuple[AssetKey, ...] = ()


def removable_keys(project: Project, layer: Layer | None = None) -> list[AssetKey]:
    """List every asset that has a file, those with mistakes included, by layer and name."""
    stems = (AssetKey.parse(path.stem) for path in written_files(project.root))
    found = {key for key in stems if key is not None and layer in (None, key.layer)}
    return sorted(found, key=lambda key: (list(Layer).index(key.layer), key.name))


def remove_assets(
    project: Project, keys: Collection[AssetKey], *, force: bool = False, dry_run: bool = False
) -> RemovedAssets:
    """Remove the files of assets and their tests; their tables stay where they are.

    Args:
        project: Where.
        keys: What goes; assets among them may depend on each other.
        force: Remove them although others depend on them.
        dry_run: Check everything, remove nothing.

    Raises:
        UsageError: A key is not one of the project's.
        ScaffoldError: Another asset depends on one of them, or the disk refuses; everything is
            as it was.
    """
    known = removable_keys(project)
    for key in keys:
        if key not in known:
            finding = unknown_finding(str(key), known)
            raise UsageError(finding.message, code=finding.code, hint=finding.hint)
    ordered = tuple(key for key in known if key in keys)
    readers = _readers(project, ordered)
    if readers and not force:
        raise _refusal(ordered, readers)
    paths = [asset_file(key) for key in ordered]
    paths += [path for key in ordered if (project.root / (path := asset_test(key))).is_file()]
    changes = Changes(remove=tuple(paths))
    check_changes(project.root, changes)
    removed = RemovedAssets(
        ordered,
        changes,
        tuple(sorted({reader for found in readers.values() for reader in found})),
        tuple(_mentions(project.root, ordered, without=paths)),
        tuple(_tables(project, ordered)),
        _kept(project.root, ordered),
    )
    if not dry_run:
        apply_changes(project.root, changes)
        if removed.forgotten:
            with suppress(OSError):  # the next run forgets them, too
                update_schema_file(project.root, {}, set(known) - set(ordered))
    return removed


def _kept(root: Path, keys: Sequence[AssetKey]) -> tuple[AssetKey, ...]:
    """Return those of ``keys`` whose columns the project keeps; none of a damaged file."""
    try:
        kept = read_schema_file(root)
    except SettingsError:
        return ()
    return tuple(key for key in keys if key in kept)


def _readers(project: Project, keys: Sequence[AssetKey]) -> Mapping[AssetKey, list[AssetKey]]:
    """Return, for each of ``keys`` that others depend on, those others, also in a broken graph."""
    known = removable_keys(project)
    found: dict[AssetKey, list[AssetKey]] = {}
    for asset in project.discovery.assets:
        if asset.key in keys:
            continue
        rules = project.settings.rules
        meant = [
            *(
                resolve(p.name, reader=asset.key, known=known, rules=rules)
                for p in asset.parameters
            ),
            *(
                resolve_reference(reference, holder=asset.key, known=known)
                for reference in asset.options.references
            ),
        ]
        for key in dict.fromkeys(each for each in meant if isinstance(each, AssetKey)):
            if key in keys:
                found.setdefault(key, []).append(asset.key)
    return found


def _refusal(keys: Sequence[AssetKey], readers: Mapping[AssetKey, list[AssetKey]]) -> ScaffoldError:
    parts = [
        f"`{key}` is needed by {', '.join(f'`{reader}`' for reader in sorted(found))}"
        for key, found in sorted(readers.items())
    ]
    them = "it" if len(keys) == 1 else "them"
    return ScaffoldError(
        f"nothing was removed: {'; '.join(parts)}",
        code="POL506",
        hint=f"remove these first, or remove {them} all the same with --force",
    )


def _mentions(root: Path, keys: Sequence[AssetKey], *, without: Collection[str]) -> Iterator[str]:
    """Yield the files of the project that import the module of an asset, sorted."""
    stems = {key.identifier for key in keys}
    for folder in (SOURCE_FOLDER, TEST_FOLDER):
        for path in sorted((root / folder).rglob("*.py")):
            file = path.relative_to(root).as_posix()
            if file not in without and stems & _imported(path):
                yield file


def _imported(path: Path) -> set[str]:
    """Return the last parts of everything that a file imports; nothing if it cannot be read."""
    try:
        tree = parse(path)
    except (OSError, SyntaxError, ValueError):
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.rpartition(".")[2] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").rpartition(".")[2])
            found.update(alias.name for alias in node.names)
    return found


def _tables(project: Project, keys: Sequence[AssetKey]) -> Iterator[str]:
    try:
        lakehouse = choose_environment(project.settings, None).lakehouse
    except PolsterError:
        return  # which lakehouse is not known here; removing files must not fail for that
    for key in keys:
        if "://" in lakehouse:
            yield f"{lakehouse}/{key.layer}/{key.name}"
            continue
        for path in (f"{key.layer}/{key.name}", f"quarantine/{key.layer}/{key.name}"):
            if (folder := Path(lakehouse) / path).is_dir():
                inside = folder.is_relative_to(project.root)
                yield (folder.relative_to(project.root) if inside else folder).as_posix()
