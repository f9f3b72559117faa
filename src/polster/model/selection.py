"""Choosing assets by name, layer, tag and neighbourhood.

A term is ``silver.clean_logs``, ``clean_logs``, ``silver_clean_logs``, ``layer:gold``,
``tag:finance``, ``owner:ops`` or a wildcard such as ``silver.*``. A ``+`` in front adds
everything the assets stand on, a ``+`` behind everything that stands on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, unknown_finding
from polster.model.layer import Layer

METHODS = ("layer", "owner", "tag")


@dataclass(frozen=True, slots=True)
class Term:
    """One term of a selection.

    Attributes:
        body: The term without its plus signs.
        upstream: Whether everything below is wanted too.
        downstream: Whether everything above is wanted too.
    """

    body: str
    upstream: bool = False
    downstream: bool = False

    @classmethod
    def parse(cls, text: str) -> Term:
        """Read a term.

        >>> Term.parse("+gold.reports")
        Term(body='gold.reports', upstream=True, downstream=False)
        """
        return cls(
            text.removeprefix("+").removesuffix("+"),
            upstream=text.startswith("+"),
            downstream=text.endswith("+") and text != "+",
        )


def select(graph: AssetGraph, terms: Sequence[str]) -> set[AssetKey] | Finding:
    """Return the keys that any of ``terms`` selects; all keys if there are no terms.

    A term that selects nothing is a mistake and comes back as a finding, so that a typing
    error never runs less than was meant in silence.
    """
    if not terms:
        return set(graph.assets)
    chosen: set[AssetKey] = set()
    for text in terms:
        term = Term.parse(text)
        keys = _match(graph, term.body)
        if isinstance(keys, Finding):
            return keys
        chosen |= keys
        if term.upstream:
            chosen |= graph.ancestors(keys)
        if term.downstream:
            chosen |= graph.descendants(keys)
    return chosen


def select_one(assets: Iterable[Asset], name: str) -> Asset | Finding:
    """Return the one asset that ``name`` means, or why there is not exactly one."""
    by_key = {asset.key: asset for asset in assets}
    named = _by_name(by_key, name)
    if len(named) == 1:
        return by_key[named.pop()]
    if named:
        keys = " or ".join(f"`{key}`" for key in sorted(named))
        return Finding("POL204", f"`{name}` could mean {keys}", hint="write the layer too")
    return unknown_finding(name, by_key)


def _match(graph: AssetGraph, body: str) -> set[AssetKey] | Finding:
    method, colon, value = body.partition(":")
    if colon:
        return _by_method(graph, method, value)
    if any(character in body for character in "*?["):
        found = {
            key
            for key in graph.assets
            if fnmatchcase(str(key), body) or fnmatchcase(key.name, body)
        }
        if not found:
            return Finding(
                "POL216",
                f"no asset matches `{body}`",
                hint="see the assets with: polster list-assets",
            )
        return found
    found = _by_name(graph.assets, body)
    if not found and body in list(Layer):
        message = f"`{body}` is a layer, not an asset of this project"
        return Finding("POL201", message, hint=f"did you mean `layer:{body}`?")
    return found or unknown_finding(body, graph.assets)


def _by_name(keys: Iterable[AssetKey], name: str) -> set[AssetKey]:
    known = set(keys)
    spelled = AssetKey.parse(name)
    if spelled in known:
        return {spelled} if spelled is not None else set()
    return {key for key in known if key.name == name}


def _by_method(graph: AssetGraph, method: str, value: str) -> set[AssetKey] | Finding:
    if method == "layer":
        if value not in list(Layer):
            known = ", ".join(Layer)
            return Finding("POL216", f"there is no layer `{value}`", hint=f"the layers: {known}")
        return {key for key in graph.assets if key.layer == value}
    if method == "tag":
        found = {asset.key for asset in graph if value in asset.options.tags}
        known_values = sorted({tag for asset in graph for tag in asset.options.tags})
    elif method == "owner":
        found = {asset.key for asset in graph if asset.options.owner == value}
        known_values = sorted({asset.options.owner for asset in graph if asset.options.owner})
    else:
        ways = ", ".join(f"{name}:…" for name in METHODS)
        return Finding("POL216", f"`{method}:` selects nothing", hint=f"one can select by {ways}")
    if found:
        return found
    known = ", ".join(known_values) or "none yet"
    return Finding("POL216", f"no asset has the {method} `{value}`", hint=f"the {method}s: {known}")
