"""Breaking one rule of a contract in a few rows, and as little else as can be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import Terms, settle_terms
from polster.contracts.rules import DTYPE_RULE, ReferenceRule, Rule, UniqueRule, contract_columns
from polster.rehearsal.odd_values import can_be_varied, odd_values
from polster.rehearsal.sampling import pick, seed_of
from polster.rehearsal.verdicts import breaks_together, broken_alone, broken_row_rules, broken_rules

if TYPE_CHECKING:
    import dataframely as dy

ROWS_BROKEN = 3
COMBINATIONS = 300
"""How many mixtures of values are tried for a rule that reads several columns."""
ALL_COMBINATIONS = 4000
WHOLE_TABLES = 150
"""How many tables are tried for a rule that looks at several rows."""
PLACE = "__polster_place__"


@dataclass(frozen=True, slots=True)
class Breach:
    """Rows as a function might return them, of which some break a rule.

    Attributes:
        rule: The one that was to be broken.
        frame: All rows.
        planted: How many of them were changed or added.
        broken: One Boolean column for each rule that rows break.
    """

    rule: str
    frame: pl.DataFrame
    planted: int
    broken: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Unbroken:
    """A rule that none of the rows tried breaks.

    Attributes:
        tried: How many rows were.
        is_certain: Whether the values tried say much of the columns that it reads.
    """

    rule: str
    tried: int
    is_certain: bool


class Breaker:
    """Breaks the rules of one contract, one at a time, in rows that keep all of them.

    Args:
        contract: Whose rules.
        terms: The same, as settled for what the function returns.
        good: Rows as the function returned them, none of which breaks a rule; at least one.
        seed: The same seed breaks the same rows in the same way.
    """

    def __init__(
        self, contract: type[dy.Schema], terms: Terms, good: pl.DataFrame, *, seed: int
    ) -> None:
        self.columns: Mapping[str, dy.Column] = contract_columns(contract)
        self.terms = terms
        self.good = good
        self.seed = seed

    @property
    def rules(self) -> list[str]:
        """Name every rule that a row can be asked to break, in the contract's order."""
        rules = self.terms.rules
        return [
            *(cast.column + DTYPE_RULE for cast in self.terms.casts),
            *(rule.name for rule in rules.rows),
            *(rule.name for rule in rules.references),
            *(key.name for key in rules.unique),
            *(rule.name for rule in rules.tables),
        ]

    def as_contracted(self, contract: type[dy.Schema]) -> Breaker | None:
        """Return a breaker of the same rows, numbers in the types of ``contract``.

        A type that is narrower than the contract's, such as that of ``pl.len()``, may have no
        value that breaks a rule. None if all have the contract's types already.
        """
        wider = {
            cast.column: cast.target
            for cast in self.terms.casts
            if cast.source.is_numeric() and cast.target.is_numeric()
        }
        if not wider:
            return None
        good = self.good.cast(pl.Schema({**self.good.schema, **wider}))
        terms = settle_terms(self.terms.asset, contract, good.schema)
        rules = replace(terms.rules, references=self.terms.rules.references)
        terms = replace(terms, rules=rules)
        return Breaker(contract, terms, good, seed=self.seed)

    def break_rule(self, name: str) -> Breach | Unbroken:
        """Break the rule ``name``."""
        rules = self.terms.rules
        for key in rules.unique:
            if key.name == name:
                return self._repeat(key)
        for reference in rules.references:
            if reference.name == name and reference.target is None:
                return self._make_orphan(reference)
            if reference.name == name:
                return self._break_rows(name, reference.columns, None)
        for rule in rules.tables:
            if rule.name == name:
                return self._break_together(rule)
        for rule in rules.rows:
            if rule.name == name:
                return self._break_rows(name, rule.columns, rule)
        return self._break_rows(name, (name.removesuffix(DTYPE_RULE),), None)

    def _break_rows(
        self, name: str, columns: tuple[str, ...], rule: Rule | None
    ) -> Breach | Unbroken:
        """Change values of a few rows until each of them breaks the rule and hardly another."""
        seed = seed_of(self.seed, name)
        targets = sorted(pick(self.good.height, min(ROWS_BROKEN, self.good.height), seed))
        parts = [
            self._judgeable(self._candidates(target, columns, rule, seed)) for target in targets
        ]
        candidates = pl.concat(parts)
        broken = broken_alone(self.terms, candidates)
        rated = broken.select(
            breaks=pl.col(name),
            rules=pl.sum_horizontal(pl.all().cast(pl.Int32)),
            target=pl.concat(
                [
                    pl.repeat(target, part.height, dtype=pl.Int64, eager=True)
                    for target, part in zip(targets, parts, strict=True)
                ]
            ),
        )
        best = (
            rated.with_row_index(PLACE)
            .filter("breaks")
            .sort("rules", PLACE)
            .unique("target", keep="first", maintain_order=True)
        )
        frame = self.good
        for place, target in best.select(PLACE, "target").iter_rows():
            row = candidates[place : place + 1]
            frame = pl.concat([frame[:target], row, frame[target + 1 :]])
        return self._told(name, frame, best.height, candidates.height, columns)

    def _judgeable(self, candidates: pl.DataFrame) -> pl.DataFrame:
        """Leave out the rows over which a cast or a rule stumbles instead of failing them."""
        try:
            broken_row_rules(self.terms, candidates)
        except pl.exceptions.PolarsError:
            rows = [candidates[place : place + 1] for place in range(candidates.height)]
            return pl.concat([self.good[:0], *filter(self._is_judgeable, rows)])
        return candidates

    def _is_judgeable(self, row: pl.DataFrame) -> bool:
        try:
            broken_row_rules(self.terms, row)
        except pl.exceptions.PolarsError:
            return False
        return True

    def _candidates(
        self, target: int, columns: tuple[str, ...], rule: Rule | None, seed: int
    ) -> pl.DataFrame:
        """Return rows like the one at ``target`` but for one of ``columns``, or several."""
        pools = {
            name: odd_values(
                self.columns.get(name),
                rule,
                self.good[name],
                self.terms.schema[name],
                seed=seed,
            )
            for name in columns
            if name in self.good.columns
        }
        row = self.good[target : target + 1]
        found = [
            row.drop(name).join(pool.to_frame(), how="cross").select(self.good.columns)
            for name, pool in pools.items()
        ]
        if len(pools) > 1:
            mixed = _mixed(list(pools.values()), seed)
            found.append(
                row.drop(list(pools)).join(mixed, how="cross").select(self.good.columns)
                if len(pools) < row.width
                else mixed.select(self.good.columns)
            )
        if not found:
            return row
        return pl.concat(found)

    def _repeat(self, key: UniqueRule) -> Breach | Unbroken:
        """Add rows with keys that are there already: like others but for all that is no key."""
        height = self.good.height
        twins = sorted(pick(height, min(ROWS_BROKEN, height), seed_of(self.seed, key.name)))
        added = pl.concat([self.good, self.good[twins]])
        told = self._told(key.name, added, len(twins), len(twins), key.columns)
        if isinstance(told, Breach) or height < 2:
            return told
        # another key keeps whole twins out first, so let another row have the same key
        first, last = self.good[:1].select(key.columns), self.good[-1:].drop(key.columns)
        twin = pl.concat([first, last], how="horizontal").select(self.good.columns)
        changed = pl.concat([self.good[:-1], twin])
        return self._told(key.name, changed, 1, len(twins) + 1, key.columns)

    def _break_together(self, rule: Rule) -> Breach | Unbroken:
        """Change one row, which keeps the row rules, until rows break a rule together."""
        seed = seed_of(self.seed, rule.name)
        target = pick(self.good.height, 1, seed)[0]
        candidates = self._judgeable(self._candidates(target, rule.columns, rule, seed))
        broken = broken_alone(self.terms, candidates)
        if broken.width:
            candidates = candidates.filter(~broken.select(pl.any_horizontal(pl.all())).to_series())
        candidates = candidates.head(WHOLE_TABLES)
        for place in range(candidates.height):
            row = candidates[place : place + 1]
            frame = pl.concat([self.good[:target], row, self.good[target + 1 :]])
            if breaks_together(self.terms, frame, rule):
                told = self._told(rule.name, frame, 1, place + 1, rule.columns)
                if isinstance(told, Breach):
                    return told
        return Unbroken(rule.name, candidates.height, False)

    def _make_orphan(self, rule: ReferenceRule) -> Breach | Unbroken:
        """Change one row until it refers to none of the table's own rows."""
        seed = seed_of(self.seed, rule.name)
        target = pick(self.good.height, 1, seed)[0]
        candidates = self._judgeable(self._candidates(target, rule.columns, None, seed))
        candidates = candidates.head(WHOLE_TABLES)
        for place in range(candidates.height):
            row = candidates[place : place + 1]
            frame = pl.concat([self.good[:target], row, self.good[target + 1 :]])
            told = self._told(rule.name, frame, 1, place + 1, rule.columns)
            if isinstance(told, Breach):
                return told
        return Unbroken(rule.name, candidates.height, False)

    def _told(
        self, name: str, frame: pl.DataFrame, planted: int, tried: int, columns: tuple[str, ...]
    ) -> Breach | Unbroken:
        broken = broken_rules(self.terms, frame)
        broken = broken.select([column.name for column in broken if column.any()])
        if planted and name in broken.columns:
            return Breach(name, frame, planted, broken)
        return Unbroken(name, tried, self._varied(columns))

    def _varied(self, columns: tuple[str, ...]) -> bool:
        return all(
            can_be_varied(self.terms.schema[name]) for name in columns if name in self.terms.schema
        )


def _mixed(pools: list[pl.Series], seed: int) -> pl.DataFrame:
    """Mix values of several columns: every mixture if there are few, else some by chance."""
    if math.prod(pool.len() for pool in pools) <= ALL_COMBINATIONS:
        mixed = pools[0].to_frame()
        for pool in pools[1:]:
            mixed = mixed.join(pool.to_frame(), how="cross")
        return mixed
    return pl.DataFrame(
        [
            pool.gather(pick(pool.len(), COMBINATIONS, seed_of(seed, pool.name), again=True))
            for pool in pools
        ]
    )
