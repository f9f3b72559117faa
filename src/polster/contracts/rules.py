"""The rules of a contract, sorted by what they need to see: one row, or the whole table."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from polster.project.dataframely_private import is_own_column, schema_rules

if TYPE_CHECKING:
    import dataframely as dy

PRIMARY_KEY = "primary_key"
PROBE = "__polster_probe__"
DTYPE_RULE = "|dtype"
"""Ends the name of the rule that a value of a column can be cast to its type."""
RULES_COLUMN = "_rules"
"""Holds the rules that a rejected row breaks."""
RESCUED_COLUMN = "_rescued"
"""Holds, in bronze, values that did not fit their columns; it is no part of a silver table."""
RULE = "__polster_rule__"


@dataclass(frozen=True, slots=True)
class Rule:
    """A condition that holds for a good row.

    Attributes:
        name: As dataframely names it: ``amount|min``, ``primary_key``, or the method's name.
        holds: True for a good row; null counts as good.
        columns: The columns that it reads; all of the contract if it selects them by a pattern.
        by_pattern: Whether it does, such as ``pl.all()``: then it must meet no other column.
    """

    name: str
    holds: pl.Expr
    columns: tuple[str, ...]
    by_pattern: bool = False


@dataclass(frozen=True, slots=True)
class UniqueRule:
    """Columns whose values together occur once."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """Columns whose values together stand in a table, or are null in part.

    Attributes:
        target: Where they must stand, columns as they are stored; None for the rows judged.
        target_columns: The columns meant there, in the order of ``columns``.
    """

    name: str
    columns: tuple[str, ...]
    target: pl.LazyFrame | None
    target_columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of one contract, and what its asset refers to.

    Attributes:
        rows: Those that one row decides; judged while the rows stream by.
        unique: Keys; judged among the rows that pass the row rules.
        tables: Those that look at other rows too, such as an ``over``; judged last.
        references: Those that look into other tables; judged before the keys.
    """

    rows: tuple[Rule, ...]
    unique: tuple[UniqueRule, ...]
    tables: tuple[Rule, ...]
    references: tuple[ReferenceRule, ...] = ()

    @property
    def need_table(self) -> bool:
        """Tell whether anything is left to judge after the rows streamed by."""
        return bool(self.unique or self.tables or self.references)


@lru_cache(maxsize=128)
def contract_columns(contract: type[dy.Schema]) -> Mapping[str, dy.Column]:
    """Return the columns of a contract by name, in its order; dataframely builds them each time."""
    return MappingProxyType(contract.columns())


def unique_rules(contract: type[dy.Schema]) -> list[UniqueRule]:
    """Return the rules by which values must occur once, the primary key first."""
    columns = contract_columns(contract).items()
    key = tuple(name for name, column in columns if column.primary_key)
    single = [UniqueRule(f"{name}|unique", (name,)) for name, column in columns if column.unique]
    return [UniqueRule(PRIMARY_KEY, key), *single] if key else single


def contract_rules(contract: type[dy.Schema], schema: pl.Schema | None = None) -> Rules:
    """Sort the rules of ``contract``.

    Args:
        contract: Whose rules.
        schema: Types of its columns where they are known better than from the contract, which
            may leave them open (``dy.Any``, ``dy.Integer``).
    """
    columns = contract_columns(contract)
    types = {name: column.dtype for name, column in columns.items()}
    if schema is not None:
        types = {name: schema.get(name, dtype) for name, dtype in types.items()}
    unique = unique_rules(contract)
    plain: list[Rule] = []
    certain: set[str] = set()
    for name, column in columns.items():
        judges_values = _judges_values(column)
        for rule, holds in column.validation_rules(pl.col(name)).items():
            if rule == "unique" and column.unique:
                continue
            if judges_values:
                plain.append(Rule(f"{name}|{rule}", holds, (name,)))
                certain.add(plain[-1].name)
            else:
                plain.append(_rule(f"{name}|{rule}", holds, types))
    plain += [_rule(name, rule.expr, types) for name, rule in schema_rules(contract).items()]
    rows: list[Rule] = []
    tables: list[Rule] = []
    judged = pl.Schema(types)
    asked = [rule.holds for rule in plain if rule.name not in certain]
    if not asked or sees_one_row(asked, judged):  # nearly always, and one question
        return Rules(tuple(plain), tuple(unique), ())
    for one in plain:
        read = pl.Schema({name: types[name] for name in one.columns if name in types})
        is_row = one.name in certain or sees_one_row(one.holds, read)
        (rows if is_row else tables).append(one)
    return Rules(tuple(rows), tuple(unique), tuple(tables))


