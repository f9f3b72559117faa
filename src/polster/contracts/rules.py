"""The rules of a contract, sorted by what they need to see: one row, or the whole table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import dataframely as dy

PRIMARY_KEY = "primary_key"
PROBE = "__polster_probe__"
RULE = "__polster_rule__"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that holds for a good row.

    Attributes:
        name: As dataframely names it: ``amount|min``, ``primary_key``, or the method's name.
        holds: True for a good row; null counts as good.
        columns: The columns that it reads.
    """

    name: str
    holds: pl.Expr
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """Columns whose values together occur once."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one contract.

    Attributes:
        rows: Those that one row decides; judged while the rows stream by.
        unique: Keys; judged among the rows that pass the row rules.
        tables: Those that look at other rows too, such as an ``over``; judged last.
    """

    rows: tuple[Rule, ...]
    unique: tuple[UniqueRule, ...]
    tables: tuple[Rule, ...]

    @property
    def need_table(self) -> bool:
        """Tell whether anything is left to judge after the rows streamed by."""
        return bool(self.unique or self.tables)


def contract_columns(contract: type[dy.Schema]) -> dict[str, dy.Column]:
    """Return the columns of a contract by name, in its order."""
    return dict(contract.columns())


def contract_rules(contract: type[dy.Schema]) -> Rules:
    """Sort the rules of ``contract``."""
    columns = contract_columns(contract)
    schema = pl.Schema({name: column.dtype for name, column in columns.items()})
    unique: list[UniqueRule] = []
    plain: list[Rule] = []
    key = tuple(name for name, column in columns.items() if column.primary_key)
    if key:
        unique.append(UniqueRule(PRIMARY_KEY, key))
    for name, column in columns.items():
        for rule, holds in column.validation_rules(pl.col(name)).items():
            if rule == "unique" and column.unique:
                unique.append(UniqueRule(f"{name}|{rule}", (name,)))
            else:
                plain.append(_rule(f"{name}|{rule}", holds))
    custom: Mapping[str, Any] = contract._schema_validation_rules()
    plain += [_rule(name, rule.expr) for name, rule in custom.items()]
    rows = [rule for rule in plain if sees_one_row(rule.holds, schema)]
    tables = [rule for rule in plain if rule not in rows]
    return Rules(tuple(rows), tuple(unique), tuple(tables))


def rule_names(contract: type[dy.Schema]) -> list[str]:
    """List every name that ``on_violation`` may use for ``contract``, casts included."""
    rules = contract_rules(contract)
    casts = [f"{name}|dtype" for name in contract_columns(contract)]
    every: Sequence[Rule | UniqueRule] = [*rules.rows, *rules.unique, *rules.tables]
    return [*(rule.name for rule in every), *casts]


def sees_one_row(holds: pl.Expr, schema: pl.Schema) -> bool:
    """Tell whether ``holds`` depends on one row alone.

    Polars' own optimizer is asked: it moves a filter below a computed column only if that
    changes no value. What it cannot plan counts as depending on the whole table.
    """
    probed = pl.Schema({**schema, PROBE: pl.Boolean()})
    plan = pl.LazyFrame(schema=probed).with_columns(holds.alias(RULE)).filter(pl.col(PROBE))
    try:
        text = plan.explain()
    except pl.exceptions.PolarsError:
        return False
    return "WITH_COLUMNS" in text and text.index("WITH_COLUMNS") < text.rindex("FILTER")


def _rule(name: str, holds: pl.Expr) -> Rule:
    return Rule(name, holds, tuple(dict.fromkeys(holds.meta.root_names())))
