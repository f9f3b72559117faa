"""Rows that a condition of the user chooses: those that stay as they are, or are made anew.

Rows that ``frozen=`` names stay as they were published; the others are made anew. A row that a
function returns for the frozen part is told by its key. If it is published there, it stays as it
was published. Else it would be new, breaks the rule :data:`LATE`, and is kept out.

Rows that ``--where`` names are made anew; the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.casts import Cast
from polster.contracts.expected import Surprise
from polster.contracts.judge import Terms
from polster.contracts.rules import Rule, is_local
from polster.errors import AssetError
from polster.model.asset import LATE, Asset, AssetKey
from polster.model.decision import MadeBefore
from polster.model.record import Fingerprint, RunStatus
from polster.model.scope import ScopeKind
from polster.plans.where import Where, read_where

if TYPE_CHECKING:
    from polster.lakehouse.lakehouse import Lakehouse
    from polster.lakehouse.table_version import TableVersion

ANEW = "rows that `frozen=` names were made anew, too, since its table could not be kept"
IS_FROZEN = "__polster_frozen__"
KEY = "__polster_key_{}__"


@dataclass(frozen=True, slots=True)
class Frozen:
    """The rows of a version of a table that stay.

    Attributes:
        where: Which they are.
        key: Columns by whose values one is known.
        casts: How columns that are returned become those of the contract.
        base: The version that they stay of.
    """

    where: Where
    key: tuple[str, ...]
    casts: Mapping[str, Cast]
    base: TableVersion

    @property
    def rows(self) -> pl.LazyFrame:
        """Return the rows that stay."""
        return self.base.scan().filter(self.where.holds())

    def count(self) -> int:
        """Count the rows that stay."""
        return int(self.rows.select(pl.len()).collect(engine="streaming").item())

    def left_out(self, returned: pl.LazyFrame) -> pl.LazyFrame:
        """Return what a function returns, without the rows that stay as they were published."""
        names = [KEY.format(at) for at in range(len(self.key))]
        keys = [self._value(name).alias(own) for name, own in zip(self.key, names, strict=True)]
        made = returned.with_columns(*keys, self.where.holds(self._value).alias(IS_FROZEN))
        stay = self.rows.select(
            *(pl.col(name).alias(own) for name, own in zip(self.key, names, strict=True)),
            pl.lit(value=True).alias(IS_FROZEN),
        )
        on = [*names, IS_FROZEN]
        others = made.join(stay, on=on, how="anti", nulls_equal=True, maintain_order="left")
        return others.drop(on)

    def _value(self, column: str) -> pl.Expr:
        cast = self.casts.get(column)
        return pl.col(column) if cast is None else cast.value()


def read_frozen(asset: Asset, terms: Terms) -> Where | None:
    """Return which rows of an asset's table stay; None if it has no ``frozen``.

    Raises:
        AssetError: They cannot.
    """
    if asset.options.frozen is None:
        return None
    where = _judged_alone(asset, asset.options.frozen, terms, terms.columns, thawed)
    if not terms.rules.unique:
        raise thawed(asset, "its contract has no key, by which a row is known that stays")
    return where


def freeze(asset: Asset, where: Where, terms: Terms, base: TableVersion) -> Frozen:
    """Return the rows of a version that stay.

    Raises:
        AssetError: They are of other columns than the rows that are made now.
    """
    key = terms.rules.unique[0].columns
    if other := _of_other_type((*key, *where.columns), terms, base):
        raise thawed(asset, other, base)
    return Frozen(where, key, {cast.column: cast for cast in terms.casts}, base)


def keeping_out(terms: Terms, where: Where) -> Terms:
    """Return how rows are judged of which none may be new where ``where`` holds."""
    late = Rule(LATE, ~where.holds(), where.columns)
    return replace(terms, rules=replace(terms.rules, rows=(*terms.rules.rows, late)))


def came_late(asset: Asset, rows: int) -> Surprise:
    """Say that rows were kept out since what they would be part of is frozen."""
    came = (
        "1 row that is not in the table was"
        if rows == 1
        else (f"{rows} rows that are not in the table were")
    )
    return Surprise(
        "POL396",
        "frozen",
        f"{came} returned for the part that is frozen, and kept out",
        f"look at them: polster quarantine {asset.key}; to let them in, make that part anew: "
        f'polster run {asset.key} --where "…"',
        fails=False,
    )


def thawed(asset: Asset, why: str, base: TableVersion | None = None) -> AssetError:
    """Say that rows cannot stay frozen."""
    return AssetError(
        f"its rows cannot stay `frozen`: {why}",
        code="POL354",
        place=asset.place,
        hint="change or remove `frozen=` in its decorator"
        if base is None
        else f"make all of it, frozen rows too: polster run {asset.key} --full-refresh",
    )


def read_named(asset: Asset, sql: str, terms: Terms, base: TableVersion) -> Where:
    """Return which rows ``--where`` names.

    Args:
        asset: Whose table.
        sql: The condition.
        terms: How its rows are judged.
        base: The newest version of its table.

    Raises:
        AssetError: They alone cannot be made, or not be judged.
    """
    where = _judged_alone(asset, sql, terms, terms.schema, refused)
    if other := _of_other_type(where.columns, terms, base):
        raise refused(asset, other)
    return where


def refused(asset: Asset, why: str) -> AssetError:
    """Say that ``--where`` is not possible."""
    return AssetError(
        f"its rows cannot be made anew by `--where`: {why}",
        code="POL354",
        place=asset.place,
        hint=f"make all of it: polster run {asset.key}",
    )


def made_before(lakehouse: Lakehouse, key: AssetKey, sql: str) -> MadeBefore | None:
    """Return the run that made the rows that a condition names and did not succeed.

    Since then only runs for other conditions made it anew, of the same code and inputs.
    """
    table = lakehouse.pin(key)
    newest: Fingerprint | None = None
    for published in lakehouse.publications(table) if table else ():
        scope, then = published.record.scope, published.record.fingerprint
        if scope is None or scope.kind is not ScopeKind.WHERE or then is None:
            return None
        if newest not in (None, then.of_all):
            return None
        newest = then.of_all
        if scope.why == sql:
            run = lakehouse.ledger.run(published.run_id)
            ended_well = run is not None and run.status is RunStatus.SUCCEEDED
            return None if ended_well else MadeBefore(published.run_id, newest)
    return None


def _judged_alone(
    asset: Asset,
    sql: str,
    terms: Terms,
    columns: Iterable[str],
    refuse: Callable[[Asset, str], AssetError],
) -> Where:
    """Return a condition, if the rows for which it holds can be judged without the others.

    Args:
        asset: Whose table.
        sql: The condition.
        terms: How its rows are judged.
        columns: What it may look at.
        refuse: Says that it cannot be done, and why.

    Raises:
        AssetError: It cannot.
    """
    try:
        where = read_where(sql, {name: terms.schema[name] for name in columns})
    except ValueError as error:
        raise refuse(asset, str(error)) from error
    for name in where.columns:
        if name not in terms.returned:
            raise refuse(asset, f"its function does not return `{name}`")
    for rule in terms.rules.tables:
        if not all(is_local(rule, name, terms.schema) for name in where.columns):
            raise refuse(asset, f"its rule `{rule.name}` looks at rows beside these")
    if terms.ages or asset.options.expect.null_share:
        raise refuse(asset, "what is expected of its nulls or its newest row is asked of all")
    if any(rule.target is None for rule in terms.rules.references):
        raise refuse(asset, "it refers to its own rows")
    return where


def _of_other_type(columns: Iterable[str], terms: Terms, base: TableVersion) -> str | None:
    """Return which of the columns a table holds in another type than its contract says."""
    for name in columns:
        if base.schema.get(name) != terms.schema[name]:
            return f"its table holds `{name}` in another type than its contract"
    return None
