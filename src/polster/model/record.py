"""What a run did: one record an asset, kept in the ledger and in the commits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.lineage import AssetLineage
from polster.model.open_enum import OpenEnum
from polster.model.reason import Reason, Why
from polster.model.scope import Scope, ScopeKind
from polster.model.standing import StandingWarning


class AssetStatus(OpenEnum):
    """How an asset came out of a run."""

    PUBLISHED = "published"  # a new version of the table is visible
    UNCHANGED = "unchanged"  # nothing to do, or bronze found nothing new
    FAILED = "failed"  # the published table stays as it was
    SKIPPED = "skipped"  # something it depends on failed, or the run was interrupted


INTERRUPTED = "the run was interrupted"
"""The reason of an asset that was skipped because somebody stopped the run."""
VANISHED = "the run vanished before"
"""The reason of an asset that a run did not come to because its process had ended."""


PART = "part of "
"""Begins the code of a table of which only a part is of that code and those inputs."""
REUSED = -1
"""Stands for the version of an input whose number another version had, too."""


class RunStatus(OpenEnum):
    """How a run ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    VANISHED = "vanished"  # its process ended without a word, which a later run found out
    UNKNOWN = "unknown"  # its assets alone are recorded: killed, or of an older version


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a table was made from; an equal fingerprint means an equal table.

    Attributes:
        code: Digest of the asset's own file, contract left out, formatting ignored.
        contract: Digest of the contract class, empty without one in that file.
        modules: Digest by project module that the file imports, directly or not.
        inputs: Version by upstream key.
        references: Version by the key of a table that is referred to and not read.
    """

    code: str
    contract: str = ""
    modules: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, int] = field(default_factory=dict)
    references: Mapping[str, int] = field(default_factory=dict)

    @property
    def of_part(self) -> Fingerprint:
        """Return what says that only a part of a table was made from this."""
        return self if self.is_of_part else replace(self, code=PART + self.code)

    @property
    def of_all(self) -> Fingerprint:
        """Return what says that all of a table was made from this."""
        return replace(self, code=self.code.removeprefix(PART))

    @property
    def is_of_part(self) -> bool:
        """Tell whether only a part of the table was made from this."""
        return self.code.startswith(PART)

    @property
    def versions(self) -> Mapping[str, int]:
        """Return the version of every table that it depends on, by key."""
        return {**self.references, **self.inputs}

    def without_numbers(self, names: Collection[str]) -> Fingerprint:
        """Return it with versions of ``names`` to which no version is equal."""
        inputs, references = (
            {name: REUSED if name in names else version for name, version in some.items()}
            for some in (self.inputs, self.references)
        )
        return replace(self, inputs=inputs, references=references)

    def changes_since(self, earlier: Fingerprint) -> tuple[Reason, ...]:
        """Say what differs from ``earlier``; empty if nothing does.

        >>> now, then = (Fingerprint("a", inputs={"bronze.x": number}) for number in (2, 1))
        >>> [reason.text for reason in now.changes_since(then)]
        ['bronze.x has new data']
        """
        reasons: list[Reason] = []
        if earlier.is_of_part:
            reasons.append(Reason(Why.PART))
        elif self.code != earlier.code:
            reasons.append(Reason(Why.CODE))
        if self.contract != earlier.contract:
            reasons.append(Reason(Why.CONTRACT))
        reasons += [
            Reason(Why.MODULE, (module,))
            for module in sorted(self.modules.keys() | earlier.modules.keys())
            if self.modules.get(module) != earlier.modules.get(module)
        ]
        for upstream in sorted(self.inputs.keys() | earlier.inputs.keys()):
            if upstream not in earlier.inputs:
                reasons.append(Reason(Why.READS, (upstream,)))
            elif upstream not in self.inputs:
                reasons.append(Reason(Why.READS_NO_MORE, (upstream,)))
            elif self.inputs[upstream] != earlier.inputs[upstream]:
                reasons.append(Reason(Why.NEW_DATA, (upstream,)))
        for target in sorted(self.references.keys() | earlier.references.keys()):
            now, before = self.references.get(target), earlier.references.get(target)
            if before is None and target not in earlier.inputs:
                reasons.append(Reason(Why.REFERS, (target,)))
            elif now is None and target not in self.inputs:
                reasons.append(Reason(Why.REFERS_NO_MORE, (target,)))
            elif None not in (now, before) and now != before:
                reasons.append(Reason(Why.NEW_REFERRED_DATA, (target,)))
        return tuple(reasons)


@dataclass(frozen=True, slots=True)
class Trace:
    """The user's own traceback, frames of Polster left out.

    Attributes:
        text: As Python writes it; the exceptions' messages in it may hold values of the data.
        frames: The same with the exceptions' types alone, and files named from the project on;
            this is what is kept.
    """

    text: str
    frames: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an asset failed, as a value.

    Attributes:
        code: Stable code.
        message: What is wrong.
        hint: One edit or one command that mends it.
        place: ``file:line`` or a table.
        trace: The user's own traceback, if their code raised.
        kept: The message as it is recorded, if ``message`` quotes an exception, which may quote
            values of the data.
    """

    code: str
    message: str
    hint: str | None = None
    place: str | None = None
    trace: Trace | None = None
    kept: str | None = None

    @property
    def traceback(self) -> str | None:
        """Return the traceback as text; of a recorded failure without the exceptions' messages."""
        return self.trace.text if self.trace else None


