"""What an asset's function returns: for all of its table, or for a part of it that is made anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from polster.contracts.judge import Terms
from polster.lakehouse.table_version import TableVersion
from polster.model.context import RunContext
from polster.model.layer import Layer
from polster.model.scope import Scope, ScopeKind
from polster.project.load import LoadedAsset
from polster.runtime.call import Handed
from polster.runtime.chosen_rows import ANEW, Frozen, freeze, keeping_out, read_frozen
from polster.runtime.declared import Declared, read_declared
from polster.runtime.in_parts import Parts, in_parts
from polster.runtime.job import Job, Workplace
from polster.runtime.slice import Slice, Whole
from polster.runtime.slices import find_parts, or_whole, stumbled
from polster.runtime.stage import Staged
from polster.runtime.writes.replace_slice import OtherShapeError
from polster.runtime.writes.target import Target


class Making:
    """The frames of one build.

    Attributes:
        shown: What the function returned first, for all rows or for none.
        frozen: What stays of the table all the same.
        parts: How all of the table is divided to fit into memory.
        undivided: Why it could not be.
        declared: By what parts can be made, as the asset says.
        is_trusted: Whether a declared part of this code was compared with a whole build before.
    """

    def __init__(
        self,
        job: Job,
        work: Workplace,
        loaded: LoadedAsset,
        inputs: Mapping[str, TableVersion],
        context: RunContext,
        shown: pl.LazyFrame,
        *,
        is_whole: bool,
        is_trusted: bool,
    ) -> None:
        self.job = job
        self.work = work
        self.loaded = loaded
        self.inputs = inputs
        self.context = context
        self.shown = shown
        self._frame = shown if is_whole else None
        self.frozen: Frozen | None = None
        self.parts: Parts | None = None
        self.undivided: Whole | None = None
        self.is_trusted = is_trusted
        self.declared: Declared | None = None

    @property
    def frame(self) -> pl.LazyFrame:
        """Return what the function returns for all of its table."""
        if self._frame is None:
            self._frame = self.call(self._whole_inputs())
        return self._frame

    def call(self, frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        """Call the function once more; above bronze there is no source."""
        handed = {name: Handed(str(self.inputs[name].key), each) for name, each in frames.items()}
        returned = self.work.call(self.loaded, handed, self.context, self.work.root)
        assert isinstance(returned, pl.LazyFrame)  # noqa: S101 - above bronze there is no source
        return returned

    def freeze(self, terms: Terms, current: TableVersion | None) -> Terms:
        """Find out what stays of the table as it is, and return how the rest is judged."""
        asset = self.job.asset
        inputs = {name: table.schema for name, table in self.inputs.items()}
        self.declared = read_declared(asset, terms, inputs)
        where = read_frozen(asset, terms)
        if where is None or self.job.reread or self.job.known is None:
            return terms
        published = self.work.lakehouse.publications
        if current is None or self.job.is_damaged or not any(published(current)):
            return replace(terms, notes=(*terms.notes, ANEW))
        self.frozen = freeze(asset, where, terms, current)
        return keeping_out(terms, where)

    def possible_parts(
        self, terms: Terms, current: TableVersion | None, target: Target
    ) -> Iterator[Slice | Whole]:
        """Yield which parts of the table may be made anew alone, the smallest first."""
        if self.job.asset.key.layer is Layer.BRONZE:
            return
        if current is None or self.job.is_damaged:
            yield Whole("never built" if current is None else "its table is damaged")
            return
        found = find_parts(
            self.job,
            self.loaded,
            terms,
            current,
            target.published(current),
            self.inputs,
            call=self.call,
            lakehouse=self.work.lakehouse,
            declared=self.declared,
        )
        for part in or_whole(found, self.call, self.inputs):
            yield part if isinstance(part, Whole) else replace(part, frozen=self.frozen)

    def of_part(self, part: Slice) -> pl.LazyFrame:
        """Return what the function returns for a part."""
        if part.is_nothing:
            return self.shown.clear()
        inputs = self._whole_inputs()
        if not part.is_declared:
            return self._unfrozen(part.rows(self.call, inputs, self.frame))
        rows = part.declared_rows(self.call, inputs)
        if rows.collect_schema() != self.shown.collect_schema():
            raise OtherShapeError("which columns it has depends on its rows")
        return self._unfrozen(rows)

    def of_all(self, terms: Terms, current: TableVersion | None) -> Sequence[pl.LazyFrame]:
        """Return what the function returns for all of the table, in parts if it may not fit."""
        most_bytes = self.job.most_bytes
        if self.job.asset.key.layer is not Layer.BRONZE and most_bytes is not None:
            try:
                self.parts = in_parts(self.call, self.inputs, terms, current, most_bytes=most_bytes)
            except Exception as error:
                self.undivided = stumbled(error, "how it is divided to fit into memory")
        frames: Sequence[pl.LazyFrame] = [self.frame]
        if self.parts is not None:
            frames = self.parts.of(self.call, self._whole_inputs(), self.frame)
        return [self._unfrozen(each) for each in frames]

    def scope(
        self, staged: Staged, part: Slice | None, whole: Whole | None, *, is_verified: bool
    ) -> Scope | None:
        """Say how much of the table is made anew; None of bronze."""
        rows, now = staged.rows, staged.rows + staged.rows_beside
        out, rules = staged.rows_rejected + staged.rejected_beside, staged.broken_now
        frozen = self.frozen.count() if self.frozen else 0
        if part is not None and not part.is_all:
            by = (part.column,) if part.column else ()
            why = part.where.sql if part.where else ""
            of_part = Scope(part.kind, by, rows, now, out, rules, why, frozen=frozen)
            return replace(
                of_part,
                is_verified=is_verified,
                is_declared=part.is_declared,
                is_trusted=(is_verified and part.is_declared) or self.is_trusted,
            )
        if whole is None:
            return None
        by = (self.parts.column,) if self.parts else ()
        of_all = Scope(ScopeKind.WHOLE, by, rows, now, out, rules, whole.why, frozen=frozen)
        trusted = self.is_trusted and not whole.is_distrusted
        return replace(of_all, is_distrusted=whole.is_distrusted, is_trusted=trusted)

    def _whole_inputs(self) -> dict[str, pl.LazyFrame]:
        return {name: table.scan() for name, table in self.inputs.items()}

    def _unfrozen(self, frame: pl.LazyFrame) -> pl.LazyFrame:
        return frame if self.frozen is None else self.frozen.left_out(frame)
