"""What the text of an asset's file says of its contract, without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

OF_EVERY_COLUMN = ("dtype", "nullability")
NO_RULES = frozenset({"alias", "metadata", "nullable", "precision", "primary_key", "scale"})


def written_columns(file: Path) -> list[str]:
    """List the columns of the schemas that ``file`` defines; none if it cannot be read."""
    return [name for schema in _schemas(file) for name, _ in _columns(schema)]


def written_rules(file: Path) -> list[str]:
    """List the rules of the schemas that ``file`` defines, such as ``amount|min``."""
    found: list[str] = []
    for schema in _schemas(file):
        for name, column in _columns(schema):
            options = {option.arg for option in column.keywords if option.arg}
            found += [f"{name}|{each}" for each in (*OF_EVERY_COLUMN, *sorted(options - NO_RULES))]
            found += {"primary_key"} & options - {*found}
        found += [each.name for each in schema.body if isinstance(each, ast.FunctionDef)]
    return found


def _columns(schema: ast.ClassDef) -> Iterator[tuple[str, ast.Call]]:
    for node in schema.body:
        match node:
            case ast.Assign(targets=[ast.Name(name)], value=ast.Call() as column):
                yield name, column


def _schemas(file: Path) -> list[ast.ClassDef]:
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return []
    return [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