@dataclass(frozen=True, slots=True)
class Counted:
    """How much a source says that it has, and how much came.

    Attributes:
        said: Rows, or what a column adds up to; a decimal as text.
        came: The same of what came, rows that are quarantined with it.
    """

    said: int | float | str
    came: int | float | str


LOOKED_UP = "it only adds to the rows of others, in a left join"
"""Why it does not matter how many rows of an upstream found a partner."""


@dataclass(frozen=True, slots=True)
class Matched:
    """How many rows of an upstream the joins of an asset kept.

    Attributes:
        rows: All that it has.
        kept: Those that found a partner in every join that would drop them without one; None if
            the plan does not show it.
        note: Why that is so; or what else may keep rows out of the result.
    """

    rows: int
    kept: int | None
    note: str = ""

    @property
    def share(self) -> float | None:
        """Return the share of rows that were kept; None if it is not known, or without rows."""
        return None if self.kept is None or not self.rows else self.kept / self.rows


@dataclass(frozen=True, slots=True)
class AssetRecord:
    """What one run did for one asset.

    Attributes:
        reasons: Why it ran, or why it did not, as clauses for people.
        rows_in: Rows read, by upstream key.
        files_in: Digest of the files that were read, by upstream key.
        rows_returned: Rows that the function returned.
        rows_published: Of these, rows in the new version.
        rows_quarantined: Of these, rows set apart.
        rules_broken: Rows by broken rule; a row may break several.
        version: The table's version after the run, from 0; None if there is no table.
        seconds: Wall time.
        notes: What the user should know though nothing failed.
        started_at: Timezone-aware UTC.
        lineage: What the columns were made of, where a new version was published.
        nulls: Nulls by column of what was published, of bronze the batch alone; columns without
            any are left out, and fields of structs, by a key of their own, are not. None where
            nobody has counted.
        newest: The newest moment by column whose freshness is expected.
        warnings: What is amiss in the version that was published, as far as it stands.
        matched: What its joins kept, by upstream key; empty if it reads no two tables.
        batches: Identifiers of the batches of bronze that were landed, as ``_batch_id`` has them.
        scope: Of silver and gold, how much of the table was made anew; the rows counted above are
            those of it.
        source_counts: Of bronze whose source says how much it has: ``rows``, ``sum(column)``.
    """

    asset: AssetKey
    status: AssetStatus
    started_at: datetime
    reasons: tuple[str, ...] = ()
    rows_in: Mapping[str, int] = field(default_factory=dict)
    rows_returned: int = 0
    rows_published: int = 0
    rows_quarantined: int = 0
    rules_broken: Mapping[str, int] = field(default_factory=dict)
    version: int | None = None
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    error: Failure | None = None
    fingerprint: Fingerprint | None = None
    lineage: AssetLineage | None = None
    nulls: Mapping[str, int] | None = None
    newest: Mapping[str, datetime] = field(default_factory=dict)
    warnings: tuple[StandingWarning, ...] = ()
    matched: Mapping[str, Matched] = field(default_factory=dict)
    batches: tuple[str, ...] = ()
    scope: Scope | None = None
    files_in: Mapping[str, str] = field(default_factory=dict)
    source_counts: Mapping[str, Counted] = field(default_factory=dict)

    @property
    def rows_now(self) -> int:
        """Count the rows of the table in the version that was published."""
        return self.rows_published if self.scope is None else self.scope.of

    @property
    def why(self) -> tuple[str, ...]:
        """Return the reasons, and how a part was chosen; or why new data took all of the table."""
        scope = self.scope
        if scope is None or self.status is not AssetStatus.PUBLISHED:
            return self.reasons
        is_whole = scope.kind is ScopeKind.WHOLE
        stay = f"{scope.frozen} {'row stays' if scope.frozen == 1 else 'rows stay'} frozen"
        frozen = (stay,) if scope.frozen else ()
        if is_whole and not all("new data" in reason for reason in self.reasons):
            return (*self.reasons, *frozen)
        return (*self.reasons, scope.text, *frozen)

    @property
    def returned_now(self) -> int:
        """Count the rows that the function returns for all of the table in that version."""
        return self.rows_returned if self.scope is None else self.scope.of + self.scope.quarantined

    @property
    def quarantined_now(self) -> int:
        """Count the rows that the table goes without in that version."""
        return self.rows_quarantined if self.scope is None else self.scope.quarantined

    @property
    def rules_now(self) -> Mapping[str, int]:
        """Count the rows by broken rule that the table goes without in that version."""
        return self.rules_broken if self.scope is None else self.scope.rules

    @property
    def uncounted(self) -> tuple[str, ...]:
        """Say of which upstreams it was not counted what the joins kept, and why."""
        names: dict[str, list[str]] = {}
        for name, matched in self.matched.items():
            if matched.kept is None and matched.note != LOOKED_UP:
                names.setdefault(matched.note, []).append(name)
        return tuple(
            f"what the joins keep of {', '.join(each)} is not counted: {why}"
            for why, each in names.items()
        )


