"""Adding an asset to a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from polster.errors import UsageError
from polster.model.asset import Asset, AssetKey, Parameter
from polster.model.finding import Finding
from polster.model.graph import build_graph, resolve
from polster.model.layer import Layer
from polster.operations.open_project import Project
from polster.project.discovery import asset_files as written_files
from polster.scaffold.assets import (
    OF_SILVER,
    Dependency,
    NewAsset,
    Template,
    asset_file,
    asset_files,
    landed,
)
from polster.scaffold.changes import Changes, apply_changes, check_changes
from polster.scaffold.names import LOCAL, check_asset_name

__all__ = [
    "OF_SILVER",
    "AddedAsset",
    "Template",
    "add_asset",
    "asset_file",
    "check_new_asset",
    "known_keys",
    "missing_dependencies",
    "readable_keys",
]


@dataclass(frozen=True, slots=True)
class AddedAsset:
    """An asset that was added, or would be.

    Attributes:
        asset: What it is.
        changes: The files.
        kept: A file in the landing folder that it reads and that was there before.
    """

    asset: NewAsset
    changes: Changes
    kept: str | None


def known_keys(project: Project) -> set[AssetKey]:
    """Return the keys of all assets, those included whose file has a mistake."""
    stems = (AssetKey.parse(path.stem) for path in written_files(project.root))
    read = {asset.key for asset in project.discovery.assets}
    return read | {key for key in stems if key is not None}


def readable_keys(project: Project, layer: Layer) -> list[AssetKey]:
    """List what a new asset of ``layer`` may depend on, by layer and name."""
    allowed = project.settings.rules.readable_by(layer)
    found = [key for key in known_keys(project) if key.layer in allowed]
    return sorted(found, key=lambda key: (allowed.index(key.layer), key.name))


def check_new_asset(project: Project, layer: Layer, name: str) -> AssetKey:
    """Return the key of a new asset, if ``name`` is fit and free.

    Raises:
        UsageError: It is not.
    """
    key = AssetKey(layer, name)
    check_asset_name(key)
    if key in known_keys(project):
        raise UsageError(
            f"`{key}` exists already",
            code="POL205",
            place=asset_file(key),
            hint="choose another name, or edit that file",
        )
    return key


def add_asset(
    project: Project,
    layer: Layer,
    name: str,
    *,
    dependencies: Sequence[str] = (),
    description: str | None = None,
    template: Template | None = None,
    dry_run: bool = False,
) -> AddedAsset:
    """Write a new asset, its test and what it needs to run as it is.

    Mistakes in other files of the project do not matter, as long as the dependencies are clear.

    Args:
        project: Where.
        layer: Its layer.
        name: Its name in that layer.
        dependencies: Assets that it reads, as ``clean_logs``, ``silver_clean_logs`` or
            ``silver.clean_logs``; none for bronze, at least one for the others.
        description: One line for people.
        template: What a bronze asset reads, by default sample rows in its code; or what a silver
            asset makes of changes.
        dry_run: Check and render everything, write nothing.

    Raises:
        UsageError: The name is not free, a dependency cannot be, or the graph would break.
        ScaffoldError: A file is in the way or the disk refuses; nothing was written.
    """
    key = check_new_asset(project, layer, name)
    meant = Layer.SILVER if template in OF_SILVER else Layer.BRONZE
    if template is not None and layer is not meant:
        raise UsageError(
            f"`--template {template}` is for {meant}, and `{key}` is of {layer}",
            code="POL511",
            hint=f"leave --template out, or write --layer {meant}",
        )
    resolved = _resolve(project, key, dependencies)
    if template in OF_SILVER and len(resolved) > 1:
        raise UsageError(
            f"`--template {template}` reads one table of changes, and --dependencies names "
            f"{len(resolved)}",
            code="POL511",
            hint="join them in an asset of their own, or leave --template out",
        )
    if not resolved and layer is not Layer.BRONZE:
        raise missing_dependencies(project, key)
    asset = NewAsset(
        key,
        tuple(Dependency(_parameter(project, key, other), other) for other in resolved),
        description.strip() if description and description.strip() else None,
        template or Template.EMPTY,
    )
    _check_graph(project, asset)
    kept = landed(project.root, asset)
    changes = asset_files(asset, sample=kept is None)
    check_changes(project.root, changes)
    if not dry_run:
        apply_changes(project.root, changes)
    return AddedAsset(asset, changes, kept)


def missing_dependencies(project: Project, key: AssetKey) -> UsageError:
    """Say that ``key`` needs something to read, and what there is."""
    there = [str(other) for other in readable_keys(project, key.layer)]
    below = " or ".join(project.settings.rules.readable_by(key.layer))
    if there:
        hint = f"choose from: {', '.join(there)}"
    else:
        first = project.settings.rules.readable_by(key.layer)[0]
        more = "" if first is Layer.BRONZE else " --dependencies …"
        hint = (
            f"there is no {below} asset yet: "
            f"polster add-asset --layer {first} --name {key.name}{more}"
        )
    return UsageError(
        f"`{key}` has nothing to read: --dependencies is missing, and a {key.layer} asset reads "
        f"{below}",
        code="POL505",
        hint=hint,
    )


def _resolve(project: Project, key: AssetKey, names: Sequence[str]) -> list[AssetKey]:
    """Return the keys that ``names`` mean, each once, in order."""
    known = known_keys(project)
    found: list[AssetKey] = []
    for name in names:
        seen = known | {key} if AssetKey.parse(name) == key else known
        meant = resolve(name, reader=key, known=seen, rules=project.settings.rules)
        if isinstance(meant, Finding):
            raise _refusal(meant)
        if meant not in found:
            found.append(meant)
    return found


def _parameter(project: Project, reader: AssetKey, upstream: AssetKey) -> str:
    """Return the shortest parameter name that means ``upstream`` and nothing else."""
    known = known_keys(project) | {reader}
    if upstream.name == reader.name or upstream.name in LOCAL:
        return upstream.identifier
    meant = resolve(upstream.name, reader=reader, known=known, rules=project.settings.rules)
    return upstream.name if meant == upstream else upstream.identifier


def _check_graph(project: Project, new: NewAsset) -> None:
    """Refuse an asset whose arrival adds a mistake to the graph: a cycle, a second meaning."""
    assets = project.discovery.assets
    broken = known_keys(project) - {asset.key for asset in assets}
    rules = project.settings.rules
    added = Asset(
        new.key,
        asset_file(new.key),
        1,
        f"core.{new.key.identifier}",
        tuple(Parameter(dependency.parameter, 1) for dependency in new.dependencies),
    )
    before = {
        (finding.code, finding.asset, finding.message)
        for finding in build_graph(assets, rules, known=broken).findings
    }
    for finding in build_graph([*assets, added], rules, known=broken).findings:
        if (finding.code, finding.asset, finding.message) not in before:
            raise _refusal(finding)


def _refusal(finding: Finding) -> UsageError:
    place = None if finding.asset is None else finding.place
    return UsageError(finding.message, code=finding.code, hint=finding.hint, place=place)
