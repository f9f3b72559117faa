"""Where the columns of a contract are written."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path

from polster.project.source import parse


def contract_lines(file: Path, name: str | None) -> Mapping[str, int]:
    """Return the line of each column of the class ``name`` in ``file``; empty if elsewhere."""
    try:
        tree = parse(file)
    except (OSError, SyntaxError, ValueError):
        return {}
    return {
        target.id: statement.lineno
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name == name
        for statement in node.body
        for target in _targets(statement)
        if isinstance(target, ast.Name)
    }


def _targets(statement: ast.stmt) -> list[ast.expr]:
    if isinstance(statement, ast.Assign):
        return statement.targets
    return [statement.target] if isinstance(statement, ast.AnnAssign) else []
