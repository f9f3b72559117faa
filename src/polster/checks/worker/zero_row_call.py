"""One asset's function, called over zero rows as often as it takes to say what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from polster.checks.worker.clocks import Clocks, seed
from polster.checks.worker.guard import Guard
from polster.checks.worker.mistakes import deeds_done, finding_from
from polster.checks.worker.steps import failing_step
from polster.checks.worker.without_rows import WithRows, empty_hint, with_rows
from polster.contracts.judge import Terms, settle_terms
from polster.errors import AssetError
from polster.lakehouse.types import read_schema, storage_schema
from polster.model.context import RunContext
from polster.model.finding import Finding, Severity, finding_about
from polster.plans.compare import first_difference
from polster.project.import_path import SOURCE_FOLDER
from polster.project.load import LoadedAsset, in_short
from polster.project.shared_process import ReachedOutsideError
from polster.runtime.call import Handed, call_function, missing_hint

CONTEXT = RunContext("rehearsal", datetime(2020, 1, 1, tzinfo=UTC), "dev")
NEEDS_DATA = (
    ArithmeticError,
    AttributeError,
    LookupError,
    StopIteration,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
)
"""What code raises that looks into a frame without rows: no first one, None in place of a value."""
DEFINITE = (
    pl.exceptions.ColumnNotFoundError,
    pl.exceptions.DuplicateError,
    pl.exceptions.SchemaError,
)
"""What Polars raises however many rows there are."""
MOSTLY_DEFINITE = (*DEFINITE, pl.exceptions.InvalidOperationError)
"""The same, unless it is seen to pass with rows."""
PLAIN = pl.QueryOptFlags.none()
"""There is nothing to be quick about over zero rows; neither an optimizer nor a stream pays."""
HIDING = ("DF [", "Series", "shuffle", "sample")
"""What stands in the text of a plan for something that the text does not show."""
CALLED = "while it is called"
NAMED_ANEW = re.compile(r"0x[0-9a-f]+|CACHE\[id: [^\]]*\]")
"""What the text of a plan calls by another name each time: functions of Python, and caches."""


class ZeroRowCall:
    """One asset's function, called as often as it takes to say what is wrong with it."""

    def __init__(
        self,
        root: Path,
        guard: Guard,
        clocks: Clocks,
        loaded: LoadedAsset,
        handed: Mapping[str, Handed],
    ) -> None:
        self.root = root
        self.guard = guard
        self.clocks = clocks
        self.loaded = loaded
        self.asset = loaded.asset
        self.handed = handed

    def build(self) -> tuple[pl.LazyFrame | None, list[Finding]]:
        """Call the function; return its frame, or why there is none."""
        self.guard.deeds.clear()
        self.guard.collected = False
        seed(1)
        try:
            with self.guard.on():
                frame = self._call()
        except ReachedOutsideError:
            return None, list(self._deeds())
        except AssetError as error:
            if self.guard.deeds:
                return None, list(self._deeds())
            return None, [self._raised(error)]
        return frame, list(self._deeds())

    def judge(self, frame: pl.LazyFrame) -> tuple[Terms | None, list[Finding]]:
        """Compare what is returned with the contract, and compute the zero rows."""
        findings: list[Finding] = []
        returned: pl.Schema | None = None
        try:
            with self.guard.on():
                returned = frame.collect_schema()
                frame.collect(engine="in-memory", optimizations=PLAIN)
        except ReachedOutsideError:
            return None, list(self._deeds())
        except BaseException as error:  # the user's code may raise anything
            found = self.computing_failed(error) if returned is None else self._only_empty(error)
            if found.severity is Severity.ERROR or returned is None:
                return None, [found]
            findings.append(found)
        try:
            return settle_terms(self.asset, self.loaded.function.contract, returned), findings
        except AssetError as error:
            return None, [*findings, finding_from(error, self.asset)]

    def published(self, terms: Terms) -> pl.Schema | Finding:
        """Return the columns as readers of the table get them."""
        try:
            storage_schema(terms.schema, place=self.asset.place)
        except AssetError as error:
            return finding_from(error, self.asset)
        return read_schema(terms.schema)

    def same_at_another_time(self, frame: pl.LazyFrame) -> Iterator[Finding]:
        """Build the plan once more under another clock and seed, and compare."""
        before = NAMED_ANEW.sub("", frame.explain(optimized=False))
        try:
            with self.clocks.another_time(), self.guard.on():
                other = self._call()
            after = NAMED_ANEW.sub("", other.explain(optimized=False))
        except (AssetError, ReachedOutsideError, pl.exceptions.PolarsError):
            return  # it was told already, or depends on more than we know
        if before != after:
            difference: str | None = _difference(before, after)
        elif any(sign in before for sign in HIDING):
            difference = first_difference(frame, other)
        else:
            difference = None
        if difference is not None:
            yield finding_about(
                self.asset,
                "POL704",
                f"the plan of `{self.asset.key}` depends on when it is built: {difference}",
                hint="take `run: polster.RunContext` and use `run.time`; give samples a seed",
            )

    def _call(self) -> pl.LazyFrame:
        return call_function(self.loaded, self.handed, CONTEXT, self.root)

    def _raised(self, error: AssetError) -> Finding:
        cause = error.__cause__
        if cause is None:
            return finding_from(error, self.asset)
        is_polars = isinstance(cause, pl.exceptions.PolarsError)
        needs_data = isinstance(cause, NEEDS_DATA) and self.guard.collected
        if needs_data and not isinstance(cause, DEFINITE):
            tried = self._with_rows(cause)
            if tried.passes or not isinstance(cause, MOSTLY_DEFINITE):
                text = tried.text if tried.passes else "needs rows to be called"
                return replace(
                    finding_from(error, self.asset),
                    code="POL701",
                    severity=Severity.WARNING,
                    message=f"`{self.asset.key}` {text}: {in_short(cause)}",
                    hint="keep the function lazy, so that it says what is to be done with any "
                    "rows; its columns are unchecked until then",
                )
        if is_polars and (isinstance(cause, MOSTLY_DEFINITE) or not self.guard.collected):
            return self.computing_failed(cause)
        return finding_from(error, self.asset)

    def _only_empty(self, error: BaseException) -> Finding:
        """Say what cannot be computed: as a warning if that is so for want of rows only."""
        if isinstance(error, DEFINITE):
            return self.computing_failed(error)
        tried = self._with_rows(error)
        if not tried.passes and (tried.always_the_same or isinstance(error, MOSTLY_DEFINITE)):
            return self.computing_failed(error)
        message = f"`{self.asset.key}` {tried.text}: {in_short(error)}"
        finding = finding_about(self.asset, "POL715", message, hint=empty_hint(error))
        return self._where_it_fails(replace(finding, severity=Severity.WARNING))

    def _with_rows(self, failure: BaseException) -> WithRows:
        known = len(self.guard.deeds)

        def compute(inputs: Mapping[str, Handed]) -> BaseException | None:
            try:
                with self.guard.on():
                    frame = call_function(self.loaded, inputs, CONTEXT, self.root)
                    frame.collect(engine="in-memory", optimizations=PLAIN)
            except AssetError as error:
                return error.__cause__ or error
            except BaseException as error:  # the user's code may raise anything
                return error
            finally:
                del self.guard.deeds[known:]  # what it does with rows is for those that have some
            return None

        return with_rows(self.handed, failure, compute)

    def computing_failed(self, error: BaseException) -> Finding:
        """Say that the plan is impossible, and at which step of the user's code."""
        columns = {each.upstream: each.frame.collect_schema() for each in self.handed.values()}
        message = f"the frame cannot be computed: {in_short(error)}"
        hint = missing_hint(error, columns)
        return self._where_it_fails(finding_about(self.asset, "POL305", message, hint=hint))

    def _where_it_fails(self, finding: Finding) -> Finding:
        with self.guard.on():
            step = failing_step(lambda: self._call().collect(), self.root / SOURCE_FOLDER)
        if step is None:
            return finding
        file = Path(step.file).relative_to(self.root).as_posix()
        message = finding.message
        if file != self.asset.file:
            message += f", reached from `{self.asset.key}`"
        return replace(finding, file=file, line=step.line, column=step.column, message=message)

    def _deeds(self) -> Iterator[Finding]:
        return deeds_done(self.guard, self.asset, self.root, CALLED)


def _difference(before: str, after: str) -> str:
    """Return the first part of two plans that differs, shortened."""
    for one, other in zip(before.splitlines(), after.splitlines(), strict=False):
        if one != other:
            return f"once `{one.strip()[:80]}`, once `{other.strip()[:80]}`"
    return "once it has more steps than the other time"
