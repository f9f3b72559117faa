"""What the code of an asset is, formatting, comments and docstrings left out.

The digest is taken of the code as Python's own ``ast.unparse`` writes it, so editing a comment,
a docstring or the layout changes nothing, and editing a helper module changes every asset that
imports it, directly or not.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from polster.model.asset import Asset
from polster.model.layer import Layer
from polster.model.record import Fingerprint
from polster.project.import_path import SOURCE_FOLDER
from polster.project.imports import imported_names
from polster.project.source import parse

DESCRIPTIVE_OPTIONS = frozenset({"description", "owner", "tags"})


@dataclass(slots=True)
class CodeReader:
    """Reads fingerprints; each file of the project is read once.

    Attributes:
        root: The project's folder.
    """

    root: Path
    _modules: dict[str, _Module | None] = field(default_factory=dict)

    def fingerprint(self, asset: Asset) -> Fingerprint:
        """Return the fingerprint of ``asset`` without its inputs."""
        module = self._module(asset.module)
        if module is None:  # the file went away since discovery
            return Fingerprint("")
        contract = asset.options.contract
        body, contract_class = _split(module.tree, contract)
        modules = {
            name: found.digest
            for name in self._imported(asset.module)
            if (found := self._module(name))
        }
        if contract is not None and contract_class is None:
            modules.update(_outside(module, contract))
        return Fingerprint(
            code=_digest(body),
            contract=_digest([contract_class]) if contract_class else "",
            modules=modules,
        )

    def _imported(self, name: str) -> list[str]:
        """List the project's modules that ``name`` imports, directly or not, sorted."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            module = self._module(waiting.pop())
            for other in module.imports if module else ():
                if other not in found and self._module(other) is not None:
                    found.add(other)
                    waiting.append(other)
        return sorted(found - {name})

    def _module(self, name: str) -> _Module | None:
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def _read(self, name: str) -> _Module | None:
        place = self.root / SOURCE_FOLDER / Path(*name.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            try:
                tree = _normalised(parse(path))
            except (OSError, SyntaxError, ValueError):
                continue
            package = name if path.name == "__init__.py" else name.rpartition(".")[0]
            return _Module(tree, frozenset(imported_names(tree, package)))
        return None


@dataclass(slots=True)
class _Module:
    tree: ast.Module
    imports: frozenset[str]
    _digest: str | None = None

    @property
    def digest(self) -> str:
        if self._digest is None:
            self._digest = _digest(self.tree.body)
        return self._digest


def _split(tree: ast.Module, contract: str | None) -> tuple[list[ast.stmt], ast.ClassDef | None]:
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
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _normalised(tree: ast.Module) -> ast.Module:
    """Take out of ``tree`` what changes no row: docstrings, and an asset's descriptions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.body and _is_text(node.body[0]):
                node.body = node.body[1:] or [ast.Pass()]
        elif isinstance(node, ast.Call) and _name(node.func) in list(Layer):
            node.keywords = [
                option for option in node.keywords if option.arg not in DESCRIPTIVE_OPTIONS
            ]
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


def _outside(module: _Module, contract: str) -> dict[str, str]:
    """Return name and version of the installed package that a contract is imported from."""
    top = contract.partition(".")[0]
    for node in ast.walk(module.tree):
        names = getattr(node, "names", [])
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            source = node.module.partition(".")[0]
        elif isinstance(node, ast.Import):
            source = next((a.name for a in node.names if (a.asname or a.name) == top), "")
            source = source.partition(".")[0]
        else:
            continue
        if any((alias.asname or alias.name) == top for alias in names):
            return {f"{source} (package)": found} if (found := _installed(source)) else {}
    return {}


@cache
def _installed(package: str) -> str | None:
    distributions = packages_distributions().get(package, [])
    try:
        return version(distributions[0]) if distributions else None
    except PackageNotFoundError:
        return None
