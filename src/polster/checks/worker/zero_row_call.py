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
from polster.checks.worker.without_rows import (
    DEFINITE,
    MOSTLY_DEFINITE,
    WithRows,
    empty_hint,
    is_about_rows,
    is_misspelt,
    with_rows,
)
from polster.contracts.judge import Terms, settle_terms
from polster.errors import AssetError
from polster.lakehouse.types import read_schema, storage_schema
from polster.model.context import RunContext
from polster.model.finding import Finding, Severity, finding_about
from polster.plans.compare import first_difference
from polster.project.import_path import SOURCE_FOLDER
from polster.project.load import LoadedAsset, in_short, user_line
from polster.project.shared_process import ReachedOutsideError
from polster.runtime.call import Handed, call_function, missing_hint
from polster.runtime.chosen_rows import read_frozen
from polster.runtime.declared import read_declared

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
PLAIN = pl.QueryOptFlags.none()
"""There is nothing to be quick about over zero rows; neither an optimizer nor a stream pays."""
HIDING = ("DF [", "Series", "shuffle", "sample")
"""What stands in the text of a plan for something that the text does not show."""
MISSING = "POL301"
BY_VALUE = "needs rows, whose values decide which columns there are"
BY_VALUE_HINT = "name the columns, such as with .pivot(…, on_columns=[…]) of a lazy frame"
LAZY_HINT = (
    "keep the function lazy, so that it says what is to be done with any rows; its columns are "
    "unchecked until then"
)
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
        self.collected = False  # whether the function itself computed a frame

    def build(self) -> tuple[pl.LazyFrame | None, list[Finding]]:
        """Call the function; return its frame, or why there is none."""
        self.guard.deeds.clear()
        self.guard.collected = False
        self.guard.columns_by_value = False
        seed(1)
        try:
            with self.guard.on():
                frame = self._call()
        except ReachedOutsideError:
            return None, list(self._deeds())
        except AssetError as error:
            self.collected = self.guard.collected
            if self.guard.deeds:
                return None, list(self._deeds())
            return None, [self._raised(error)]
        self.collected = self.guard.collected
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
            found = self.only_empty(error)
            if found.severity is Severity.ERROR or returned is None:
                return None, [found]
            findings.append(found)
        try:
            terms = settle_terms(self.asset, self.loaded.function.contract, returned)
            read_frozen(self.asset, terms)
            if self.asset.options.slice_by is not None:
                read = {name: each.frame.collect_schema() for name, each in self.handed.items()}
                read_declared(self.asset, terms, read)
            return terms, findings
        except AssetError as error:
            finding = finding_from(error, self.asset)
            if error.code == MISSING and self.guard.columns_by_value:
                finding = self._warning("POL701", f"{BY_VALUE}: {error.message}", BY_VALUE_HINT)
            return None, [*findings, finding]

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
        if not self.collected and isinstance(cause, pl.exceptions.PolarsError):
            return self.computing_failed(cause)
        if not self.collected or not isinstance(cause, Exception) or is_misspelt(cause):
            return finding_from(error, self.asset)
        tried = self._with_rows(cause)
        if not tried.passes and not isinstance(cause, NEEDS_DATA):
            return finding_from(error, self.asset)
        if (mistake := self._mistake(cause, tried)) is not None:
            return self.computing_failed(mistake)
        text, hint = tried.text if tried.passes else "needs rows to be called", LAZY_HINT
        if not tried.passes and self.guard.columns_by_value:
            text, hint = BY_VALUE, BY_VALUE_HINT
        line = finding_from(error, self.asset).line
        return replace(self._warning("POL701", f"{text}: {in_short(cause)}", hint), line=line)

    def _mistake(self, error: BaseException, tried: WithRows) -> BaseException | None:
        """Return what is wrong over any rows; None if it may be well over the real ones."""
        if tried.passes:
            return None
        if tried.lasting is not None:
            return None if self.guard.columns_by_value else tried.lasting
        certain = isinstance(error, MOSTLY_DEFINITE) and not isinstance(error, DEFINITE)
        return error if certain and not is_about_rows(error) else None

    def only_empty(self, error: BaseException) -> Finding:
        """Say what cannot be computed: as a warning if that is so for want of rows only."""
        if isinstance(error, DEFINITE) and not self.collected:
            return self.computing_failed(error)
        tried = self._with_rows(error)
        mistake = self._mistake(error, tried)
        if mistake is None and tried.always_the_same and not isinstance(error, DEFINITE):
            mistake = None if is_about_rows(error) else error
        if mistake is not None:
            return self.computing_failed(mistake)
        text, hint = tried.text, empty_hint(error)
        if not tried.passes and self.guard.columns_by_value:
            text, hint = BY_VALUE, BY_VALUE_HINT
        finding = self._warning("POL715", f"{text}: {in_short(error)}", hint)
        return self._where_it_fails(finding, error)

    def _warning(self, code: str, text: str, hint: str) -> Finding:
        finding = finding_about(self.asset, code, f"`{self.asset.key}` {text}", hint=hint)
        return replace(finding, severity=Severity.WARNING)

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
        return self._where_it_fails(finding_about(self.asset, "POL305", message, hint=hint), error)

    def _where_it_fails(self, finding: Finding, error: BaseException) -> Finding:
        with self.guard.on():
            step = failing_step(lambda: self._call().collect(), self.root / SOURCE_FOLDER)
        if step is None:
            line = user_line(error, self.root / self.asset.file)
            return replace(finding, line=line or finding.line)
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
