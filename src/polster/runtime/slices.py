"""Which part of a table a build has to make anew, by proof; or why all of it.

The function is called over sources without rows, and Polars' optimizer is asked which rows of its
result the rows that changed can reach, see :mod:`polster.plans.locality`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.expected import Surprise
from polster.contracts.judge import Terms
from polster.contracts.rules import is_local
from polster.errors import PolsterError
from polster.lakehouse.lakehouse import Lakehouse, Published
from polster.lakehouse.row_changes import RowChanges, keep_order, row_changes
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AUDIT_COLUMNS, AssetKey
from polster.model.record import AssetRecord, Fingerprint
from polster.model.scope import ScopeKind
from polster.model.standing import StandingWarning
from polster.plans.fault import is_fault, own_place, raised_for
from polster.plans.locality import (
    Locality,
    Reach,
    minds_order,
    needed_columns,
    read_locality,
    slice_values,
)
from polster.plans.probes import Call
from polster.project.calls import line_of_call
from polster.project.load import LoadedAsset, without_values
from polster.runtime.declared import Declared
from polster.runtime.parameters import Kind, asked_by, reads_at_once
from polster.runtime.slice import Slice, Whole

if TYPE_CHECKING:
    from polster.runtime.job import Job

MOST = 0.5
"""Of a table more than this is not made anew in part: all of it is as quick."""
CANDIDATES = 3
"""Of so many columns at most it is counted how many rows they choose."""


def find_parts(
    job: Job,
    loaded: LoadedAsset,
    terms: Terms,
    base: TableVersion,
    published: Published | None,
    inputs: Mapping[str, TableVersion],
    *,
    call: Call,
    lakehouse: Lakehouse,
    declared: Declared | None,
) -> Iterator[Slice | Whole]:
    """Yield how much of a table is to be made anew, and what is left if that does not fit.

    Args:
        job: What is built.
        loaded: Its function.
        terms: How its rows are judged.
        base: The newest version of its table.
        published: What that says of itself.
        inputs: What the function reads, by parameter.
        call: The function, its other arguments given.
        lakehouse: Where earlier versions of the inputs lie.
        declared: By what parts can be made, as the asset says.
    """
    before = _comparable(job, loaded, terms, published)
    if isinstance(before, Whole):
        yield before
        return
    finding = _Finding(terms, base, before, inputs, call, lakehouse)
    if declared is None:
        yield from _proved_parts(loaded, finding)
        return
    if not reads_at_once(job.asset, loaded.function.function):
        for part in _proved_parts(loaded, finding):
            if isinstance(part, Whole):
                break
            yield part
    yield _declared_part(declared, finding)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What parts of a table are found by.

    Attributes:
        before: What was recorded of ``base``.
    """

    terms: Terms
    base: TableVersion
    before: AssetRecord
    inputs: Mapping[str, TableVersion]
    call: Call
    lakehouse: Lakehouse

    @property
    def schemas(self) -> dict[str, pl.Schema]:
        return {name: table.schema for name, table in self.inputs.items()}

    @property
    def quarantined(self) -> pl.LazyFrame | None:
        assert self.base.key is not None  # noqa: S101 - a table of the lakehouse
        return self.lakehouse.quarantine(self.base.key).scan()

    def changes(
        self, needed: Mapping[str, Collection[str]], minds_order: Callable[[str], bool]
    ) -> dict[str, RowChanges] | Whole:
        """Find the rows of the inputs that changed since ``base``, by parameter.

        Args:
            needed: What makes a row another one, by parameter; every column if there is none.
            minds_order: Tells of an input whether the order of its rows counts.
        """
        versions = self.before.fingerprint.inputs if self.before.fingerprint else {}
        changes: dict[str, RowChanges] = {}
        for name, now in self.inputs.items():
            key = str(now.key)
            if self.before.files_in.get(key) == now.digest:
                continue
            files = self.before.files_in.get(key, "")
            read = sorted(needed.get(name, ())) or list(now.schema)
            ordered = minds_order(name)
            found = _changes(self.lakehouse, now, versions[key], files, read, ordered=ordered)
            if isinstance(found, Whole):
                return found
            if found.rows_added or found.rows_removed:
                changes[name] = found
        return changes

    def choose(
        self, changes: Mapping[str, RowChanges], local: Mapping[str, Locality]
    ) -> tuple[Slice, int] | Whole:
        """Choose the part that changes reach by a column, and count its published rows."""
        if self.terms.ages:
            return Whole("`fresh_within` looks for the newest row of all")
        try:
            return _Choice(
                self.call, self.schemas, self.terms, self.base, changes, local, self.quarantined
            ).choose()
        except (Exception, pl.exceptions.PanicException) as error:  # the user's, over these rows
            if is_fault(error):
                raise
            return Whole("what its changed rows reach cannot be computed")


