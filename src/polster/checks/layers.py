"""What the shape of the pipeline tells: rules POL220 to POL226."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from polster.checks.habits.grain import loses_grain
from polster.checks.habits.keys import Key, contract_key
from polster.checks.habits.source_tree import Sources
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding, Severity, finding_about
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.project.source import nothing_to_collect

TWIN = re.compile(
    r"(?P<base>[a-z][a-z0-9_]*?)_"
    r"(v\d+|backfill|backup|bak|copy|final|fix|fixed|hotfix|new|old|temp|tmp)"
)
VERSION = re.compile(r"(?P<base>[a-z][a-z0-9_]*?)_v(?P<number>\d+)")

Readers = Mapping[AssetKey, Sequence[AssetKey]]


def check_layers(
    graph: AssetGraph, root: Path, *, max_readers: int, sources: Sources | None = None
) -> list[Finding]:
    """Judge who reads whom, names, owners, descriptions and keys.

    Args:
        graph: The assets.
        root: The project's folder; the source of silver is read.
        max_readers: How many assets may read one directly.
        sources: The project's modules, if somebody reads them too.

    Returns:
        Warnings, sorted by place.
    """
    sources = sources or Sources(root)
    readers: dict[AssetKey, list[AssetKey]] = {key: [] for key in graph.assets}
    for key in graph.assets:
        for upstream in dict.fromkeys(graph.upstream(key)):
            readers[upstream].append(key)
    with nothing_to_collect():
        findings = list(_findings(graph, readers, max_readers, sources))
    return sorted(findings, key=lambda each: (each.file or "", each.line or 0, each.code))


def _findings(
    graph: AssetGraph, readers: Readers, max_readers: int, sources: Sources
) -> Iterator[Finding]:
    for asset in graph:
        yield from _twins(asset, graph)
        yield from _fan_out(asset, readers[asset.key], max_readers)
        if asset.key.layer is Layer.BRONZE:
            yield from _reading_of_bronze(asset, graph, readers, sources)
        elif asset.key.layer is Layer.SILVER:
            yield from _keyless(asset, sources)
        else:
            yield from _undescribed(asset)


def _reading_of_bronze(
    asset: Asset, graph: AssetGraph, readers: Readers, sources: Sources
) -> Iterator[Finding]:
    silver = AssetKey(Layer.SILVER, asset.key.name)
    reading = readers[asset.key]
    if not reading:
        yield _finding(
            asset,
            "POL220",
            f"nobody reads `{asset.key}`",
            f"make `{silver}`: polster add-asset --layer silver --name {asset.key.name} "
            f"--dependencies {asset.key.name}",
        )
    elif silver not in reading and all(
        _loses(graph, graph[key], asset.key, sources) for key in reading
    ):
        named = ", ".join(f"`{key}`" for key in reading[:3])
        yield _finding(
            asset,
            "POL221",
            f"the rows of `{asset.key}` reach silver only joined or aggregated, in {named}",
            f"clean them in an asset of their own first, `{silver}`",
        )


def _loses(graph: AssetGraph, reader: Asset, upstream: AssetKey, sources: Sources) -> bool:
    module = sources.module(reader.module)
    unit = module.units.get(reader.key.name) if module is not None else None
    if unit is None or not isinstance(unit.node, ast.FunctionDef):
        return False
    inputs = graph.inputs[reader.key]
    return all(
        loses_grain(unit.node, parameter) for parameter, key in inputs.items() if key == upstream
    )


def _twins(asset: Asset, graph: AssetGraph) -> Iterator[Finding]:
    layer, name = asset.key.layer, asset.key.name
    base = name
    while (found := TWIN.fullmatch(base)) is not None:
        base = found["base"]
        if AssetKey(layer, base) in graph.assets:
            yield _twin(asset, AssetKey(layer, base))
            return
    version = VERSION.fullmatch(name)
    if version is None:
        return
    for number in range(int(version["number"])):
        other = AssetKey(layer, f"{version['base']}_v{number}")
        if other in graph.assets:
            yield _twin(asset, other)
            return


def _twin(asset: Asset, other: AssetKey) -> Finding:
    return _finding(
        asset,
        "POL222",
        f"`{asset.key}` looks like a second `{other}`",
        "make it one asset: old code lies in git, old rows in the versions of the table; or name "
        "it after what sets it apart",
    )


def _fan_out(asset: Asset, reading: Sequence[AssetKey], most: int) -> Iterator[Finding]:
    if len(reading) > most:
        yield _finding(
            asset,
            "POL223",
            f"{len(reading)} assets read `{asset.key}` directly, more than {most}",
            "give those that need the same of it an asset between, or raise the limit: "
            f"[tool.polster.rules] max_readers = {len(reading)}",
        )


def _undescribed(asset: Asset) -> Iterator[Finding]:
    options = asset.options
    if not (options.owner or "").strip():
        yield _finding(
            asset,
            "POL224",
            f"nobody answers for `{asset.key}`",
            '`@gold(owner="…")` says whom to ask',
        )
    if not (options.description or "").strip():
        yield _finding(
            asset,
            "POL225",
            f"`{asset.key}` is not described",
            "write a docstring that says what one row is and what it is for",
        )


def _keyless(asset: Asset, sources: Sources) -> Iterator[Finding]:
    known = contract_key(asset, sources)
    if known.key is Key.MISSING:
        yield Finding(
            "POL226",
            f"the contract of `{asset.key}`, `{asset.options.contract}`, has no primary key",
            asset=str(asset.key),
            file=known.file,
            line=known.line,
            hint="mark the columns that tell its rows apart: `primary_key=True`",
            severity=Severity.WARNING,
        )


def _finding(asset: Asset, code: str, message: str, hint: str) -> Finding:
    return finding_about(asset, code, message, hint=hint, severity=Severity.WARNING)
