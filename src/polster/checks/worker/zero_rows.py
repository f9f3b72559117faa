"""Calling one asset's function over zero rows, and saying what comes of it."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from polster.checks.examined import Examined
from polster.checks.worker.bronze_columns import BronzeColumns, lacking
from polster.checks.worker.clocks import Clocks, seed
from polster.checks.worker.contract_text import contract_text, table_rules
from polster.checks.worker.guard import Guard, ReachedOutsideError
from polster.checks.worker.plan_checks import PlanChecks, foreign_leaf
from polster.checks.worker.promises import limited, never_null
from polster.checks.worker.steps import failing_step
from polster.checks.worker.upstream import Upstream
from polster.checks.worker.without_rows import WithRows, empty_hint, with_rows
from polster.contracts.judge import AUDIT_COLUMNS, Terms, settle_terms
from polster.contracts.rules import contract_columns
from polster.errors import AssetError
from polster.lakehouse.types import read_schema, storage_schema
from polster.model.asset import Asset, AssetKey
from polster.model.context import RunContext
from polster.model.finding import Finding, Severity, finding_about
from polster.model.layer import Layer
from polster.plans.compare import first_difference
from polster.plans.source import named_source
from polster.plans.structs import struct_of
from polster.project.import_path import SOURCE_FOLDER
from polster.project.load import LoadedAsset, load_asset, user_place
from polster.runtime.call import Handed, call_function, in_short, missing_hint
from polster.runtime.parameters import Problem, read_parameters

CONTEXT = RunContext("rehearsal", datetime(2020, 1, 1, tzinfo=UTC), "dev")
AUDIT = {
    AUDIT_COLUMNS[0]: pl.Datetime("us", "UTC"),
    AUDIT_COLUMNS[1]: pl.String(),
    AUDIT_COLUMNS[2]: pl.String(),
}
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
IMPORT_FAILED = "POL213"
UNREAD = "its plan cannot be read"
NAMED_ANEW = re.compile(r"0x[0-9a-f]+|CACHE\[id: [^\]]*\]")
"""What the text of a plan calls by another name each time: functions of Python, and caches."""


class Examiner:
    """Examines the assets of one project, upstream first.

    Attributes:
        root: The project's folder.
        bronze: What is known of the columns of bronze.
        known: What those that read an asset need to know of it.
        was_imported: Whether the file of the asset examined last could be imported.
    """

    def __init__(self, root: Path, guard: Guard, bronze: BronzeColumns, *, lineage: bool) -> None:
        self.root = root
        self.guard = guard
        self.bronze = bronze
        self.lineage = lineage
        self.clocks = Clocks(root / SOURCE_FOLDER)
        self.known: dict[AssetKey, Upstream] = {}
        self.was_imported = False

    def examine(self, asset: Asset, inputs: Mapping[str, AssetKey], *, hopeless: bool) -> Examined:
        """Examine one asset, and remember what it publishes for those that read it."""
        self.known[asset.key] = Upstream(None, f"`{asset.key}` cannot be imported")
        self.was_imported = False
        why = "its file cannot be imported"
        self.guard.deeds.clear()
        try:
            with self.guard.importing():
                loaded = load_asset(asset)
        except AssetError as error:
            if not self.guard.deeds:
                if error.code != IMPORT_FAILED:
                    why = f"{error.code} comes first"
                    self.known[asset.key] = Upstream(None, f"`{asset.key}` has a mistake")
                return Examined(asset.key, (_from_error(error, asset),), unchecked=why)
        except ReachedOutsideError:
            pass  # it is among the deeds
        if self.guard.deeds:
            told = tuple(_deeds(self.guard, asset, self.root, "while it is imported"))
            return Examined(asset.key, told, unchecked=why)
        self.was_imported = True
        contract = loaded.function.contract
        entry = Examined(asset.key)
        if contract is not None:
            entry = replace(
                entry, contract=contract_text(contract), table_rules=table_rules(contract)
            )
        with self.guard.importing():
            _, problems = read_parameters(loaded.function.function)
        if problems:
            self.known[asset.key] = self._by_contract(loaded, None)
            findings = tuple(_parameter_finding(asset, each) for each in problems)
            return replace(entry, findings=findings, unchecked=f"{problems[0].code} comes first")
        if asset.key.layer is Layer.BRONZE:
            return self._bronze(loaded, entry)
        if hopeless:
            self.known[asset.key] = self._by_contract(loaded, None)
            return replace(entry, unchecked="it could not be called to its end")
        with warnings.catch_warnings(action="ignore"):  # of Polars, say; a run shows them
            entry, published = self._called(loaded, inputs, entry)
        if published is None:
            self.known[asset.key] = self._by_contract(loaded, None)
        else:
            self.known[asset.key] = Upstream(published, "", never_null(loaded), limited(loaded))
        return entry

    def _bronze(self, loaded: LoadedAsset, entry: Examined) -> Examined:
        asset, contract = loaded.asset, loaded.function.contract
        source, findings = self.bronze.of(asset)
        if contract is not None:
            known = self._by_contract(loaded, source)
            if asset.key in self.bronze.kept and source is not None:
                findings += lacking(asset, contract_columns(contract), source)
        elif source is not None:
            known = Upstream(pl.Schema({**source, **AUDIT}))
        else:
            why = f"`{asset.key}` has no contract and was never run"
            known = Upstream(None, why)
        self.known[asset.key] = known
        entry = replace(entry, findings=tuple(findings))
        if known.schema is None:  # which those that read it say
            return entry
        columns = {n: str(d) for n, d in known.schema.items() if n not in AUDIT}
        return replace(entry, columns=columns)

    def _by_contract(self, loaded: LoadedAsset, source: pl.Schema | None) -> Upstream:
        """Return the columns that the contract promises to those that read its table.

        Bronze keeps what its source sends beyond its contract, too.
        """
        contract = loaded.function.contract
        if contract is None:
            return Upstream(None, f"`{loaded.asset.key}` has no contract")
        columns = contract_columns(contract)
        if not columns:
            return Upstream(None, f"the contract of `{loaded.asset.key}` names no columns")
        types = pl.Schema({name: column.dtype for name, column in columns.items()})
        if pl.Null() in types.dtypes():
            return Upstream(None, f"the contract of `{loaded.asset.key}` leaves types open")
        try:
            storage_schema(types, place=loaded.asset.place)
        except AssetError:
            return Upstream(None, f"`{loaded.asset.key}` has a type that no table can hold")
        if loaded.asset.key.layer is Layer.BRONZE:
            extra = {n: d for n, d in (source or {}).items() if n not in types}
            types = pl.Schema({**types, **extra, **AUDIT})
        return Upstream(types, "", never_null(loaded), limited(loaded))

    def _behind(self, findings: list[Finding]) -> str:
        """Say why nothing is said of the columns behind a first mistake."""
        if findings[0].code == "POL705":  # which is not told where another finding names it
            return f"it {self.guard.deeds[0].deed} {CALLED}"
        return f"{findings[0].code} comes first"

    def _called(
        self, loaded: LoadedAsset, inputs: Mapping[str, AssetKey], entry: Examined
    ) -> tuple[Examined, pl.Schema | None]:
        """Call the function; return what is found, and the columns of its table if all is well."""
        asset = loaded.asset
        upstream = {name: self.known[key] for name, key in inputs.items()}
        unknown = [known.why for known in upstream.values() if known.schema is None]
        if unknown:
            return replace(entry, unchecked=unknown[0]), None
        asked: dict[str, set[str]] = {str(key): set() for key in inputs.values()}
        handed = {
            name: Handed(str(key), named_source(str(key), schema, asked[str(key)]))
            for name, key in inputs.items()
            if (schema := self.known[key].schema) is not None
        }
        call = _Call(self, loaded, handed)
        frame, findings = call.build()
        computed = self.guard.collected
        if frame is None:
            return replace(entry, findings=tuple(findings), unchecked=self._behind(findings)), None
        not_null = {str(key): self.known[key].not_null for key in inputs.values()}
        limits = {str(key): self.known[key].limits for key in inputs.values()}
        try:
            plan = PlanChecks(asset, frame, not_null, limits, asked, _structs(handed.values()))
        except OSError as error:  # a file that is scanned, and not there
            findings.append(foreign_leaf(asset, in_short(error)))
        except (Exception, pl.exceptions.PanicException) as error:
            findings.append(call.computing_failed(error))
        else:
            findings += plan.foreign()
            if plan.unresolved is not None and not findings:
                mistake = call.computing_failed(plan.unresolved)
                return replace(entry, findings=(mistake,)), None
        if findings:  # to compute it would read what is not ours to read
            return replace(entry, findings=tuple(findings), unchecked=self._behind(findings)), None
        if plan.unreadable:  # who knows what it reads
            return replace(entry, unchecked=f"{UNREAD}: {plan.unreadable}", is_unread=True), None
        terms, more = call.judge(frame)
        findings += more
        published = call.published(terms) if terms is not None else None
        if isinstance(published, Finding):
            findings.append(published)
        if not isinstance(published, pl.Schema):
            return replace(entry, findings=tuple(findings)), None
        findings += call.same_at_another_time(frame)
        findings += plan.findings(loaded.function.contract)
        columns = {name: str(dtype) for name, dtype in published.items()}
        lineage = plan.lineage(list(columns), computed=computed) if self.lineage else None
        return (
            replace(entry, findings=tuple(findings), columns=columns, lineage=lineage),
            published,
        )


class _Call:
    """One asset's function, called as often as it takes to say what is wrong with it."""

    def __init__(
        self, examiner: Examiner, loaded: LoadedAsset, handed: Mapping[str, Handed]
    ) -> None:
        self.root = examiner.root
        self.guard = examiner.guard
        self.clocks = examiner.clocks
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
        except (Exception, pl.exceptions.PanicException) as error:
            found = self.computing_failed(error) if returned is None else self._only_empty(error)
            if found.severity is Severity.ERROR or returned is None:
                return None, [found]
            findings.append(found)
        try:
            return settle_terms(self.asset, self.loaded.function.contract, returned), findings
        except AssetError as error:
            return None, [*findings, _from_error(error, self.asset)]

    def published(self, terms: Terms) -> pl.Schema | Finding:
        """Return the columns as readers of the table get them."""
        try:
            storage_schema(terms.schema, place=self.asset.place)
        except AssetError as error:
            return _from_error(error, self.asset)
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
            return _from_error(error, self.asset)
        is_polars = isinstance(cause, pl.exceptions.PolarsError)
        needs_data = isinstance(cause, NEEDS_DATA) and self.guard.collected
        if needs_data and not isinstance(cause, DEFINITE):
            tried = self._with_rows(cause)
            if tried.passes or not isinstance(cause, MOSTLY_DEFINITE):
                text = tried.text if tried.passes else "needs rows to be called"
                return replace(
                    _from_error(error, self.asset),
                    code="POL701",
                    severity=Severity.WARNING,
                    message=f"`{self.asset.key}` {text}: {in_short(cause)}",
                    hint="keep the function lazy, so that it says what is to be done with any "
                    "rows; its columns are unchecked until then",
                )
        if is_polars and (isinstance(cause, MOSTLY_DEFINITE) or not self.guard.collected):
            return self.computing_failed(cause)
        return _from_error(error, self.asset)

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
            except (Exception, ReachedOutsideError, pl.exceptions.PanicException) as error:
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
        return _deeds(self.guard, self.asset, self.root, CALLED)