def cancelled(
    records: Iterable[AssetRecord], *, by: str, seconds: float
) -> tuple[AssetRecord, ...]:
    """Add to the records of what was not done who interrupted the run, and after how long.

    Args:
        records: Of a run that was interrupted.
        by: Who, as a clause; empty if that is not known.
        seconds: Since the run began.
    """
    who = f"{by} " if by else ""
    said = (INTERRUPTED, f"cancelled {who}after {seconds:.1f} s")
    return tuple(
        replace(record, reasons=said) if record.reasons == (INTERRUPTED,) else record
        for record in records
    )


def cancellation(records: Iterable[AssetRecord]) -> str | None:
    """Return who cancelled the run of these records and when, as a clause, if they say so."""
    said = (
        each.reasons[1]
        for each in records
        if each.reasons[:1] == (INTERRUPTED,) and each.reasons[1:]
    )
    return next(said, None)


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What one run did.

    Attributes:
        run_id: Sortable by time.
        assets: In the order in which they can be run.
        selection: Terms that were asked for, empty for everything; None if that is not recorded.
        full_refresh: Whether everything was to be built anew.
        warnings: Findings that did not stop the run.
        notes: What the user should know of the run as a whole.
        release: Identifier of the release that the run wrote, if it wrote one.
        standing: Open warnings of the assets' current versions, also where nothing changed.
    """

    run_id: str
    status: RunStatus
    environment: str
    started_at: datetime
    seconds: float
    assets: tuple[AssetRecord, ...]
    selection: tuple[str, ...] | None = ()
    full_refresh: bool = False
    warnings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    release: str | None = None
    standing: tuple[StandingWarning, ...] = ()


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run, without the details of its assets.

    Attributes:
        started_at: Timezone-aware UTC.
        seconds: Wall time.
        selection: Terms that were asked for, empty for everything; None if that is not recorded.
        assets: Assets by how they came out.
        rows_published: Of all assets.
        rows_quarantined: Of all assets.
        commit: Of the ledger; -1 where an older version of Polster wrote it.
    """

    run_id: str
    status: RunStatus
    environment: str
    started_at: datetime
    seconds: float
    selection: tuple[str, ...] | None
    full_refresh: bool
    assets: Mapping[AssetStatus, int]
    rows_published: int
    rows_quarantined: int
    commit: int = -1
