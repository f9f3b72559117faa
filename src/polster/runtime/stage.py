"""Staging an asset's rows: written once while they are judged, invisible until committed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

import polars as pl

from polster.contracts.judge import Judge, Terms, originals, rule_failed
from polster.contracts.profile import Profile
from polster.contracts.table_rules import (
    ROW,
    TableVerdict,
    UnsettledRulesError,
    judge_table,
)
from polster.errors import AssetError, PolsterError
from polster.lakehouse.quarantine import Quarantine, QuarantineWriter, Superseding
from polster.lakehouse.staging import StagedFile, Staging
from polster.lakehouse.types import from_storage, read_schema, storage_cast, storage_schema
from polster.lakehouse.widening import refits
from polster.model.asset import Asset
from polster.project.load import place_in_file
from polster.project.shared_process import ReachedOutsideError


class Landing(Protocol):
    """What bronze does with a batch beside judging it; silver and gold do nothing."""

    def see(self, batch: pl.DataFrame) -> None:
        """Look at a batch as the function returned it."""

    def finish(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Bring the good rows of a batch into the shape of the table."""

    def fit(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Bring columns as they are stored by themselves into the types of the files."""


@dataclass(slots=True)
class Staged:
    """The rows of one asset in one run, judged and written, not yet visible.

    Attributes:
        files: The good rows.
        schema: Their columns as the table holds them.
        types: Their columns as readers get them.
        returned: Rows that the function returned, counted as they came.
        broken: Rows by broken rule.
        notes: What the user should know.
        profile: What was counted of the good rows.
        unmet: Where no good rows are left, the rules of the whole table that do not hold of none.
        rejected: The bad rows, staged in the quarantine; None if there are none.
        superseding: Rows in the quarantine that these make anew; None if there are none.
        met: Rows that were rejected since a key of theirs stays in the table beside them.
        rows_beside: Rows that stay in the table beside the good ones.
        rejected_beside: Rows that stay in the quarantine beside the bad ones.
        broken_beside: Of these, rows by broken rule.
    """

    staging: Staging
    files: list[StagedFile]
    schema: pl.Schema
    types: pl.Schema
    returned: int
    profile: Profile
    broken: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()
    unmet: tuple[str, ...] = ()
    rejected: QuarantineWriter | None = None
    superseding: Superseding | None = None
    met: int = 0
    rows_beside: int = 0
    rejected_beside: int = 0
    broken_beside: Counter[str] = field(default_factory=Counter)

    @property
    def rows(self) -> int:
        """Count the good rows, from the files."""
        return sum(file.rows for file in self.files)

    @property
    def rows_rejected(self) -> int:
        """Count the bad rows, from what was handed to the quarantine."""
        return self.rejected.rows if self.rejected else 0

    @property
    def broken_now(self) -> dict[str, int]:
        """Count the rows by broken rule, with those that stay in the quarantine."""
        return dict(sorted((self.broken + self.broken_beside).items()))

    def refit(self, schema: pl.Schema) -> None:
        """Write the good rows once more, in the types of ``schema``, which lose none of them."""
        rows = self.staging.scan(self.files, self.schema)
        superseded = [file.name for file in self.files]
        fitted = rows.with_columns(refits(self.schema, schema)).select(list(schema))
        self.files = self.staging.sink(fitted)
        self.staging.discard(superseded)
        self.schema = schema

    def keep(self) -> None:
        """Spare the good rows from discarding: a commit names them, or may."""
        self.staging.keep()

    def discard(self) -> None:
        """Delete every staged file that was not committed."""
        self.staging.discard()
        if self.rejected:
            self.rejected.discard()


class Stager:
    """Stages the rows of one asset."""

    def __init__(
        self,
        asset: Asset,
        terms: Terms,
        staging: Staging,
        quarantine: Quarantine,
        *,
        run_id: str,
        at: datetime,
        landing: Landing | None = None,
        table_schema: pl.Schema | None = None,
        kept: pl.LazyFrame | None = None,
        check: Callable[[], None] | None = None,
        told: Callable[[int, int, int], None] | None = None,
    ) -> None:
        self.asset = asset
        self.terms = terms
        self.staging = staging
        self.quarantine = quarantine
        self.run_id = run_id
        self.at = at
        self.landing = landing
        self.kept = kept
        self.check = check  # raises when the run was interrupted
        self.told = told  # called with the number of each frame, how many there are, and its rows
        self.stored = storage_schema(terms.schema, place=asset.place)
        self.schema = table_schema or self.stored
        self.profile = Profile(terms.ages, at)
        self.writer: QuarantineWriter | None = None

    def stage(self, *frames: pl.LazyFrame) -> Staged:
        """Write what ``frames`` hold together: each in one pass, and in a second if keys demand it.

        No key and no group of rows that a rule looks at together stands in two of them.

        Raises:
            AssetError: The frame cannot be computed, or is not what it said it would be.
            PolsterError: The rows do not balance.
        """
        try:
            return self._stage(frames)
        except BaseException:
            self.discard()
            raise

    def discard(self) -> None:
        """Delete every staged file that was not committed."""
        self.staging.discard()
        if self.writer:
            self.writer.discard()

    def _stage(self, frames: Sequence[pl.LazyFrame]) -> Staged:
        judge = Judge(self.terms, self._reject)
        carried = {
            name: dtype
            for name, dtype in self.terms.staged_schema.items()
            if name not in self.terms.schema
        }
        staged_schema = pl.Schema({**self.schema, **carried})
        stored_schema = pl.Schema({**self.stored, **carried})

        def judged(batch: pl.DataFrame) -> pl.DataFrame:
            if self.check:
                self.check()
            if batch.schema != self.terms.returned:
                raise self._other_schema(batch.schema)
            if self.landing:
                self.landing.see(batch)
            good = judge.judge(batch)
            self.profile.see(good)
            if self.landing:
                good = self.landing.finish(good)
            stored = storage_cast(good, stored_schema)
            if self.landing:
                stored = self.landing.fit(stored)
            columns = list(staged_schema)
            return stored if stored.columns == columns else stored.select(columns)

        staged = Staged(
            self.staging,
            [],
            self.schema,
            read_schema(self.terms.schema),
            0,
            Profile(self.terms.ages, self.at),
            judge.counts.broken,
            self.terms.notes,
        )
        for number, frame in enumerate(frames, 1):
            self.profile = Profile(self.terms.ages, self.at)
            files = self.staging.sink(frame, judged, staged_schema)
            if self.terms.rules.need_table:
                files = self._judge_table(staged, files, staged_schema)
            staged.files += files
            staged.profile.add(self.profile)
            if self.told:
                self.told(number, len(frames), sum(file.rows for file in files))
        staged.returned = judge.counts.returned
        staged.unmet = () if staged.rows else staged.unmet
        staged.rejected = self.writer
        if staged.rows + staged.rows_rejected != staged.returned:
            raise PolsterError(
                f"{staged.returned} rows were returned, but {staged.rows} accepted and "
                f"{staged.rows_rejected} rejected; nothing was published",
                code="POL310",
                place=self.asset.place,
                hint="please report this as a bug of Polster",
            )
        return staged

    def _judge_table(
        self, staged: Staged, files: list[StagedFile], staged_schema: pl.Schema
    ) -> list[StagedFile]:
        """Judge rows by what others hold; return the files of those that are good."""
        frame = self.staging.scan(files, staged_schema)
        verdict = self._table_verdict(frame, sum(file.rows for file in files))
        staged.broken.update(verdict.broken)
        staged.unmet = verdict.unmet
        staged.met += verdict.met
        if verdict.rejected is None and not self.terms.keeps_originals:
            return files
        good = frame
        if verdict.rejected is not None:
            numbered = frame.with_row_index(ROW)
            bad = verdict.rejected.lazy()
            good = numbered.join(bad, on=ROW, how="anti", maintain_order="left").drop(ROW)
            rejected = from_storage(numbered, self.terms.schema).join(bad, on=ROW, how="inner")
            for batch in rejected.select(*originals(self.terms), "_rules").collect_batches():
                self._reject(batch)
        superseded = [file.name for file in files]
        self.profile = Profile(self.terms.ages, self.at)
        kept = self.staging.sink(good.select(list(self.schema)), self._profiled)
        self.staging.discard(superseded)
        return kept

    def _profiled(self, batch: pl.DataFrame) -> pl.DataFrame:
        self.profile.see(batch)
        return batch

    def _table_verdict(self, frame: pl.LazyFrame, rows: int) -> TableVerdict:
        rules = self.terms.rules
        unique, tables = rules.unique, rules.tables
        names = [
            *(rule.name for rule in rules.references),
            *(rule.name for rule in unique),
            *(rule.name for rule in tables),
        ]
        rejects = [name for name in names if self.terms.rejects(name)]
        try:
            return judge_table(
                from_storage(frame, self.terms.schema),
                rows,
                unique,
                tables,
                rejects=rejects,
                references=rules.references,
                stored=frame,
                kept=self.kept,
            )
        except UnsettledRulesError as error:
            settling = [rule.name for rule in rules.references if rule.target is None]
            settling += [rule.name for rule in tables]
            named = ", ".join(f"`{name}`" for name in settling)
            raise AssetError(
                f"the rules {named} find other bad rows each time that rows are rejected",
                code="POL318",
                place=self.asset.place,
                hint="write the rule so that it finds all bad rows at once, or filter them in the "
                "function",
            ) from error
        except (PolsterError, ReachedOutsideError):
            raise
        except BaseException as error:  # a function in a rule is the user's, and may raise anything
            if isinstance(error, OSError) and place_in_file(error, self.asset) == self.asset.file:
                raise  # the disk refuses
            suspects = [rule.name for rule in tables] or names
            named = ", ".join(f"`{name}`" for name in suspects)
            said = "the rule" if len(suspects) == 1 else "one of the rules"
            raise rule_failed(self.asset, f"{said} {named}", error) from error

    def _reject(self, rejected: pl.DataFrame) -> None:
        if self.writer is None:
            columns = pl.Schema(
                {name: dtype for name, dtype in rejected.schema.items() if name != "_rules"}
            )
            self.writer = self.quarantine.writer(
                columns, run_id=self.run_id, at=self.at, place=self.asset.place
            )
        self.writer.write(rejected)

    def _other_schema(self, actual: pl.Schema) -> AssetError:
        expected = self.terms.returned
        different = [
            f"`{name}` is {actual.get(name, 'missing')}, not {expected.get(name, 'announced')}"
            for name in dict.fromkeys([*expected, *actual])
            if actual.get(name) != expected.get(name)
        ] or ["the columns come in another order"]
        return AssetError(
            f"the frame is not what it announces: {'; '.join(different)}",
            code="POL315",
            place=self.asset.place,
            hint="a function given to map_batches or map_elements may return another type than "
            "its schema or return_dtype says",
        )
