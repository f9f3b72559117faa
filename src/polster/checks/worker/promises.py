"""What the contract of a table promises those that read it; a rule that only warns does not."""

from __future__ import annotations

import polars as pl

from polster.contracts.rules import contract_columns, unique_rules
from polster.model.asset import Policy
from polster.project.dataframely_private import schema_rules
from polster.project.load import LoadedAsset


def never_null(loaded: LoadedAsset) -> frozenset[str]:
    """Return the columns whose nulls are kept out."""
    contract = loaded.function.contract
    if contract is None:
        return frozenset()
    return frozenset(
        name
        for name, column in contract_columns(contract).items()
        if not column.nullable and _is_kept(loaded, f"{name}|nullability")
    )


def limited(loaded: LoadedAsset) -> dict[str, int]:
    """Return the columns that hold some values of their type only, and how many; 0 if unknown."""
    contract = loaded.function.contract
    if contract is None:
        return {}
    found = {
        name: 0
        for rule, each in schema_rules(contract).items()
        if _is_kept(loaded, rule)
        for name in each.expr.meta.root_names()
    }
    for name, column in contract_columns(contract).items():
        choices = getattr(column, "is_in", None)
        if isinstance(column.dtype, pl.Enum):
            found[name] = len(column.dtype.categories)
        elif choices is not None and _is_kept(loaded, f"{name}|is_in"):
            found[name] = len(set(choices))
        elif any(
            getattr(column, kind, None) is not None and _is_kept(loaded, f"{name}|{kind}")
            for kind in ("regex", "check")
        ):
            found[name] = 0
    return found


def unique(loaded: LoadedAsset) -> tuple[tuple[str, ...], ...]:
    """Return the columns whose values together occur once."""
    contract = loaded.function.contract
    keys = [] if contract is None else unique_rules(contract)
    return tuple(key.columns for key in keys if _is_kept(loaded, key.name))


def _is_kept(loaded: LoadedAsset, rule: str) -> bool:
    return loaded.asset.options.policy(rule) is not Policy.WARN