def _declared_part(declared: Declared, finding: _Finding) -> Slice | Whole:
    """Return the part that changes reach if what the asset declares is so."""
    by_contract = _contract_minds_order(finding.terms, finding.quarantined)
    read = {
        name: [column for column in schema if column not in AUDIT_COLUMNS]
        for name, schema in finding.schemas.items()
    }
    changes = finding.changes(read, lambda _: by_contract)
    if isinstance(changes, Whole):
        return changes
    if not changes:
        return Slice(ScopeKind.ROW_LOCAL, finding.base)
    local = {name: declared.locality(name) for name in changes}
    for each in local.values():
        if each.reach is Reach.WHOLE:
            return Whole(each.why)
    chosen = finding.choose(changes, local)
    if isinstance(chosen, Whole):
        return chosen
    before = finding.before.scope
    return declared.checked(*chosen, is_trusted=before is not None and before.is_trusted)


def _proved_parts(loaded: LoadedAsset, finding: _Finding) -> Iterator[Slice | Whole]:
    """Yield the parts that changes reach as Polars' optimizer proves it."""
    terms, base, call, schemas = finding.terms, finding.base, finding.call, finding.schemas
    try:
        by_contract = _contract_minds_order(terms, finding.quarantined)
        columns = [name for name in terms.returned if name not in AUDIT_COLUMNS]
        changes = finding.changes(
            needed_columns(call, schemas, columns),
            lambda name: minds_order(call, schemas, name) or by_contract,
        )
        if isinstance(changes, Whole):
            yield changes
            return
        local = read_locality(call, schemas, changes) if changes else {}
    except (Exception, pl.exceptions.PanicException) as error:  # the user's code may want rows
        if is_fault(error, call, schemas):
            raise
        yield Whole("its plan cannot be read without rows")
        return
    if not changes:
        yield Slice(ScopeKind.ROW_LOCAL, base)
        return
    for name in changes:
        if local[name].reach is Reach.WHOLE:
            yield Whole(why_whole(loaded, local[name]))
            return
    if len(changes) == 1:
        ((name, change),) = changes.items()
        adds_only = local[name].reach is Reach.ROW_LOCAL and not change.rows_removed
        if adds_only and not terms.rules.tables:
            yield Slice(ScopeKind.ROW_LOCAL, base, {name: change.added})
    chosen = finding.choose(changes, local)
    yield chosen if isinstance(chosen, Whole) else chosen[0]
    yield Whole("rows of the part have a key that stays in the rest")


def why_whole(loaded: LoadedAsset, local: Locality) -> str:
    """Say why the rows of an input that changed reach every row, and where, if that is known."""
    if local.obstacle is None:
        return local.why
    line = line_of_call(loaded.function.function, local.obstacle.methods)
    return local.why if line is None else f"{local.why}, at {loaded.asset.file}:{line}"


def or_whole(
    parts: Iterator[Slice | Whole], call: Call, inputs: Mapping[str, TableVersion]
) -> Iterator[Slice | Whole]:
    """Yield what :func:`find_parts` finds; all of the table where Polster stumbles over it."""
    try:
        yield from parts
    except (Exception, pl.exceptions.PanicException) as error:
        if not is_fault(error, call, {name: table.schema for name, table in inputs.items()}):
            raise
        yield stumbled(error, "which part of it is to be made anew")


def stumbled(error: BaseException, over: str) -> Whole:
    """Say that a mistake of Polster ended a proof, and that all of the table is made for it.

    Args:
        error: What the proof ended with.
        over: What was to be proved, as a clause.
    """
    raised = raised_for(error)
    said = f"Polster stumbled over {over}: {without_values(raised)} at {own_place(raised)}"
    hint = "please report this as a bug of Polster"
    return Whole(
        said,
        amiss=Surprise("POL900", over, f"{said}; all of it was made at once", hint, fails=False),
    )


