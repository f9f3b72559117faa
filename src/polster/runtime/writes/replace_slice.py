"""Replacing a part of a table: what the function returns for it; the other rows stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import polars as pl

from polster.contracts.judge import Terms
from polster.contracts.rules import PRIMARY_KEY
from polster.lakehouse.change import Change, TableFile
from polster.lakehouse.quarantine import RULES_COLUMN, Superseding
from polster.lakehouse.staging import BatchWriter, StagedFile
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.told_changes import takes_away, told
from polster.lakehouse.types import from_storage, storage_cast
from polster.runtime.gate import Gate
from polster.runtime.job import BehindError, Job
from polster.runtime.slice import Slice
from polster.runtime.stage import Staged
from polster.runtime.writes.difference import Difference, Hidden, find_difference
from polster.runtime.writes.kept import kept_rows
from polster.runtime.writes.replace_table import ReplaceTable
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Shape, Unneeded

MISSING = "rows that it goes without are not in its quarantine"
OURS = "__polster_ours__"
LEAST = "min."
GREATEST = "max."


WRONG = "a part of it was compared with a whole build and differed"


class OtherShapeError(Exception):
    """A part does not fit the table, so that all of it is to be made anew.

    Args:
        why: As a clause.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class WrongPartError(OtherShapeError):
    """A part was compared with a whole build, and is not what that says.

    Args:
        why: As a clause.
        named: Some of the rows that differ, in words.
    """

    def __init__(self, why: str, named: str) -> None:
        super().__init__(why)
        self.named = named


@dataclass(frozen=True, slots=True)
class _Rest:
    """What stays of the files that hold rows of the part.

    Attributes:
        touched: These files.
        files: Their other rows, written once more.
        gone: What holds their rows of the part for readers of changes: one of these files itself
            where it holds no other rows; else a file of its own.
    """

    touched: list[TableFile] = field(default_factory=list)
    files: list[StagedFile] = field(default_factory=list)
    gone: list[StagedFile] = field(default_factory=list)


