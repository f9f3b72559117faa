"""Whether a contract has a primary key, read from its source."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from enum import Enum, auto

from polster.checks.habits.source_tree import Module, Sources
from polster.checks.habits.unit import name_parts
from polster.model.asset import Asset

DEEPEST = 20
"""How many classes are followed upwards."""


class Key(Enum):
    """What is known of a contract's primary key."""

    PRESENT = auto()
    MISSING = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class ContractKey:
    """What is known of a contract's key, and where the contract stands."""

    key: Key
    file: str
    line: int


def contract_key(asset: Asset, sources: Sources) -> ContractKey:
    """Read the key of the contract of ``asset``, bases in the project included.

    A contract of another package, one whose columns are made by functions, and one without a
    column yet are unknown.
    """
    module = sources.module(asset.module)
    contract = asset.options.contract
    if module is None or contract is None:
        return ContractKey(Key.UNKNOWN, asset.file, asset.line)
    parts = tuple(contract.split("."))
    found = _class(sources, sources.meaning(module, module.top, parts))
    if found is None:
        return ContractKey(Key.UNKNOWN, asset.file, asset.line)
    key, columns = _key(sources, *found, DEEPEST)
    if key is Key.MISSING and columns == 0:
        key = Key.UNKNOWN
    own = found[0] is module
    return ContractKey(key, asset.file, found[1].lineno if own else asset.line)


def _class(sources: Sources, name: str | None) -> tuple[Module, ast.ClassDef] | None:
    found = sources.split(name) if name is not None else None
    if found is None or not found[1]:
        return None
    unit = found[0].units.get(".".join(found[1]))
    if unit is None or not isinstance(unit.node, ast.ClassDef):
        return None
    return found[0], unit.node


def _key(sources: Sources, module: Module, node: ast.ClassDef, steps: int) -> tuple[Key, int]:
    """Return what is known of the key, and how many columns were seen."""
    if steps == 0 or node.decorator_list:
        return Key.UNKNOWN, 0
    known, columns = Key.MISSING, 0
    for statement in node.body:
        value = getattr(statement, "value", None)
        if not isinstance(statement, ast.Assign | ast.AnnAssign) or value is None:
            continue
        columns += 1
        column = _column(sources, module, value)
        if column is Key.PRESENT:
            return column, columns
        if column is Key.UNKNOWN:
            known = column
    for base in node.bases:
        parts = name_parts(base)
        meant = sources.meaning(module, module.top, parts) if parts else None
        if meant in ("dataframely.Schema", "builtins.object"):
            continue
        found = _class(sources, meant)
        key, more = _key(sources, *found, steps - 1) if found else (Key.UNKNOWN, 0)
        columns += more
        if key is Key.PRESENT:
            return key, columns
        if key is Key.UNKNOWN:
            known = key
    return known, columns


def _column(sources: Sources, module: Module, value: ast.expr) -> Key:
    if isinstance(value, ast.Constant):
        return Key.MISSING
    if not isinstance(value, ast.Call):
        return Key.UNKNOWN
    parts = name_parts(value.func)
    meant = sources.meaning(module, module.top, parts) if parts else None
    if meant is None or not meant.startswith("dataframely."):
        return Key.UNKNOWN
    for keyword in value.keywords:
        if keyword.arg is None:
            return Key.UNKNOWN
        if keyword.arg == "primary_key":
            if not isinstance(keyword.value, ast.Constant):
                return Key.UNKNOWN
            return Key.PRESENT if keyword.value.value else Key.MISSING
    return Key.MISSING
