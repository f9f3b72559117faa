"""Judging rows by a contract, batch by batch, while they stream to their files.

Each batch is judged once: good rows go on in the contract's types, bad ones are handed over
with their original values and the rules they break. Rules that need the whole table (keys,
``over``) come afterwards, in :mod:`polster.contracts.table_rules`, among the good rows only, so
that a corrupt duplicate never drags its good twin along.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.casts import Cast, CastKind, cast_hint, cast_kind, kept
from polster.contracts.expected import ages
from polster.contracts.rules import (
    DTYPE_RULE,
    RESCUED_COLUMN,
    RULES_COLUMN,
    Rule,
    Rules,
    contract_columns,
    contract_rules,
    rule_names,
    rule_problems,
)
from polster.contracts.vanishing import Keys, keys_expected
from polster.errors import AssetError, nearest
from polster.model.asset import AUDIT_COLUMNS, EVERY_RULE, Asset, ExtraColumns, Policy
from polster.project.load import in_short, is_ctrl_c, kind_of, place_in_file, said_by, user_trace
from polster.project.shared_process import ReachedOutsideError

if TYPE_CHECKING:
    import dataframely as dy

QUARANTINE_COLUMNS = (RULES_COLUMN, "_run_id", "_rejected_at")
OWN_PREFIX = "__polster"
NO_RULES = Rules((), (), ())
NONE_BROKEN: Mapping[str, int] = MappingProxyType({})


@dataclass(slots=True)
class Counts:
    """What a judging has seen so far."""

    returned: int = 0
    accepted: int = 0
    rejected: int = 0
    broken: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Terms:
    """How the frame of one asset is judged, decided before any row is looked at.

    Attributes:
        schema: Columns of the good rows, the contract's types, extra columns as they come.
        returned: Columns as the function returns them.
        casts: Columns that change their type, or may hold what no table can.
        columns: The contract's columns; the rules are judged over these alone.
        rules: The rules that apply.
        notes: What the user should know.
        ages: How old the newest value of a column may be, by column.
        keys: Of which keys some may vanish; None if nobody says how many.
    """

    asset: Asset
    schema: pl.Schema
    returned: pl.Schema
    casts: tuple[Cast, ...]
    columns: tuple[str, ...]
    rules: Rules
    notes: tuple[str, ...]
    ages: Mapping[str, timedelta] = field(default_factory=dict)
    keys: Keys | None = None

    @property
    def keeps_originals(self) -> bool:
        """Tell whether good rows must carry their originals until the table rules have passed."""
        one_way = any(cast.kind is CastKind.ONE_WAY for cast in self.casts)
        return one_way and self.rules.need_table

    @property
    def staged_schema(self) -> pl.Schema:
        """Return the columns of the good rows as they are staged."""
        carried = {cast.original: cast.source for cast in self.casts}
        return pl.Schema({**self.schema, **carried}) if self.keeps_originals else self.schema

    @property
    def kept(self) -> list[str]:
        """Return the columns that a row keeps, published or quarantined, as they are returned.

        The others are dropped on purpose: the audit columns of bronze above bronze, and with
        ``extra_columns="drop"`` what the contract does not name.
        """
        return [name for name in self.returned if name in self.schema]

    def rejects(self, rule: str) -> bool:
        """Tell whether a row that breaks ``rule`` stays out of the table.

        A value that cannot be cast cannot be published, whatever the policy says.
        """
        return self.asset.options.policy(rule) is not Policy.WARN or rule.endswith(DTYPE_RULE)


def settle_terms(
    asset: Asset,
    contract: type[dy.Schema] | None,
    returned: pl.Schema,
    *,
    brought: Collection[str] = (),
) -> Terms:
    """Compare what a function returns with its contract.

    Args:
        asset: Whose function it is.
        contract: None for bronze that has none.
        returned: Columns that the function returns.
        brought: Audit columns that the rows bring themselves.

    Raises:
        AssetError: A column is missing, cannot be cast, is not wanted or has a reserved name;
            ``on_violation`` names a rule that the contract has not; or a rule makes no sense.
    """
    _check_names(asset, returned, brought)
    if contract is None:
        allowed = ages(asset, returned)
        keys_expected(asset, NO_RULES, returned)
        return Terms(asset, returned, returned, _narrowed(returned), (), NO_RULES, (), allowed)
    _check_policies(asset, contract)
    columns = contract_columns(contract)
    _check_missing(asset, columns, returned)
    casts = _casts(asset, columns, returned)
    extra, notes = _extra(asset, columns, returned)
    own = {*brought, RESCUED_COLUMN} if asset.key.layer == "bronze" else brought
    extra += [name for name in returned if name in own and name not in columns]
    types = {cast.column: cast.target for cast in casts}
    judged = pl.Schema({name: types.get(name, returned[name]) for name in columns})
    rules = contract_rules(contract, judged)
    _check_rules(asset, rules, judged)
    schema = pl.Schema({**judged, **{name: returned[name] for name in extra}})
    casts += _narrowed({n: dtype for n, dtype in schema.items() if n not in types})
    allowed = ages(asset, schema)
    keys = keys_expected(asset, rules, judged)
    return Terms(asset, schema, returned, casts, tuple(columns), rules, notes, allowed, keys)


@dataclass(slots=True)
class Judge:
    """Judges batches; knows nothing of files.

    Polars hands batches over on several threads at once: they are judged side by side, and
    counted and rejected one after the other.

    Attributes:
        reject: Takes the bad rows of a batch: ``terms.kept``, original values, plus
            ``_rules: List(String)``.
    """

    terms: Terms
    reject: Callable[[pl.DataFrame], None]
    counts: Counts = field(default_factory=Counts)
    _checks: Mapping[str, pl.Expr] = field(init=False)
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        rules = self.terms.rules.rows
        self._checks = {rule.name: ~rule.holds.fill_null(True) for rule in rules}

    def judge(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Return the good rows of ``batch`` with the columns ``terms.staged_schema``."""
        terms = self.terms
        work = batch
        if terms.casts:
            work = batch.with_columns(
                *[pl.col(cast.column).alias(cast.original) for cast in terms.casts]
            ).with_columns(*[cast.value() for cast in terms.casts])
        broken = self._broken(work)
        if broken is None:
            self._count(batch, accepted=batch.height)
            return _only(work, list(terms.staged_schema))
        rejecting = [pl.col(name) for name in broken.columns if terms.rejects(name)]
        bad = broken.select(pl.any_horizontal(pl.lit(False), *rejecting)).to_series()
        good = work.filter(~bad).select(list(terms.staged_schema))
        names = [pl.when(pl.col(name)).then(pl.lit(name)) for name in broken.columns]
        rules = broken.filter(bad).select(pl.concat_list(names).list.drop_nulls())
        rejected = batch.select(terms.kept).filter(bad)
        rejected = rejected.with_columns(rules.to_series().alias(RULES_COLUMN))
        counts = {column.name: int(column.sum()) for column in broken}
        self._count(batch, accepted=good.height, broken=counts, rejected=rejected)
        return good

    def _count(
        self,
        batch: pl.DataFrame,
        *,
        accepted: int,
        broken: Mapping[str, int] = NONE_BROKEN,
        rejected: pl.DataFrame | None = None,
    ) -> None:
        with self._lock:
            self.counts.returned += batch.height
            self.counts.accepted += accepted
            self.counts.rejected += batch.height - accepted
            self.counts.broken.update(broken)
            if rejected is not None and rejected.height:
                self.reject(rejected)

    def _broken(self, work: pl.DataFrame) -> pl.DataFrame | None:
        """Return one column a broken rule, True for the rows that break it; None if none is."""
        if not work.height:
            return None
        failed = self._failed(work)
        broken = self._evaluate(work)
        if failed.width:
            broken = failed.hstack(
                [_where_known(broken[rule.name], rule, failed) for rule in self.terms.rules.rows]
            )
        found = [column.name for column in broken if column.any()]
        return broken.select(found) if found else None

    def _failed(self, work: pl.DataFrame) -> pl.DataFrame:
        """Return one column a cast that failed, True where it did."""
        if not self.terms.casts:
            return pl.DataFrame()
        failed = work.select(
            **{cast.column + DTYPE_RULE: cast.failed() for cast in self.terms.casts}
        )
        return failed.select([column.name for column in failed if column.any()])

    def _evaluate(self, work: pl.DataFrame) -> pl.DataFrame:
        """Return one column a row rule, True where it is broken; the contract's columns count."""
        checks = self._checks
        if not checks:
            return pl.DataFrame()
        judged = _only(work, list(self.terms.columns))
        try:
            return judged.with_columns(**checks).select(list(checks))
        except ReachedOutsideError:
            raise
        except BaseException as error:  # a function in a rule is the user's, and may raise anything
            for name, check in checks.items():
                try:
                    judged.with_columns(check.alias(name))
                except BaseException as reason:
                    raise rule_failed(self.terms.asset, f"the rule `{name}`", reason) from reason
            raise rule_failed(self.terms.asset, "a rule", error) from error


