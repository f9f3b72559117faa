"""What the code of an asset is, formatting, comments and docstrings left out.

The digest is taken of the code as Python's own ``ast.unparse`` writes it, so editing a comment,
a docstring or the layout changes nothing, and editing a helper module changes every asset that
imports it, directly or not.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from polster._version import __version__
from polster.model.asset import OPTIONS, Asset, AssetKey
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import Fingerprint
from polster.project.imports import imported_names
from polster.project.kept_lines import digest, keep, read_kept
from polster.project.modules import Modules
from polster.project.source import parsed

DESCRIPTIVE = frozenset(name for name, option in OPTIONS.items() if option.is_descriptive)
FILE = "code"
FORMAT = [1, __version__, sys.version]
"""What the digests that a project keeps depend on, apart from its files."""


@dataclass(frozen=True, slots=True)
class Code:
    """What is known of one file's code.

    Attributes:
        content: Digest of the file's bytes and of the package that its relative imports are seen
            from: as long as they are the same, so is the rest.
        body: Digest of the code, a contract left out.
        contract: Digest of that contract; empty if the file defines none of its name.
        imports: Every module that it may import, whoever's.
        source: The package that the contract comes from, if the file imports it; else empty.
    """

    content: str
    body: str
    contract: str
    imports: Sequence[str]
    source: str


def read_fingerprints(
    root: Path, graph: AssetGraph, keys: Collection[AssetKey]
) -> dict[AssetKey, Fingerprint]:
    """Read the fingerprints of the assets ``keys`` in the graph's order, and keep the digests."""
    reader = CodeReader(root)
    fingerprints = {key: reader.fingerprint(graph[key]) for key in graph.assets if key in keys}
    reader.keep()
    return fingerprints


@dataclass(slots=True)
class CodeReader:
    """Reads fingerprints; each file of the project is read once.

    Attributes:
        root: The project's folder.
    """

    root: Path
    _modules: Modules = field(init=False)
    _known: dict[tuple[str, str], Code] = field(init=False)
    _read: dict[tuple[str, str], Code | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._modules = Modules(self.root)
        self._known = _read_known(self.root)

    def fingerprint(self, asset: Asset) -> Fingerprint:
        """Return the fingerprint of ``asset`` without its inputs."""
        contract = asset.options.contract or ""
        code = self._code(asset.module, contract)
        if code is None:  # the file went away since discovery
            return Fingerprint("")
        modules = {
            name: found.body
            for name in self._imported(asset.module, code)
            if (found := self._code(name))
        }
        if code.source and (found_version := _installed(code.source)):
            modules[f"{code.source} (package)"] = found_version
        return Fingerprint(code=code.body, contract=code.contract, modules=modules)

    def keep(self) -> None:
        """Keep the digests, if any is new; those of modules that are gone are forgotten."""
        read = {asked: code for asked, code in self._read.items() if code is not None}
        if all(self._known.get(asked) is code for asked, code in read.items()):
            return
        still = {asked: code for asked, code in self._known.items() if self._modules.find(asked[0])}
        keep(self.root, FILE, _written(still | read))

    def _imported(self, name: str, code: Code) -> list[str]:
        """List the project's modules that ``name`` imports, directly or not, sorted."""
        found: set[str] = set()
        waiting = [code]
        while waiting:
            for other in waiting.pop().imports:
                if other not in found and (imported := self._code(other)) is not None:
                    found.add(other)
                    waiting.append(imported)
        return sorted(found - {name})

    def _code(self, name: str, contract: str = "") -> Code | None:
        """Return what is known of a module; None if it is none of the project's, or broken."""
        asked = name, contract
        if asked not in self._read:
            self._read[asked] = self._look(name, contract)
        return self._read[asked]

    def _look(self, name: str, contract: str) -> Code | None:
        place = self._modules.find(name)
        if place is None or place.is_namespace:
            return None
        try:
            content = place.path.read_bytes()
            found = digest(f"{place.package}\n".encode() + content)
            known = self._known.get((name, contract))
            if known is not None and known.content == found:
                return known
            if place.path.suffix != ".py":  # a compiled module
                return Code(found, digest(content), "", (), "")
            tree = _normalised(parsed(content, str(place.path)))
        except (OSError, SyntaxError, ValueError):
            return None
        body, contract_class = _split(tree, contract)
        return Code(
            found,
            _digest(body),
            _digest([contract_class]) if contract_class else "",
            sorted(set(imported_names(tree, place.package))),
            _source(tree, contract) if contract and contract_class is None else "",
        )


def _read_known(root: Path) -> dict[tuple[str, str], Code]:
    try:
        written, *lines = read_kept(root, FILE)
        if written != FORMAT:
            return {}
        return {(name, contract): Code(*code) for name, contract, *code in lines}
    except (OSError, ValueError, TypeError, RecursionError):
        return {}


def _written(known: Mapping[tuple[str, str], Code]) -> Iterator[Sequence[object]]:
    yield FORMAT
    for (name, contract), code in sorted(known.items()):
        yield [name, contract, *astuple(code)]


def _split(tree: ast.Module, contract: str) -> tuple[list[ast.stmt], ast.ClassDef | None]:
    found = None
    rest: list[ast.stmt] = []
    for statement in tree.body:
        if isinstance(statement, ast.ClassDef) and statement.name == contract:
            found = statement
        else:
            rest.append(statement)
    return rest, found


def _digest(body: Sequence[ast.stmt]) -> str:
    text = ast.unparse(ast.Module(body=list(body), type_ignores=[]))
    return digest(text.encode())


def _normalised(tree: ast.Module) -> ast.Module:
    """Take out of ``tree`` what changes no row: docstrings, and an asset's descriptions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and _is_text(node.body[0]):
                node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Call) and _name(node.func) in list(Layer):
            node.keywords = [each for each in node.keywords if each.arg not in DESCRIPTIVE]
    return tree


def _name(function: ast.expr) -> str | None:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else None


def _is_text(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _source(tree: ast.Module, contract: str) -> str:
    """Return the top of the package that a contract is imported from; empty if it is not."""
    top = contract.partition(".")[0]
    for node in ast.walk(tree):
        names = getattr(node, "names", [])
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            source = node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            source = next((a.name for a in node.names if (a.asname or a.name) == top), "")
            source = source.partition(".")[0]
        else:
            continue
        if any((alias.asname or alias.name) == top for alias in names):
            return source
    return ""


@cache
def _installed(package: str) -> str | None:
    distributions = packages_distributions().get(package, [])
    try:
        return version(distributions[0]) if distributions else None
    except PackageNotFoundError:
        return None
