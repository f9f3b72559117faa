"""A contract as plain text, so that it can be compared without dataframely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from polster.contracts.rules import contract_columns
from polster.model.contract import ContractColumn
from polster.project.dataframely_private import given_to, schema_rules

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
    return {name: str(rule.expr) for name, rule in schema_rules(contract).items()}


def _column(name: str, column: dy.Column) -> ContractColumn:
    rules = {
        rule: str(value)
        for rule, value in given_to(column).items()
        if rule not in NOT_RULES and value is not None and value is not False
    }
    metadata: Mapping[str, Any] = column.metadata or {}
    inside = {} if _is_marked_whole(column) else _inside(column)
    masked = str(metadata.get("reason") or "").strip() if metadata.get("masked") else None
    return ContractColumn(
        name,
        str(column.dtype),
        column.nullable,
        column.primary_key,
        rules,
        pii=_is_personal(column),
        masked=masked,
        fields=tuple(_column(name, field) for name, field in inside.items() if _is_marked(field)),
    )


def _inside(column: dy.Column) -> Mapping[str, dy.Column]:
    """Return the fields of a struct, or of the structs in a list."""
    inner: Any = getattr(column, "inner", None)
    if inner is None or isinstance(inner, Mapping):
        return inner or {}
    return _inside(inner)


def _is_marked_whole(column: dy.Column) -> bool:
    """Tell whether a column is marked itself, or what its list holds is."""
    inner: Any = getattr(column, "inner", None)
    is_list = inner is not None and not isinstance(inner, Mapping)
    return bool((column.metadata or {}).get("pii")) or (is_list and _is_marked_whole(inner))


def _is_personal(column: dy.Column) -> bool:
    """Tell whether a column, or what is inside, is marked as personal data."""
    inner: Any = getattr(column, "inner", None)
    parts = inner.values() if isinstance(inner, Mapping) else [inner] if inner is not None else []
    return bool((column.metadata or {}).get("pii")) or any(_is_personal(each) for each in parts)


def _is_marked(column: dy.Column) -> bool:
    """Tell whether anything about personal data is said of a field, or of what is inside."""
    masked = bool((column.metadata or {}).get("masked"))
    return masked or _is_personal(column) or any(map(_is_marked, _inside(column).values()))
