"""Keys that a table has and its next version has not: counted, never held beyond one version's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from polster.contracts.rules import PRIMARY_KEY, Rules
from polster.contracts.table_rules import buckets
from polster.errors import AssetError
from polster.model.asset import Asset, Load
from polster.model.expect import IS_CURRENT, VALID_FROM
from polster.model.layer import Layer


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of a table are, of which some may vanish.

    Attributes:
        types: Their columns, in the types of the contract.
        are_current: Whether only rows count that say that they are current, as in a history, whose
            rows stay when a key goes.
    """

    types: Mapping[str, pl.DataType]
    are_current: bool = False

    @property
    def columns(self) -> list[str]:
        """List the columns that are read."""
        return [*self.types, *([IS_CURRENT] if self.are_current else [])]

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the keys of rows, one a row that counts."""
        counted = rows.filter(pl.col(IS_CURRENT)) if self.are_current else rows
        return counted.select(pl.col(name).cast(dtype) for name, dtype in self.types.items())


@dataclass(frozen=True, slots=True)
class Vanished:
    """How many keys of a version the next one does not have.

    Attributes:
        keys: So many.
        of: How many the version has.
        are_current: As in :class:`Keys`.
    """

    keys: int
    of: int
    are_current: bool

    @property
    def share(self) -> float:
        """Return the share of keys that vanished."""
        return self.keys / self.of


def keys_expected(asset: Asset, rules: Rules, types: Mapping[str, pl.DataType]) -> Keys | None:
    """Return what ``vanish`` of an asset's ``expect`` counts; None if it does not say it.

    Args:
        asset: Whose options count.
        rules: Of its contract.
        types: The columns of that.

    Raises:
        AssetError: There is nothing that it could count.
    """
    if asset.options.expect.vanish is None:
        return None
    if asset.key.layer is Layer.BRONZE and asset.options.load is Load.APPEND:
        raise _senseless(
            asset,
            "`vanish` is expected of a table that is added to, of which no key goes",
            "expect it of the silver table that says which keys there are",
        )
    key = next((rule.columns for rule in rules.unique if rule.name == PRIMARY_KEY), ())
    if not key:
        has = "the contract has no primary key" if asset.options.contract else "it has no contract"
        raise _senseless(
            asset,
            f"`vanish` counts keys, and {has}",
            "name the key in the contract, such as id = dy.Int64(primary_key=True)",
        )
    lasting = tuple(name for name in key if name != VALID_FROM)
    is_history = lasting != key and bool(lasting) and types.get(IS_CURRENT) == pl.Boolean
    return Keys({name: types[name] for name in (lasting if is_history else key)}, is_history)


def count_vanished(
    keys: Keys, before: pl.LazyFrame, after: pl.LazyFrame, *, rows: int, beside: pl.LazyFrame | None
) -> int:
    """Count the keys that rows had and have no more.

    Args:
        keys: What counts.
        before: The rows that go, columns in the types of the contract.
        after: What comes in their place.
        rows: About how many there are of both.
        beside: What stays; None if nothing does.
    """
    names = list(keys.types)
    share = pl.struct(names).hash() % (parts := buckets(rows))
    count = 0
    for part in range(parts):
        had, has = (
            each if parts == 1 else each.filter(share == part)
            for each in (keys.of(before), keys.of(after))
        )
        gone = had.join(has, on=names, how="anti", nulls_equal=True).unique()
        found = gone.collect(engine="streaming")
        if found.height and beside is not None:
            stay = keys.of(beside).join(found.lazy(), on=names, how="semi", nulls_equal=True)
            count -= stay.unique().select(pl.len()).collect(engine="streaming").item()
        count += found.height
    return count


def _senseless(asset: Asset, message: str, hint: str) -> AssetError:
    return AssetError(message, code="POL333", place=asset.place, hint=hint)
