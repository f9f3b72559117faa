"""Finding the assets of a project, without running any of its code.

Everything that shapes the pipeline can be read from source: layer, name, dependencies and
options. So listing a thousand assets imports nothing, and a file with a mistake is a finding,
not a crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, build_graph
from polster.model.layer import Layer, LayerRules
from polster.project.asset_file import misplaced_assets, read_asset_file
from polster.project.import_path import PACKAGE, SOURCE_FOLDER
from polster.project.kept_assets import KeptAssets
from polster.project.source import SourceFiles, nothing_to_collect

ASSET_FOLDER = f"{SOURCE_FOLDER}/{PACKAGE}"
PREFIXES = tuple(f"{layer}_" for layer in Layer)


@dataclass(frozen=True, slots=True)
class Discovery:
    """What the source of a project says.

    Attributes:
        assets: Every asset that could be read, sorted by key.
        findings: Every mistake, of single files and of the graph, sorted by file and line.
        graph: None if there is a mistake.
    """

    assets: tuple[Asset, ...]
    findings: tuple[Finding, ...]
    graph: AssetGraph | None


def discover(root: Path, rules: LayerRules, files: SourceFiles | None = None) -> Discovery:
    """Read the assets of the project in ``root`` and connect them.

    Args:
        root: The project's folder.
        rules: Which layer may read which.
        files: Keeps what is parsed, if somebody else wants it, too; if not, only files that differ
            from what the project keeps of them are parsed.
    """
    with nothing_to_collect():
        return _discover(root, rules, files)


def _discover(root: Path, rules: LayerRules, files: SourceFiles | None) -> Discovery:
    assets: list[Asset] = []
    findings: list[Finding] = []
    broken: list[AssetKey] = []
    kept = KeptAssets(root) if files is None else None
    for path in asset_files(root):
        found = _read(path, root, files, kept)
        if isinstance(found, Asset):
            assets.append(found)
            continue
        findings.extend(found)
        key = AssetKey.parse(path.stem)
        if key is not None:
            broken.append(key)
    for path in _other_files(root):
        findings.extend(_misplaced(path, root, files, kept))
    if kept:
        kept.keep()
    assets.sort(key=lambda asset: asset.key)
    checked = build_graph(assets, rules, known=broken)
    findings.extend(checked.findings)
    findings.sort(key=lambda finding: (finding.file or "", finding.line or 0, finding.code))
    return Discovery(tuple(assets), tuple(findings), None if findings else checked.graph)


def _read(
    path: Path, root: Path, files: SourceFiles | None, kept: KeptAssets | None
) -> Asset | Sequence[Finding]:
    """Read an asset's file, if it is not known already."""
    content = _content(path) if kept else None
    if kept is None or content is None:
        return read_asset_file(path, root, files)
    file = path.relative_to(root).as_posix()
    if known := kept.find(file, content):
        return known
    found = read_asset_file(path, root, SourceFiles({path: content}))
    if isinstance(found, Asset):
        kept.learn(file, content, found)
    return found


def _misplaced(
    path: Path, root: Path, files: SourceFiles | None, kept: KeptAssets | None
) -> Sequence[Finding]:
    """Find the assets in another file, if it is not known to have none."""
    content = _content(path) if kept else None
    if kept is None or content is None:
        return misplaced_assets(path, root, files)
    file = path.relative_to(root).as_posix()
    if kept.holds_none(file, content):
        return ()
    found = misplaced_assets(path, root, SourceFiles({path: content}))
    if not found:
        kept.learn(file, content, None)
    return found


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def asset_files(root: Path) -> list[Path]:
    """List the files of ``src/core`` that are named like an asset, sorted."""
    folder = root / ASSET_FOLDER
    return sorted(path for path in folder.glob("*.py") if path.name.startswith(PREFIXES))


def _other_files(root: Path) -> list[Path]:
    """List the files in and below ``src/core`` that are not named like an asset there, sorted."""
    folder = root / ASSET_FOLDER
    return sorted(
        path
        for path in folder.rglob("*.py")
        if not (path.parent == folder and path.name.startswith(PREFIXES))
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
