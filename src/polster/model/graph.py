"""The graph of assets, and the rules that it must obey to exist at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter

from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding
from polster.model.layer import LAYER_REASONS, REFERABLE, Layer, LayerRules
from polster.model.reference import Reference

VALUE_HINT = (
    "a parameter is a dependency; a value that the function needs belongs above it, "
    "as a constant of the file: RATE = 0.2"
)

MOST_COMPARED = 100_000
"""How many pairs of names, three spellings a key, are compared to tell what unknown ones mean."""


@dataclass(frozen=True, slots=True)
class AssetGraph:
    """Assets and what each reads and refers to; only well-formed graphs exist.

    Attributes:
        assets: By key; what an asset needs stands before it.
        inputs: For each asset, parameter name to the upstream's key, in parameter order.
        references: For each asset that refers to others, or to its own table, the asset meant.
    """

    assets: Mapping[AssetKey, Asset]
    inputs: Mapping[AssetKey, Mapping[str, AssetKey]]
    references: Mapping[AssetKey, Mapping[Reference, AssetKey]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Asset]:
        return iter(self.assets.values())

    def __len__(self) -> int:
        return len(self.assets)

    def __getitem__(self, key: AssetKey) -> Asset:
        return self.assets[key]

    def upstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """List what ``key`` reads directly, in parameter order."""
        return tuple(self.inputs[key].values())

    def downstream(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """List what reads ``key`` directly."""
        return tuple(other for other in self.assets if key in self.inputs[other].values())

    def referred(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """List the other assets whose tables ``key`` refers to and does not read."""
        targets = dict.fromkeys(self.references.get(key, {}).values())
        return tuple(other for other in targets if other not in {key, *self.upstream(key)})

    def needs(self, key: AssetKey) -> tuple[AssetKey, ...]:
        """List what must be built before ``key``: what it reads, and what else it refers to."""
        return self.upstream(key) + self.referred(key)

    def ties(self, key: AssetKey) -> dict[str, AssetKey]:
        """Return which others ``key`` is bound to, by name of the parameter or of the rule."""
        return ties(key, self.inputs[key], self.references.get(key, {}))

    def verb(self, key: AssetKey, needed: AssetKey) -> str:
        """Say how ``key`` needs another asset: it ``reads`` it, or ``refers to`` it alone."""
        return "reads" if needed in self.inputs[key].values() else "refers to"

    def ancestors(self, keys: Iterable[AssetKey]) -> set[AssetKey]:
        """Return everything that ``keys`` need, themselves not included unless reached."""
        return _reach(keys, {key: self.needs(key) for key in self.assets})

    def descendants(self, keys: Iterable[AssetKey]) -> set[AssetKey]:
        """Return everything that needs ``keys``, themselves not included unless reached."""
        needing: dict[AssetKey, list[AssetKey]] = {key: [] for key in self.assets}
        for key in self.assets:
            for other in self.needs(key):
                needing[other].append(key)
        return _reach(keys, needing)


def ties(
    key: AssetKey, inputs: Mapping[str, AssetKey], references: Mapping[Reference, AssetKey]
) -> dict[str, AssetKey]:
    """Return what an asset is bound to by name: of the parameter, or of the reference's rule."""
    targets = {each.rule: target for each, target in references.items() if target != key}
    return {**inputs, **targets}


@dataclass(frozen=True, slots=True)
class GraphCheck:
    """A graph, or the mistakes for which there is none.

    Attributes:
        graph: None if ``findings`` holds an error.
        findings: Every mistake, sorted by file and line.
    """

    graph: AssetGraph | None
    findings: tuple[Finding, ...]


def build_graph(
    assets: Sequence[Asset],
    rules: LayerRules,
    *,
    known: Iterable[AssetKey] = (),
    suggest: bool = True,
) -> GraphCheck:
    """Connect assets by the names of their parameters and by their references, under the rules.

    Where many names are unknown, only the first are compared with all that there are.

    Args:
        assets: What discovery found.
        rules: Which layer may read which.
        known: Keys of assets that exist but cannot be read (their file has a mistake of its
            own); who names one is not reported a second time.
        suggest: Whether to say what unknown names were probably meant to be.
    """
    findings = list(_duplicates(assets))
    by_key: dict[AssetKey, Asset] = {}
    for asset in assets:
        by_key.setdefault(asset.key, asset)
    everything = by_key.keys() | set(known)
    searches = 1 + MOST_COMPARED // (3 * len(everything) + 1) if suggest else 0
    inputs: dict[AssetKey, dict[str, AssetKey]] = {}
    references: dict[AssetKey, dict[Reference, AssetKey]] = {}
    for asset in by_key.values():
        inputs[asset.key] = {}
        for reference in asset.options.references:
            target = resolve_reference(
                reference, holder=asset.key, known=everything, suggest=searches > 0
            )
            if isinstance(target, AssetKey):
                references.setdefault(asset.key, {})[reference] = target
            else:
                searches -= target.code == "POL201"
                findings.append(
                    replace(target, asset=str(asset.key), file=asset.file, line=asset.line)
                )
        for parameter in asset.parameters:
            resolved = resolve(
                parameter.name,
                reader=asset.key,
                known=everything,
                rules=rules,
                suggest=searches > 0,
            )
            if isinstance(resolved, AssetKey):
                inputs[asset.key][parameter.name] = resolved
            else:
                searches -= resolved.code == "POL201"
                findings.append(
                    Finding(
                        resolved.code,
                        resolved.message,
                        asset=str(asset.key),
                        file=asset.file,
                        line=parameter.line,
                        hint=VALUE_HINT if parameter.has_default else resolved.hint,
                    )
                )
        findings.extend(_repeated_inputs(asset, inputs[asset.key]))
    order, cycles = _order(AssetGraph(by_key, inputs, references))
    for cycle in cycles:
        pairs = zip(cycle, [*cycle[1:], cycle[0]], strict=True)
        reads = all(other in inputs[key].values() for key, other in pairs)
        verb = "read" if reads else "read or refer to"
        findings.extend(cycle_finding(by_key, cycle, verb=verb))
    findings.sort(key=lambda finding: (finding.file or "", finding.line or 0, finding.code))
    if findings or set(known) - by_key.keys():
        return GraphCheck(None, tuple(findings))
    return GraphCheck(AssetGraph({key: by_key[key] for key in order}, inputs, references), ())