class ReplaceSlice(ReplaceTable):
    """How a part of silver or gold is written; see :class:`Write`.

    It is made for one version of the table. Whoever publishes meanwhile has it made anew.
    """

    def __init__(self, job: Job, target: Target, part: Slice) -> None:
        super().__init__(job, target)
        self.part = part
        self.terms: Terms | None = None
        self.rest = _Rest()

    def shape(self, terms: Terms, current: TableVersion | None) -> Shape:
        """Stage what the contract says, beside the rows that stay if its keys may be among them."""
        del current
        self.terms = terms
        columns = set(self.part.columns)
        outside = [r for r in terms.rules.unique if not columns or not columns <= {*r.columns}]
        if not outside:
            return Shape()
        kept = kept_rows(self.part.base, terms)
        if kept is not None and columns:
            kept = kept.filter(~self.part.published)
        return Shape(kept=kept)

    def settle(self, staged: Staged, current: TableVersion | None, *, again: bool = False) -> None:
        """Write the other rows of the files that hold rows of the part once more.

        Raises:
            BehindError: Another writer changed the table.
            OtherShapeError: The part has other columns than the table.
        """
        base = self.part.base
        if again or current is None or current.version != base.version:
            raise BehindError({})
        if dict(staged.schema) != dict(base.stored_schema) or dict(staged.types) != dict(
            base.schema
        ):
            raise OtherShapeError("its columns changed")
        if self.part.columns:
            self.rest = self._rest(staged)
        staged.rows_beside = base.rows - sum(file.rows for file in self.rest.gone)
        self._look_into_quarantine(staged)

    def refuse_emptied(self, columns: Sequence[str]) -> None:
        """See whether columns that hold no value in the part hold one in the rest.

        Raises:
            OtherShapeError: One does not, which is judged of the whole table.
        """
        if not columns or not self.part.columns:  # nothing goes
            return
        rest = self.part.base.scan().filter(~self.part.published)
        filled = rest.select(pl.col(columns).is_not_null().any()).collect(engine="streaming")
        empty = [name for name in columns if not filled[name].item()]
        if empty:
            raise OtherShapeError(f"`{empty[0]}` would hold no value")

    def see_alike(self, staged: Staged, *, hidden: Callable[[], Hidden]) -> None:
        """Compare rows of the part that did not change with what is published.

        Args:
            staged: The part.
            hidden: Says which values not to tell.

        Raises:
            WrongPartError: They came out otherwise.
        """
        part, values = self.part, self.part.alike
        if values is None:
            return
        among = pl.col(part.column).is_in(values.implode(), nulls_equal=True)
        anew = from_storage(staged.staging.scan(staged.files, staged.schema), staged.types)
        ours = part.base.scan().filter(part.published).select(list(staged.schema)).filter(among)
        found = find_difference(ours, anew.filter(among), self._key, hidden=hidden)
        if found is not None:
            raise WrongPartError(
                f"rows of the same `{part.column}` as none that changed came out otherwise",
                found.named,
            )

    @property
    def _key(self) -> tuple[str, ...]:
        unique = self.terms.rules.unique if self.terms else ()
        return next((rule.columns for rule in unique if rule.name == PRIMARY_KEY), ())

    def compare(self, staged: Staged, whole: Staged, *, hidden: Callable[[], Hidden]) -> None:
        """Compare the table as it would be with a whole build.

        Args:
            staged: The part.
            whole: The whole build.
            hidden: Says which values not to tell.

        Raises:
            WrongPartError: They hold other rows, or keep others out.
        """
        part, base, touched = self.part, self.part.base, {file.name for file in self.rest.touched}
        stays = base.only([file.name for file in base.every_file if file.name not in touched])
        anew = staged.staging.scan([*self.rest.files, *staged.files], staged.schema)
        columns = list(staged.schema)
        ours = pl.concat([stays.scan_stored().select(columns), anew.select(columns)])
        theirs = whole.staging.scan(whole.files, whole.schema).select(columns)
        if part.frozen is not None:
            changing = ~part.frozen.where.holds()
            ours, theirs = (
                from_storage(rows, staged.types).filter(changing) for rows in (ours, theirs)
            )
        found = find_difference(ours, theirs, self._key, hidden=hidden)
        out, should = staged.rows_rejected + staged.rejected_beside, whole.rows_rejected
        if found is not None or out != should:
            found = found or Difference(0, 0, "")
            raise WrongPartError(
                f"{WRONG}: {found.missing} rows were missing, {found.spare} were there that should "
                f"not be, and {out} were kept out where it keeps out {should}",
                found.named,
            )

    def _look_into_quarantine(self, staged: Staged) -> None:
        """Find which rows in the quarantine belong to the part, and count the others."""
        if self.part.is_all:
            return
        lakehouse, key = self.target.lakehouse, self.job.asset.key
        quarantine = lakehouse.quarantine(key)
        published = self.target.published(self.part.base)
        kept_out = published.record.quarantined_now if published else 0
        runs = lakehouse.standing_runs(key) if kept_out else []
        standing = quarantine.standing(runs) if kept_out else None
        belongs = self.part.returned
        if standing is None:
            if kept_out:
                raise OtherShapeError(MISSING)
            return
        kept_as = standing.collect_schema()
        for column in self.part.columns:
            if self.terms and kept_as.get(column) != self.terms.returned[column]:
                raise OtherShapeError(f"its quarantine holds `{column}` in another type")
        counted = standing.select(belongs.sum().cast(pl.Int64).alias("ours"), pl.len()).collect()
        ours, every = counted.row(0)
        if every != kept_out:
            raise OtherShapeError(MISSING)
        staged.rejected_beside = every - (ours or 0)
        others = standing.filter(~belongs).select(pl.col(RULES_COLUMN).explode().alias("rule"))
        staged.broken_beside.update(dict(others.group_by("rule").len().collect().iter_rows()))
        if ours:
            staged.superseding = Superseding(quarantine, belongs, runs, self.target.run_id)

    def _rest(self, staged: Staged) -> _Rest:
        base, part = self.part.base, self.part
        here = [file for file in base.every_file if file.name in self._reachable()]
        counts = pl.collect_all(
            [
                base.only([file.name])
                .scan()
                .select(part.published.sum().cast(pl.Int64).alias("ours"), pl.len())
                for file in here
            ],
            engine="streaming",
        )
        schema = staged.schema
        touched: list[TableFile] = []
        parted: list[TableFile] = []
        gone: list[StagedFile] = []
        for file, count in zip(here, counts, strict=True):
            ours, rows = count.row(0)
            if not ours:
                continue
            touched.append(file)
            whole = StagedFile(file.name, rows, file.size_bytes)
            if ours == rows and _is_stored_so(whole, staged):
                gone.append(whole)
            else:
                parted.append(file)
        if not parted:
            return _Rest(touched, [], gone)
        writer = BatchWriter(staged.staging, lambda batch: storage_cast(batch, schema))

        def part_from_rest(batch: pl.DataFrame) -> pl.DataFrame:
            ours = batch[OURS]
            rows = batch.drop(OURS)
            writer.write(rows.filter(ours))
            return storage_cast(rows.filter(~ours), schema)

        rows = base.only([file.name for file in parted]).scan()
        marked = rows.with_columns(part.published.alias(OURS))
        files = staged.staging.sink(marked, part_from_rest, schema)
        return _Rest(touched, files, [*gone, *writer.flush()])

    def _reachable(self) -> set[str]:
        """Return the files that may hold rows of the part, by what the log says of them."""
        base, column, values = self.part.base, self.part.column, self.part.values
        described = base.files
        least, greatest = LEAST + column, GREATEST + column
        names = set(described["path"])
        if values is None or values.null_count() or not {least, greatest} <= set(described.columns):
            return names
        stored = base.stored_schema[column]
        sought = storage_cast(values.to_frame(column), pl.Schema({column: stored}))[column].sort()
        if described[least].dtype != stored:
            return names
        most = described[greatest]
        if isinstance(stored, pl.Datetime):  # a log may say it to the millisecond
            most = most.dt.offset_by("1ms")
        starts = sought.search_sorted(described[least], side="left")
        ends = sought.search_sorted(most, side="right")
        known = described[least].is_not_null() & described[greatest].is_not_null()
        away = known & (starts >= ends)
        return names - set(described.filter(away)["path"])

    def overtaken(self, staged: Staged, current: TableVersion) -> Unneeded | None:
        """Yield as for a whole table; what stayed beside the part is not that any more."""
        if self.part.where is not None:  # whoever was faster made other rows
            raise BehindError({})
        yielded = super().overtaken(staged, current)
        if yielded is None:
            raise BehindError({})
        return yielded

    def prepare(self, staged: Staged, current: TableVersion, gate: Gate) -> TableVersion:
        """Leave the table as it is: the columns are the same."""
        del staged, gate
        return current

    def plan(self, staged: Staged, current: TableVersion | None) -> Change:
        """Put the part, and what stays of the files that it touched, in the place of these."""
        del current
        rest = self.rest
        names = {file.name for file in rest.touched}
        return Change(
            [*rest.files, *staged.files],
            staged.schema,
            [*rest.touched, *takes_away(file for file in rest.gone if file.name not in names)],
            types=staged.types,
            metadata=told(staged.files, rest.gone),
        )

    def as_read(
        self, table: TableVersion, staged: Staged, sent: frozenset[str] | None
    ) -> TableVersion:
        """Return the table, whose rows are counted."""
        del sent
        return replace(table, counted=staged.rows + staged.rows_beside)


def _is_stored_so(file: StagedFile, staged: Staged) -> bool:
    """Tell whether a file of the table can be read as one that is staged, beside others."""
    if "%" in file.name:  # the log writes what is special in a name in another way
        return False
    return staged.staging.scan([file], staged.schema).collect_schema() == staged.schema