def wrong_part(
    whole: Whole, earlier: Sequence[StandingWarning], *, slice_by: str | None
) -> Surprise:
    """Say that a part of a table was not what a whole build makes of it, and what comes of that.

    Args:
        whole: Why all of it is made.
        earlier: What the version before warns of; as long as the code is the same, it names rows.
        slice_by: What the asset declares.
    """
    hint = "look whether the function gives the same rows each time that it is called; if it does, "
    if slice_by is None:
        hint += "please report this as a bug of Polster"
    else:
        hint += f"its rows depend on more than those of the same `{slice_by}`: leave `slice_by` out"
    such = f"; {whole.named}" if whole.named else ""
    said = (
        f"{whole.why}{such}; all of it was published, and all of it is made until its code changes"
    )
    told = [each.message for each in earlier if each.code == "POL353" and not such]
    return Surprise(
        "POL353",
        "part",
        told[0] if told else said,
        hint,
        fails=False,
    )


def _comparable(
    job: Job, loaded: LoadedAsset, terms: Terms, published: Published | None
) -> Whole | AssetRecord:
    """Return what was recorded of the table, if nothing but its inputs may have changed."""
    if published is not None and (why := why_distrusted(published.record, job.fingerprint)):
        return Whole(why, is_distrusted=True)
    if job.reread:
        return Whole("asked for")
    if (never := never_in_parts(loaded)) is not None:
        return Whole(never)
    if published is None or published.record.fingerprint is None:
        return Whole("another program wrote its table")
    theirs, ours = published.record.fingerprint, job.fingerprint
    if job.known is None or published.version > job.known:
        return Whole("another run published it meanwhile")
    if theirs.is_of_part:
        return Whole("a part of it alone was made by `--where`")
    if (theirs.code, theirs.modules) != (ours.code, ours.modules):
        return Whole("its code changed")
    if theirs.contract != ours.contract:
        return Whole("its contract changed")
    if theirs.references != ours.references:
        names = [n for n, v in ours.references.items() if theirs.references.get(n) != v]
        return Whole(f"{', '.join(names) or 'what it refers to'} changed, which it refers to")
    if any(rule.target is None for rule in terms.rules.references):
        return Whole("it refers to its own rows")
    if theirs.inputs.keys() != ours.inputs.keys():
        return Whole("it reads other tables than before")
    return published.record


def why_distrusted(record: AssetRecord, now: Fingerprint) -> str:
    """Say why no part of a table is made by code of which one was found wrong; else nothing."""
    scope = record.scope
    if scope is None or not scope.is_distrusted or not _is_same_code(record, now):
        return ""
    return scope.why


def is_trusted(record: AssetRecord, now: Fingerprint) -> bool:
    """Tell whether a part that this code made was ever compared with a whole build, and right."""
    scope = record.scope
    return scope is not None and scope.is_trusted and _is_same_code(record, now)


def _is_same_code(record: AssetRecord, now: Fingerprint) -> bool:
    then = record.fingerprint
    if then is None:
        return False
    return (then.code, then.modules, then.contract) == (now.code, now.modules, now.contract)


def never_in_parts(loaded: LoadedAsset) -> str | None:
    """Say why a table is always made whole, as a clause; None if it need not be."""
    if loaded.asset.options.expect.null_share:
        return "`null_share` counts the nulls of all of it"
    for name, asked in asked_by(loaded.asset, loaded.function.function).items():
        if asked.kind is Kind.RUN:
            return f"its parameter `{name}` asks for the run, which is another each time"
        if asked.kind is Kind.EAGER and loaded.asset.options.slice_by is None:
            return f"its parameter `{name}` asks for a pl.DataFrame, all of it"
    return None


def _contract_minds_order(terms: Terms, quarantined: pl.LazyFrame | None) -> bool:
    """Tell whether other rows may be kept out if those returned come in another order."""
    keys = [rule.name for rule in terms.rules.unique]
    if keys and _were_kept_out(quarantined, keys):
        return True
    far = [rule.holds.alias(rule.name) for rule in terms.rules.tables]
    return bool(far) and minds_order(
        lambda frames: frames["rows"].with_columns(far), {"rows": terms.schema}, "rows"
    )


def _were_kept_out(quarantined: pl.LazyFrame | None, rules: Collection[str]) -> bool:
    """Tell whether rows were ever kept out by ``rules``."""
    if quarantined is None:
        return False
    found = pl.col("_rules").list.eval(pl.element().is_in(rules)).list.any()
    return quarantined.filter(found).head(1).collect().height > 0