def _judges_values(column: dy.Column) -> bool:
    """Tell whether the rules of ``column`` are dataframely's own, which look at one value.

    Only a ``check``, here or of what is inside, or a column class of theirs, is the user's and
    may look at other rows.
    """
    return is_own_column(column) and column.check is None and not hasattr(column, "inner")


def rule_problems(rules: Rules, schema: pl.Schema) -> list[str]:
    """Say which of ``rules`` cannot be evaluated over the contract's columns, and why."""
    every = (*rules.rows, *rules.tables)
    if _all_evaluate(schema, every):
        return []
    empty = pl.LazyFrame(schema=schema)
    problems: list[str] = []
    for rule in every:
        try:
            found = empty.select(rule.holds.alias(RULE)).collect_schema()
        except pl.exceptions.PolarsError as error:
            reason = str(error).strip().split("\n", maxsplit=1)[0]
            problems.append(f"the rule `{rule.name}` cannot be evaluated: {reason}")
            continue
        if found[RULE] not in (pl.Boolean, pl.Null):
            problems.append(f"the rule `{rule.name}` gives {found[RULE]}, not true or false")
    return problems


def _all_evaluate(schema: pl.Schema, rules: Sequence[Rule]) -> bool:
    """Ask for all rules in one go, which is nearly always the whole answer."""
    empty = pl.defer(lambda: pl.DataFrame(schema=schema), schema=schema)  # never made, only named
    checks = [rule.holds.alias(f"{RULE}{number}") for number, rule in enumerate(rules)]
    try:
        found = empty.select(checks).collect_schema()
    except pl.exceptions.PolarsError:
        return False
    return all(dtype in (pl.Boolean, pl.Null) for dtype in found.dtypes())


def rule_names(contract: type[dy.Schema]) -> list[str]:
    """List every name that ``on_violation`` may use for ``contract``, casts included."""
    rules = contract_rules(contract)
    casts = [name + DTYPE_RULE for name in contract_columns(contract)]
    every: Sequence[Rule | UniqueRule] = [*rules.rows, *rules.unique, *rules.tables]
    return [*(rule.name for rule in every), *casts]


def sees_one_row(holds: pl.Expr | Sequence[pl.Expr], schema: pl.Schema) -> bool:
    """Tell whether ``holds``, or each of them, depends on one row alone.

    Polars' own optimizer is asked: it moves a filter below a computed column only if that
    changes no value. What it cannot plan counts as depending on the whole table.
    """
    probed = pl.Schema({**schema, PROBE: pl.Boolean()})
    each = [holds] if isinstance(holds, pl.Expr) else holds
    rules = [one.alias(f"{RULE}{number}") for number, one in enumerate(each)]
    plan = pl.LazyFrame(schema=probed).with_columns(rules).filter(pl.col(PROBE))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*unstable.*")
        only_pushdown = pl.QueryOptFlags.none(predicate_pushdown=True)
    try:
        text = plan.explain(optimizations=only_pushdown)
    except pl.exceptions.PolarsError:
        return False
    # the first word alone is Polars'; further down, names and texts of the user may say anything
    return text.lstrip().startswith("WITH_COLUMNS")


def _rule(name: str, holds: pl.Expr, columns: Mapping[str, pl.DataType]) -> Rule:
    by_pattern = holds.meta.has_multiple_outputs()
    read = columns if by_pattern else holds.meta.root_names()
    return Rule(name, holds, tuple(dict.fromkeys(read)), by_pattern)


def is_local(rule: Rule, column: str, schema: pl.Schema) -> bool:
    """Tell whether ``rule`` says of rows with some value of ``column`` what these alone decide.

    Asked as in :func:`sees_one_row`, by the column itself.
    """
    if rule.by_pattern and column not in rule.columns:
        return False
    plan = pl.LazyFrame(schema=schema).with_columns(rule.holds.alias(RULE))
    among = pl.col(column).is_in(
        pl.Series([None], dtype=schema[column]).implode(), nulls_equal=True
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*unstable.*")
        only_pushdown = pl.QueryOptFlags.none(predicate_pushdown=True)
    try:
        texts = [plan.filter(q).explain(optimizations=only_pushdown) for q in (among, ~among)]
    except pl.exceptions.PolarsError:
        return False
    return all(text.lstrip().startswith("WITH_COLUMNS") for text in texts)
