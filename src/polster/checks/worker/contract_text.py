"""A contract as plain text, so that it can be compared without dataframely."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from polster.checks.examined import ContractColumn
from polster.contracts.rules import contract_columns
from polster.project.source import parse

if TYPE_CHECKING:
    import dataframely as dy

NOT_RULES = frozenset(
    {"nullable", "primary_key", "alias", "metadata", "description", "precision", "scale"}
    | {"sqlalchemy_use_enum", "sqlalchemy_enum_name", "time_zone", "time_unit", "inner"}
)


def contract_text(contract: type[dy.Schema]) -> tuple[ContractColumn, ...]:
    """Write out the columns of ``contract``, in its order."""
    return tuple(_column(name, column) for name, column in contract_columns(contract).items())


def table_rules(contract: type[dy.Schema]) -> Mapping[str, str]:
    """Return the rules of ``contract`` that are no column's, with their expression."""
    rules: Mapping[str, Any] = contract._schema_validation_rules()
    return {name: str(rule.expr) for name, rule in rules.items() if name != "primary_key"}


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


def _column(name: str, column: dy.Column) -> ContractColumn:
    rules = {
        rule: str(value)
        for rule, value in vars(column).items()
        if not rule.startswith("_")
        and rule not in NOT_RULES
        and value is not None
        and value is not False
    }
    metadata: Mapping[str, Any] = column.metadata or {}
    masked = str(metadata.get("reason") or "").strip() if metadata.get("masked") else None
    return ContractColumn(
        name,
        str(column.dtype),
        column.nullable,
        column.primary_key,
        rules,
        pii=bool(metadata.get("pii")),
        masked=masked,
    )