def resolve(
    name: str,
    *,
    reader: AssetKey,
    known: Iterable[AssetKey],
    rules: LayerRules,
    suggest: bool = True,
) -> AssetKey | Finding:
    """Find the asset that ``name`` means to ``reader``: a key, or the reason why there is none.

    ``clean_logs``, ``silver_clean_logs`` and ``silver.clean_logs`` are understood. A plain name
    is looked for in the layers that ``reader`` may read; an asset never means itself by it. What an
    unknown name was probably meant to be is said if ``suggest``: it is compared with every key.
    """
    known = set(known)
    readable = rules.readable_by(reader.layer)
    plain = [AssetKey(layer, name) for layer in Layer if AssetKey(layer, name) in known]
    spelled = AssetKey.parse(name)
    meant = [key for key in plain if key != reader]
    if spelled is not None and spelled in known and spelled not in meant:
        meant.append(spelled)
    allowed = [key for key in meant if key.layer in readable]
    if len(allowed) == 1:
        return allowed[0]
    if allowed:
        keys = " or ".join(f"`{key}`" for key in allowed)
        return Finding(
            "POL204",
            f"`{name}` could mean {keys}",
            hint="write the layer too: " + " or ".join(f"`{key.identifier}`" for key in allowed),
        )
    if meant == [reader]:
        return _self_finding(reader)
    if meant:
        return layer_finding(reader, meant[0], known=known, rules=rules)
    return unknown_finding(name, known - {reader} or known, first=readable, suggest=suggest)


def resolve_reference(
    reference: Reference, *, holder: AssetKey, known: Iterable[AssetKey], suggest: bool = True
) -> AssetKey | Finding:
    """Find the asset that ``holder`` refers to: a key, its own included, or why there is none."""
    known, name = set(known), reference.target
    meant = [AssetKey(layer, name) for layer in Layer if AssetKey(layer, name) in known]
    spelled = AssetKey.parse(name)
    if spelled is not None and spelled in known and spelled not in meant:
        meant.append(spelled)
    allowed = [key for key in meant if key.layer in REFERABLE[holder.layer]]
    if len(allowed) == 1:
        return allowed[0]
    column = reference.target_columns[0]
    if allowed:
        keys = " or ".join(f"`{key}`" for key in allowed)
        return Finding(
            "POL204",
            f"`{holder}` refers to `{name}`, which could mean {keys}",
            hint="write the layer too: " + " or ".join(f'"{key}.{column}"' for key in allowed),
        )
    if meant:
        return _not_referable(holder, meant[0], column, known)
    found = unknown_finding(name, known, first=REFERABLE[holder.layer], suggest=suggest)
    return replace(found, message=f"`{name}`, which `{holder}` refers to, is not an asset")


def _not_referable(
    holder: AssetKey, target: AssetKey, column: str, known: set[AssetKey]
) -> Finding:
    if target.layer is not Layer.BRONZE:
        why, hint = f"{target.layer} is built after {holder.layer}", "refer to a table below"
    else:
        silver = AssetKey(Layer.SILVER, target.name)
        why = "nobody has judged what bronze holds"
        hint = (
            f'refer to "{silver}.{column}"'
            if silver in known
            else f"make `{silver}` first: polster add-asset --layer silver --name {target.name} "
            f"--dependencies {target.name}"
        )
    return Finding("POL202", f"`{holder}` may not refer to `{target}`: {why}", hint=hint)


def layer_finding(
    reader: AssetKey, upstream: AssetKey, *, known: Iterable[AssetKey], rules: LayerRules
) -> Finding:
    """Say which layer rule ``reader`` breaks by reading ``upstream``, and what to do instead."""
    readable = " and ".join(rules.readable_by(reader.layer)) or "nothing"
    return Finding(
        "POL202",
        f"`{reader}` may not read `{upstream}`: a {reader.layer} asset may read {readable}; "
        f"{LAYER_REASONS[reader.layer]}",
        hint=_instead(reader, upstream, set(known)),
    )