def _structs(handed: Iterable[Handed]) -> frozenset[tuple[str, ...]]:
    return frozenset(
        (each.upstream, name)
        for each in handed
        for name, dtype in each.frame.collect_schema().items()
        if struct_of(dtype) is not None
    )


def _parameter_finding(asset: Asset, problem: Problem) -> Finding:
    finding = finding_about(asset, problem.code, problem.message, hint=problem.hint)
    return replace(finding, line=problem.line(asset))


def _deeds(guard: Guard, asset: Asset, root: Path, when: str) -> Iterator[Finding]:
    """Yield the first thing that was refused, at the last line of the project on the way there."""
    for error in guard.deeds[:1]:
        file, _, line = (user_place(error, root) or asset.place).rpartition(":")
        finding = finding_about(
            asset,
            "POL705",
            f"`{asset.key}` {error.deed} {when}",
            hint="only bronze reads from outside, and only Polster writes tables",
        )
        yield replace(finding, file=file, line=int(line))


def _from_error(error: AssetError, asset: Asset) -> Finding:
    file, _, line = (error.place or asset.place).rpartition(":")
    if not line.isdecimal():
        file, line = error.place or asset.file, "1"
    return Finding(
        error.code,
        error.message,
        asset=str(asset.key),
        file=file,
        line=int(line),
        hint=error.hint,
    )


def _difference(before: str, after: str) -> str:
    """Return the first part of two plans that differs, shortened."""
    for one, other in zip(before.splitlines(), after.splitlines(), strict=False):
        if one != other:
            return f"once `{one.strip()[:80]}`, once `{other.strip()[:80]}`"
    return "once it has more steps than the other time"
