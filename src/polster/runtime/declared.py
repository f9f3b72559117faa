"""Parts of a table by a column that its asset declares with ``slice_by=``: used, never believed.

What is declared is that rows of the result with a value of the column depend on nothing but the
rows with this value, in whichever order, of each input that holds the column; other inputs are read
whole. The first part that code makes is compared with a whole build. Each one makes rows anew, too,
that did not change, and these must come out as they are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from polster.contracts.judge import Terms
from polster.errors import AssetError
from polster.model.asset import Asset
from polster.plans.locality import Held, Locality, Reach, may_choose
from polster.runtime.slice import Slice

SEED = 11


@dataclass(frozen=True, slots=True)
class Declared:
    """The column that ``slice_by=`` declares.

    Attributes:
        inputs: Parameters whose tables hold it.
    """

    column: str
    inputs: tuple[str, ...]

    def locality(self, name: str) -> Locality:
        """Return how the result depends on the rows of an input, if what is declared is so."""
        if name in self.inputs:
            return Locality(Reach.LOCAL, {self.column: Held((self.column,))})
        why = f"`slice_by` names `{self.column}`, which `{name}` does not hold"
        return Locality(Reach.WHOLE, why=why)

    def checked(self, part: Slice, rows: int, *, is_trusted: bool) -> Slice:
        """Return a part that says how it is checked.

        Args:
            part: The rows with the values that changed.
            rows: How many these are in the published table.
            is_trusted: Whether a part of this code was compared with a whole build before.
        """
        assert part.values is not None  # noqa: S101 - of a part by a column
        alike = _alike(part, rows)
        return replace(
            part,
            values=pl.concat([part.values, alike]),
            declared=self.inputs,
            alike=alike,
            is_trusted=is_trusted,
        )


def read_declared(asset: Asset, terms: Terms, inputs: Mapping[str, pl.Schema]) -> Declared | None:
    """Return the column by which an asset declares that parts of its table can be made.

    Args:
        asset: Whose table.
        terms: How its rows are judged.
        inputs: Columns by parameter.

    Returns:
        None if it declares nothing.

    Raises:
        AssetError: No part can be chosen by that column.
    """
    column = asset.options.slice_by
    if column is None:
        return None
    if column not in terms.schema:
        raise _impossible(asset, f"the table has no column `{column}`")
    dtype = terms.returned.get(column)
    if dtype is None:
        raise _impossible(asset, f"its function does not return `{column}`")
    if not may_choose(dtype):
        raise _impossible(asset, f"`{column}` is {dtype}, by which rows are not chosen")
    there = {name: schema[column] for name, schema in inputs.items() if column in schema}
    if not there:
        raise _impossible(asset, f"none of its inputs has a column `{column}`")
    if other := [name for name, found in there.items() if found != dtype]:
        name = other[0]
        raise _impossible(
            asset, f"`{column}` is {there[name]} in `{name}`, and {dtype} in what it returns"
        )
    return Declared(column, tuple(there))


def _impossible(asset: Asset, why: str) -> AssetError:
    return AssetError(
        f"it cannot be made in parts by `slice_by`: {why}",
        code="POL398",
        place=asset.place,
        hint="name a column that it returns as an input has it, or leave `slice_by` out",
    )


def _alike(part: Slice, rows: int) -> pl.Series:
    """Choose values of the published table that did not change, about half as many rows.

    Which ones is another choice for each version of the table.
    """
    base, column = part.base, part.column
    drawn = pl.col(column).hash(SEED + base.version)
    others = base.scan().filter(~part.published).select(column)
    one_in = max(1, 2 * (base.rows - rows) // max(rows, 1))
    some = others.filter(drawn % one_in == 0).unique().collect(engine="streaming")
    if some.is_empty():  # of few values, each of many rows, one is enough
        some = others.unique().sort(drawn).head(1).collect(engine="streaming")
    return some[column]