def _instead(reader: AssetKey, upstream: AssetKey, known: set[AssetKey]) -> str:
    if reader.layer is Layer.GOLD and upstream.layer is Layer.BRONZE:
        silver = AssetKey(Layer.SILVER, upstream.name)
        if silver in known:
            return f"read `{silver}`: write the parameter as `{silver.identifier}`"
        return (
            f"make `{silver}` first: polster add-asset --layer silver --name {upstream.name} "
            f"--dependencies {upstream.name}"
        )
    if reader.layer is upstream.layer and reader.layer is not Layer.BRONZE:
        return (
            f"merge the two, move `{reader}` up a layer, or allow it for the whole project: "
            f'[tool.polster.rules] allow = ["{reader.layer}->{reader.layer}"]'
        )
    if reader.layer is Layer.BRONZE:
        return f"read the source itself here, and join with `{upstream}` in a silver asset"
    return f"turn the arrow round, or move `{reader}` to a higher layer than `{upstream}`"


def _self_finding(reader: AssetKey) -> Finding:
    return Finding("POL203", f"`{reader}` reads itself", hint="take one of these dependencies away")


def unknown_finding(
    name: str, known: Collection[AssetKey], *, first: Collection[Layer] = (), suggest: bool = True
) -> Finding:
    """Say that ``name`` is no asset of the project, and which of ``known`` was probably meant.

    Of several that have a name in common, one of the layers ``first`` is offered, then the lowest.
    """
    spellings: dict[str, AssetKey] = {}
    if suggest:
        for key in sorted(known, key=lambda key: (key.layer not in first, key)):
            for spelling in (key.name, key.identifier, str(key)):
                spellings.setdefault(spelling, key)
    if close := get_close_matches(name, list(spellings), n=1, cutoff=0.6):
        hint = f"did you mean `{spellings[close[0]]}`?"
    elif known:
        hint = "see the assets with: polster list-assets"
    else:
        hint = "the project has no such asset yet: polster add-asset"
    return Finding("POL201", f"`{name}` is not an asset of this project", hint=hint)


def cycle_finding(
    assets: Mapping[AssetKey, Asset], cycle: Sequence[AssetKey], *, verb: str = "read"
) -> list[Finding]:
    """Describe a cycle, ``cycle`` being its keys in reading order, the first not repeated."""
    first = min(range(len(cycle)), key=lambda index: cycle[index])
    turned = [*cycle[first:], *cycle[:first]]
    path = " -> ".join(f"`{key}`" for key in [*turned, turned[0]])
    asset = assets.get(turned[0])
    message = (
        f"`{turned[0]}` reads itself" if len(turned) == 1 else f"assets {verb} each other: {path}"
    )
    return [
        Finding(
            "POL203",
            message,
            asset=str(turned[0]),
            file=asset.file if asset else None,
            line=asset.line if asset else None,
            hint="take one of these dependencies away",
        )
    ]


def _duplicates(assets: Sequence[Asset]) -> Iterator[Finding]:
    first: dict[AssetKey, Asset] = {}
    for asset in assets:
        other = first.setdefault(asset.key, asset)
        if other is not asset:
            yield Finding(
                "POL205",
                f"`{asset.key}` is defined twice: also at {other.place}",
                asset=str(asset.key),
                file=asset.file,
                line=asset.line,
                hint="rename or remove one of them",
            )


def _repeated_inputs(asset: Asset, inputs: Mapping[str, AssetKey]) -> Iterator[Finding]:
    seen: dict[AssetKey, str] = {}
    for parameter in asset.parameters:
        key = inputs.get(parameter.name)
        if key is None:
            continue
        other = seen.setdefault(key, parameter.name)
        if other != parameter.name:
            yield Finding(
                "POL215",
                f"`{asset.key}` names `{key}` twice, as `{other}` and `{parameter.name}`",
                asset=str(asset.key),
                file=asset.file,
                line=parameter.line,
                hint="keep one of the two parameters",
            )


def _order(graph: AssetGraph) -> tuple[list[AssetKey], list[list[AssetKey]]]:
    """Return the keys, upstream first, and cycles in reading order; after one, its keys go."""
    edges = {key: sorted(set(graph.needs(key))) for key in sorted(graph.assets)}
    cycles: list[list[AssetKey]] = []
    while True:
        try:
            return list(TopologicalSorter(edges).static_order()), cycles
        except CycleError as error:
            *cycle, _first = reversed(error.args[1])  # given upstream first, its first key twice
            cycles.append(cycle)
            edges = {
                key: [other for other in upstream if other not in cycle]
                for key, upstream in edges.items()
                if key not in cycle
            }


def _reach(
    start: Iterable[AssetKey], edges: Mapping[AssetKey, Sequence[AssetKey]]
) -> set[AssetKey]:
    found: set[AssetKey] = set()
    waiting = list(start)
    while waiting:
        for key in edges[waiting.pop()]:
            if key not in found:
                found.add(key)
                waiting.append(key)
    return found
