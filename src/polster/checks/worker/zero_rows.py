"""Calling one asset's function over zero rows, and saying what comes of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import polars as pl

from polster.checks.examined import Examined
from polster.checks.worker.bronze_columns import BronzeColumns, lacking
from polster.checks.worker.clocks import Clocks
from polster.checks.worker.contract_text import contract_text, table_rules
from polster.checks.worker.guard import Guard
from polster.checks.worker.mistakes import deeds_done, finding_from, parameter_finding
from polster.checks.worker.plan_checks import PlanChecks, foreign_leaf
from polster.checks.worker.promises import limited, never_null, unique
from polster.checks.worker.reference_checks import reference_findings
from polster.checks.worker.upstream import Upstream
from polster.checks.worker.zero_row_call import CALLED, ZeroRowCall
from polster.contracts.rules import contract_columns
from polster.errors import AssetError
from polster.lakehouse.types import storage_schema
from polster.model.asset import AUDIT_COLUMNS, Asset, AssetKey
from polster.model.finding import Finding, Severity
from polster.model.layer import Layer
from polster.model.lineage import AssetLineage, ColumnOrigin
from polster.model.reference import Reference
from polster.plans.source import named_source
from polster.plans.structs import field_paths, struct_of
from polster.project.import_path import SOURCE_FOLDER
from polster.project.load import LoadedAsset, in_short, load_asset
from polster.project.shared_process import ReachedOutsideError
from polster.runtime.call import Handed
from polster.runtime.parameters import read_parameters

AUDIT = {
    AUDIT_COLUMNS[0]: pl.Datetime("us", "UTC"),
    AUDIT_COLUMNS[1]: pl.String(),
    AUDIT_COLUMNS[2]: pl.String(),
}
IMPORT_FAILED = "POL213"
UNREAD = "its plan cannot be read"


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

    def examine(
        self,
        asset: Asset,
        inputs: Mapping[str, AssetKey],
        references: Mapping[Reference, AssetKey],
        *,
        hopeless: bool,
    ) -> Examined:
        """Examine one asset, and remember what it publishes for those that read it."""
        entry = self._examined(asset, inputs, hopeless=hopeless)
        if not references:
            return entry
        found = reference_findings(asset, references, self.known, entry.contract or ())
        return replace(entry, findings=(*entry.findings, *found))

    def _examined(
        self, asset: Asset, inputs: Mapping[str, AssetKey], *, hopeless: bool
    ) -> Examined:
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
                return Examined(asset.key, (finding_from(error, asset),), unchecked=why)
        except ReachedOutsideError:
            pass  # it is among the deeds
        if self.guard.deeds:
            told = tuple(deeds_done(self.guard, asset, self.root, "while it is imported"))
            return Examined(asset.key, told, unchecked=why)
        self.was_imported = True
        contract = loaded.function.contract
        entry = Examined(asset.key)
        if contract is not None:
            referring = {each.rule: str(each) for each in asset.options.references}
            entry = replace(
                entry,
                contract=contract_text(contract),
                table_rules={**table_rules(contract), **referring},
            )
        with self.guard.importing():
            _, problems = read_parameters(loaded.function.function)
        if problems:
            self.known[asset.key] = self._by_contract(loaded, None)
            findings = tuple(parameter_finding(asset, each) for each in problems)
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
            self.known[asset.key] = _promised(loaded, published)
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
        types = {n: d for n, d in known.schema.items() if n not in AUDIT}
        paths = [path for name, dtype in types.items() for path in field_paths((name,), dtype)]
        made_of = AssetLineage(
            asset.key,
            dict.fromkeys(types, ColumnOrigin()),
            fields=dict.fromkeys(paths, ColumnOrigin()),
        )
        columns = {name: str(dtype) for name, dtype in types.items()}
        return replace(entry, columns=columns, lineage=made_of if self.lineage else None)

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
        return _promised(loaded, types)

    def _behind(self, findings: list[Finding]) -> str:
        """Say why nothing is said of the columns behind a first mistake."""
        if findings[0].code == "POL705":  # which is not told where another finding names it
            return f"it {self.guard.deeds[0].deed} {CALLED}"
        return f"{findings[0].code} comes first"

    def _ended(self, entry: Examined, findings: list[Finding]) -> Examined:
        """Return what was found before columns were known; a mere warning says nothing of them."""
        is_wrong = any(each.severity is Severity.ERROR for each in findings)
        why = None if is_wrong else self._behind(findings)
        return replace(entry, findings=tuple(findings), unchecked=why)

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
        call = ZeroRowCall(self.root, self.guard, self.clocks, loaded, handed)
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
        except BaseException as error:  # the user's code may raise anything
            findings.append(call.computing_failed(error))
        else:
            findings += plan.foreign()
            if plan.unresolved is not None and not findings:
                return self._ended(entry, [call.only_empty(plan.unresolved)]), None
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
            return self._ended(entry, findings), None
        findings += call.same_at_another_time(frame)
        findings += plan.findings(loaded.function.contract)
        columns = {name: str(dtype) for name, dtype in published.items()}
        lineage = plan.lineage(list(columns), computed=computed) if self.lineage else None
        return (
            replace(entry, findings=tuple(findings), columns=columns, lineage=lineage),
            published,
        )


def _promised(loaded: LoadedAsset, published: pl.Schema) -> Upstream:
    return Upstream(published, "", never_null(loaded), limited(loaded), unique(loaded))


def _structs(handed: Iterable[Handed]) -> frozenset[tuple[str, ...]]:
    return frozenset(
        (each.upstream, name)
        for each in handed
        for name, dtype in each.frame.collect_schema().items()
        if struct_of(dtype) is not None
    )