def _only(frame: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Return some columns of ``frame``; itself if it has no others, for Polars takes its time."""
    return frame if frame.columns == columns else frame.select(columns)


def _where_known(broken: pl.Series, rule: Rule, failed: pl.DataFrame) -> pl.Series:
    """Forget what ``rule`` says of a value that could not be cast: it saw a null in its place."""
    for column in rule.columns:
        if column + DTYPE_RULE in failed.columns:
            broken = broken & ~failed[column + DTYPE_RULE]
    return broken


def rule_failed(asset: Asset, rule: str, error: BaseException) -> AssetError:
    """Say that a rule stumbled over the rows, which is not the same as rows that break it."""
    if is_ctrl_c(error):
        raise error
    is_polars = isinstance(error, pl.exceptions.PolarsError)
    reason = said_by(error).split("\n", maxsplit=1)[0] if is_polars else in_short(error)
    place = place_in_file(error, asset)
    return AssetError(
        f"{rule} of the contract cannot be evaluated: {reason}",
        code="POL317",
        place=asset.place if place == asset.file else place,
        hint="a rule must be true, false or null for every row; cast with strict=False in it"
        if is_polars
        else "let its function return True, False or None for every value; None counts as good",
        trace=None if is_polars else user_trace(error),
        kept=f"{rule} of the contract cannot be evaluated: {kind_of(error)}",
    )


def originals(terms: Terms) -> list[pl.Expr]:
    """Return the columns as the function returned them, over rows staged by :class:`Judge`."""
    casts: Mapping[str, Cast] = {cast.column: cast for cast in terms.casts}
    found: list[pl.Expr] = []
    for name in terms.kept:
        cast = casts.get(name)
        if cast is None:
            found.append(pl.col(name))
        elif terms.keeps_originals:
            found.append(pl.col(cast.original).alias(name))
        else:
            found.append(cast.undone())
    return found


def _check_names(asset: Asset, returned: pl.Schema, brought: Collection[str]) -> None:
    reserved = set(QUARANTINE_COLUMNS)
    if asset.key.layer == "bronze":
        reserved |= set(AUDIT_COLUMNS) - set(brought)
    taken = sorted(name for name in returned if name in reserved or name.startswith(OWN_PREFIX))
    if taken:
        names = ", ".join(f"`{name}`" for name in taken)
        raise AssetError(
            f"the function returns {names}, a name that Polster uses itself",
            code="POL312",
            place=asset.place,
            hint=f'rename it: .rename({{"{taken[0]}": "source{taken[0]}"}})',
        )
    unusable = [name for name in returned if _is_unusable(name)]
    unusable += [name for dtype in returned.dtypes() for name in _fields(dtype) if "\0" in name]
    if unusable:
        shown = unusable[0].encode("unicode_escape").decode()
        raise AssetError(
            f"the function returns a column named `{shown}`, by which nothing can ask for it",
            code="POL343",
            place=asset.place,
            hint=_misread_hint(next(iter(returned)))
            or "rename it by its place: .rename(lambda name: "
            f"{json.dumps('column')} if name == {json.dumps(unusable[0])} else name)",
        )
    if not len(returned):
        raise AssetError(
            "the function returns a frame without columns", code="POL303", place=asset.place
        )


def _is_unusable(name: str) -> bool:
    """Tell whether Polars takes a name for a pattern, or can hand it to nobody."""
    return name == "*" or (name.startswith("^") and name.endswith("$")) or "\0" in name


def _misread_hint(first: str) -> str | None:
    """Say how to read a file whose two bytes a character were read as two characters.

    Args:
        first: Its first column, before whose name a byte order mark may stand.
    """
    if first.startswith("\ufffd\ufffd") and "\0" in first:
        encoding = "utf-16"
    elif first[::2].strip("\0") and not first[1::2].strip("\0") and len(first) % 2 == 0:
        encoding = "utf-16-le"
    elif first[1::2].strip("\0") and not first[::2].strip("\0"):
        encoding = "utf-16-be"
    else:
        return None
    return (
        "its file is not UTF-8, but UTF-16 by its look: write "
        f'pl.read_csv(…, encoding="{encoding}") for pl.scan_csv(…)'
    )


def _fields(dtype: object) -> Iterator[str]:
    """Yield the names of the fields inside a type, however deep."""
    if isinstance(dtype, pl.Struct):
        for field_of in dtype.fields:
            yield field_of.name
            yield from _fields(field_of.dtype)
    elif isinstance(dtype, pl.List | pl.Array):
        yield from _fields(dtype.inner)


def _check_rules(asset: Asset, rules: Rules, judged: pl.Schema) -> None:
    problems = rule_problems(rules, judged)
    if problems:
        raise AssetError(
            "; ".join(problems),
            code="POL316",
            place=asset.place,
            hint=f"a rule reads the columns of {asset.options.contract} alone and gives a Boolean: "
            f"{', '.join(judged) or 'it has no columns'}",
        )


def _check_policies(asset: Asset, contract: type[dy.Schema]) -> None:
    if not set(asset.options.on_violation) - {EVERY_RULE}:
        return
    known = [
        *rule_names(contract),
        *(reference.rule for reference in asset.options.references),
    ]
    for rule in asset.options.on_violation:
        if rule != EVERY_RULE and rule not in known:
            close = nearest(rule, known)
            raise AssetError(
                f"`on_violation` names the rule `{rule}`, which {contract.__name__} does not have",
                code="POL313",
                place=asset.place,
                hint=f"did you mean `{close}`?" if close else f"its rules: {', '.join(known)}",
            )


def _check_missing(asset: Asset, columns: Mapping[str, dy.Column], returned: pl.Schema) -> None:
    missing = [name for name in columns if name not in returned]
    if not missing:
        return
    spare = [name for name in returned if name not in columns]
    guesses = [
        f"`{name}` may be what is returned as `{close}`"
        for name in missing
        if (close := nearest(name, spare))
    ]
    names = ", ".join(f"`{name}`" for name in missing)
    noun = "column" if len(missing) == 1 else "columns"
    raise AssetError(
        f"the function does not return the {noun} {names}, which the contract "
        f"{asset.options.contract} wants",
        code="POL301",
        place=asset.place,
        hint="; ".join(guesses) or f"it returns: {', '.join(returned)}",
    )


def _casts(asset: Asset, columns: Mapping[str, dy.Column], returned: pl.Schema) -> tuple[Cast, ...]:
    casts = [
        Cast(name, returned[name], column.dtype, cast_kind(returned[name], column.dtype))
        for name, column in columns.items()
        if not column.validate_dtype(returned[name])
    ]
    impossible = [cast for cast in casts if cast.kind is CastKind.IMPOSSIBLE]
    if impossible:
        raise AssetError(
            "; ".join(
                f"the column `{cast.column}` is {cast.source} and cannot become {cast.target}, "
                "which the contract wants"
                for cast in impossible
            ),
            code="POL302",
            place=asset.place,
            hint="; ".join(cast_hint(cast.column, cast.source, cast.target) for cast in impossible),
        )
    return tuple(casts)


def _narrowed(columns: Mapping[str, pl.DataType]) -> tuple[Cast, ...]:
    """Return the columns of a type of which no table can hold every value."""
    return tuple(
        Cast(name, dtype, dtype, CastKind.CHECKED)
        for name, dtype in columns.items()
        if kept(dtype) != dtype
    )


def _extra(
    asset: Asset, columns: Mapping[str, dy.Column], returned: pl.Schema
) -> tuple[list[str], tuple[str, ...]]:
    """Decide on the columns that the contract does not name: those kept, and notes."""
    own = (*AUDIT_COLUMNS, RESCUED_COLUMN)
    extra = [name for name in returned if name not in columns and name not in own]
    names = ", ".join(f"`{name}`" for name in extra)
    if not extra or not columns or asset.options.extra_columns is ExtraColumns.KEEP:
        return extra, ()
    if asset.options.extra_columns is ExtraColumns.DROP:
        return [], (f"dropped, since the contract does not name them: {names}",)
    raise AssetError(
        f"the function returns {names}, which the contract {asset.options.contract} does not name",
        code="POL311",
        place=asset.place,
        hint='select fewer columns, name them in the contract, or write extra_columns="keep"',
    )