def _changes(
    lakehouse: Lakehouse,
    now: TableVersion,
    version: int,
    files: str,
    columns: Sequence[str],
    *,
    ordered: bool,
) -> RowChanges | Whole:
    """Find the rows of an input that are not those of the version that had these ``files``.

    Args:
        lakehouse: Where that version lies.
        now: The input.
        version: The number of that version.
        files: Its digest.
        columns: What makes a row another one.
        ordered: Whether the order of rows counts, too.
    """
    if now.key is None:
        return Whole("nobody knows whose table an input is")
    try:
        then = lakehouse.pin(now.key, version)
        if then is None:
            return _gone(now.key, version)
        if then.digest != files:
            return Whole(f"{now.key} was begun anew, or brought back as it was")
        if dict(then.schema) != dict(now.schema):
            return Whole(f"the columns of {now.key} changed")
        if ordered and not keep_order(then, now, columns):
            return Whole(f"rows of {now.key} stand in another order, which it looks at")
        return row_changes(lakehouse.table(now.key), then, now, columns)
    except (PolsterError, pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return _gone(now.key, version)


def _gone(key: AssetKey, version: int) -> Whole:
    return Whole(f"version {version} of {key} cannot be read any more")


@dataclass(frozen=True, slots=True)
class _Choice:
    """The column of a result whose values choose a part of it."""

    call: Call
    schemas: Mapping[str, pl.Schema]
    terms: Terms
    base: TableVersion
    changes: Mapping[str, RowChanges]
    local: Mapping[str, Locality]
    quarantined: pl.LazyFrame | None

    def choose(self) -> tuple[Slice, int] | Whole:
        """Return the part by the column that makes it small, and how many published rows it has."""
        rules = self.terms.rules.tables
        columns = [
            column
            for column in self._local_columns()
            if all(is_local(rule, column, self.terms.schema) for rule in rules)
        ]
        if not columns:
            return Whole(self._why_none())
        settled = [column for column in columns if self._waiting(column) is None]
        if not settled:
            return Whole(self._waiting(columns[0]) or "")
        rows = self.base.rows
        found: list[tuple[int, Slice]] = []
        for column in settled[:CANDIDATES]:
            part = self._part(column)
            chosen = self.base.scan().filter(part.published).select(pl.len()).collect()
            found.append((int(chosen.item()), part))
            if found[-1][0] <= rows / 10:
                break
        fewest, part = min(found, key=lambda each: each[0])
        if fewest > rows * MOST:
            return Whole(f"what changed reaches {fewest} of its {rows} rows")
        return part, fewest

    def _local_columns(self) -> list[str]:
        """Return the columns by which the result is local in all that changed, keys first."""
        terms, there = self.terms, self.base.schema
        keys = dict.fromkeys(name for rule in terms.rules.unique for name in rule.columns)
        return [
            name
            for name in (*keys, *(each for each in terms.schema if each not in keys))
            if name in terms.returned
            and there.get(name) == terms.schema[name]
            and all(name in self.local[each].by for each in self.changes)
        ]

    def _part(self, column: str) -> Slice:
        cast = next((each for each in self.terms.casts if each.column == column), None)
        held = {name: self.local[name].by[column] for name in self.changes}
        parts = [
            slice_values(self.call, self.schemas, name, rows, column, held[name])
            for name, change in self.changes.items()
            for rows, count in (
                (change.added, change.rows_added),
                (change.removed, change.rows_removed),
            )
            if count
        ]
        values = pl.concat(parts)
        if cast is not None:
            values = values.select(cast.value())
        return Slice(
            ScopeKind.LOCAL,
            self.base,
            column=column,
            values=values.unique().collect(engine="streaming")[column],
            cast=cast,
            steps={name: each for name, each in held.items() if each.step is not None},
        )

    def _waiting(self, column: str) -> str | None:
        """Say why a key cannot be judged in a part alone; rows beside it wait for their place."""
        unique = self.terms.rules.unique
        keys = [rule.name for rule in unique if column not in rule.columns]
        if not _were_kept_out(self.quarantined, keys):
            return None
        return f"rows were kept out by {keys[0]}, which does not hold `{column}`"

    def _why_none(self) -> str:
        for column in self._local_columns()[:1]:
            rules = self.terms.rules.tables
            far = [rule for rule in rules if not is_local(rule, column, self.terms.schema)]
            return f"the rule {', '.join(f'`{rule.name}`' for rule in far)} looks at other rows"
        names = " and ".join(f"`{name}`" for name in self.changes)
        return f"no column tells which rows of {names} it needs"
