"""Which modules a module imports, as its source says."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping

INSIDE: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.FunctionDef: ("body",),
    ast.AsyncFunctionDef: ("body",),
    ast.ClassDef: ("body",),
    ast.If: ("body", "orelse"),
    ast.For: ("body", "orelse"),
    ast.AsyncFor: ("body", "orelse"),
    ast.While: ("body", "orelse"),
    ast.With: ("body",),
    ast.AsyncWith: ("body",),
    ast.Try: ("body", "orelse", "finalbody", "handlers"),
    ast.TryStar: ("body", "orelse", "finalbody", "handlers"),
    ast.ExceptHandler: ("body",),
    ast.Match: ("cases",),
    ast.match_case: ("body",),
}
"""Fields that hold other statements, or what holds those."""


def statements(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield every statement, also inside others; most of a tree is expressions, left out here."""
    for statement in body:
        yield statement
        for name in INSIDE.get(type(statement), ()):
            yield from statements(getattr(statement, name))


def imported_names(tree: ast.Module, package: str) -> Iterator[str]:
    """Yield every module name that an import in ``tree`` may mean.

    >>> sorted(imported_names(ast.parse("from core.tax import RATE"), "core"))
    ['core', 'core.tax', 'core.tax.RATE']

    Args:
        tree: The module.
        package: The package that relative imports are seen from.
    """
    for node in statements(tree.body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                parent = ".".join(parts[: len(parts) - node.level + 1])
                base = f"{parent}.{base}".strip(".")
            yield from _with_parents(base)
            for alias in node.names:
                yield f"{base}.{alias.name}"


def _with_parents(name: str) -> Iterator[str]:
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        yield ".".join(parts[:count])
