"""A part of a table, and how it is taken of what a function returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.casts import Cast
from polster.contracts.expected import Surprise
from polster.model.scope import ScopeKind
from polster.plans.locality import Held, narrowed
from polster.plans.probes import Call
from polster.plans.where import Where

if TYPE_CHECKING:
    from polster.lakehouse.table_version import TableVersion
    from polster.runtime.chosen_rows import Frozen


@dataclass(frozen=True, slots=True)
class Whole:
    """All of the table is made anew.

    Attributes:
        why: As a clause.
        is_distrusted: Whether a part was found wrong, now or since the code changed.
        named: Of a part that was found wrong now, some of the rows that differed, in words.
        amiss: What is to be said of it besides.
    """

    why: str
    is_distrusted: bool = False
    named: str = ""
    amiss: Surprise | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a table, and what stays beside it.

    Attributes:
        base: The version that the rest stays of.
        added: Of a row-local part, the new rows of one input, by parameter; the part is what the
            function makes of them.
        column: Else the column by whose values the part is chosen.
        values: The values, in the type of the contract.
        cast: How a value that is returned becomes one of those; None if it is one.
        where: Else the rows that the user named.
        casts: As ``cast``, of each column that this looks at.
        steps: Of inputs that hold the values in a step of the function, that step.
        frozen: Which of the published rows stay, whatever part they are of; a part of the kind
            :attr:`ScopeKind.WHOLE` is all others.
        declared: Of a part by a column that ``slice_by=`` declares, the inputs that hold it.
        alike: Those of its values whose rows did not change, so that they must come out as they
            are published.
        is_trusted: Whether a part like it was compared with a whole build before, and was right.
    """

    kind: ScopeKind
    base: TableVersion
    added: Mapping[str, pl.LazyFrame] = field(default_factory=dict)
    column: str = ""
    values: pl.Series | None = None
    cast: Cast | None = None
    where: Where | None = None
    casts: Mapping[str, Cast] = field(default_factory=dict)
    steps: Mapping[str, Held] = field(default_factory=dict)
    frozen: Frozen | None = None
    declared: tuple[str, ...] = ()
    alike: pl.Series | None = None
    is_trusted: bool = False

    @property
    def is_declared(self) -> bool:
        """Tell whether it is a part by what is declared, not proved."""
        return bool(self.declared)

    @property
    def returned(self) -> pl.Expr:
        """Return which rows belong to it, over columns as they are returned."""
        if self.where is not None:
            return self.where.holds(
                lambda name: self.casts[name].value() if name in self.casts else pl.col(name)
            )
        return self._among(self._as_published(self.column))

    @property
    def published(self) -> pl.Expr:
        """Return which rows belong to it, over columns as they are published."""
        if self.where is not None:
            return self.where.holds()
        among = pl.lit(value=True) if self.is_all else self._among(pl.col(self.column))
        return among if self.frozen is None else among & ~self.frozen.where.holds()

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the columns that say which rows belong to it; rows that come alone need none."""
        if self.where is not None:
            return self.where.columns
        chosen = (self.column,) if self.column else ()
        if self.frozen is None or not (chosen or self.is_all):
            return chosen
        return tuple(dict.fromkeys((*chosen, *self.frozen.where.columns)))

    @property
    def is_all(self) -> bool:
        """Tell whether it is all of the table but what is frozen."""
        return self.kind is ScopeKind.WHOLE

    def _as_published(self, column: str) -> pl.Expr:
        """Return a column that holds values as they are returned, in the type of the contract."""
        return pl.col(column) if self.cast is None else replace(self.cast, column=column).value()

    def _among(self, value: pl.Expr) -> pl.Expr:
        if self.values is None:
            return pl.lit(value=False)
        return value.is_in(self.values.implode(), nulls_equal=True)

    def rows(
        self, call: Call, frames: Mapping[str, pl.LazyFrame], frame: pl.LazyFrame
    ) -> pl.LazyFrame:
        """Return what a function returns for it.

        Args:
            call: The function.
            frames: What it reads, whole.
            frame: What it returns of that.
        """
        if self.added:
            return call({**frames, **self.added})
        for name, held in self.steps.items():
            among = [self._among(self._as_published(each)) for each in held.columns]
            frame = narrowed(call, frames, name, held.step or 0, pl.any_horizontal(among))
            break  # of one input is enough: the rest is filtered at the end
        return self._narrowed(frame)

    def declared_rows(self, call: Call, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        """Return what a function returns for it if what is declared is so; as :meth:`rows`."""
        narrow = {name: self._narrowed(frames[name]) for name in self.declared}
        return call({**frames, **narrow}).filter(self.returned)

    def rows_named(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        """Return those rows of what a function returns that the user named."""
        if self.where is None or self.casts:
            return frame.filter(self.returned)
        return self.where.of(frame)

    def _narrowed(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        if self.values is None:
            return frame
        dtype = self.values.dtype
        has_order = dtype.is_numeric() or dtype.is_temporal() or dtype == pl.String()
        if has_order and self.cast is None and self.values.len() and not self.values.null_count():
            least, most = pl.lit(self.values.min()), pl.lit(self.values.max())
            between = pl.col(self.column).is_between(least, most)
            frame = frame.filter(between)  # by which files are skipped
        return frame.filter(self.returned)

    @property
    def is_nothing(self) -> bool:
        """Tell whether no row changed that the function looks at."""
        return not self.added and self.values is None
