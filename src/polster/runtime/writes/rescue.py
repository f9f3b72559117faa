"""Values that fit no type which their column could have: null there, kept as text beside it.

Bronze takes what it can: see :mod:`polster.lakehouse.widening`. Where a source says so, what is
left does not keep the rows out, nor those of other files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.casts import CastKind, cast_kind
from polster.contracts.expected import Surprise
from polster.contracts.rules import RESCUED_COLUMN, contract_columns
from polster.lakehouse.store import reaching
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import as_text, storage_cast, storage_dtype
from polster.lakehouse.widening import candidates, common_dtype, refitted, survives
from polster.model.asset import AUDIT_COLUMNS, Asset
from polster.model.standing import OF_ROWS
from polster.runtime.writes.landing import SOURCE_COLUMN, all_survive, is_another_measure
from polster.sources.source import Batch

if TYPE_CHECKING:
    import dataframely as dy

SHOWN = 3
NUMBER = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
EXACT_DIGITS: dict[pl.DataType, int] = {pl.Float32(): 6, pl.Float64(): 15}
"""A number of so many digits comes back from a float as it was."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A column whose values do not all fit by their types.

    Attributes:
        before: Its type in the table.
        forms: What it came as, in types of storage.
        arriving: The same types as they came.
    """

    name: str
    before: pl.DataType
    forms: Mapping[str, pl.DataType]
    arriving: Sequence[pl.DataType]
    is_another_measure: bool

    def target(self, rows: pl.LazyFrame, table: TableVersion) -> pl.DataType | None:
        """Return the type that holds each value of the rows and the table; None if none does."""
        if self.is_another_measure:
            return None
        every_batch = replace(table, batch=None).scan_stored()
        for option in candidates(self.before, *self.arriving):
            fits = pl.all_horizontal([_fits(n, each, option) for n, each in self.forms.items()])
            if not rows.filter(~fits).head(1).collect(engine="streaming").is_empty():
                continue
            with reaching(table.uri):
                if all_survive(every_batch, self.name, self.before, option):
                    return option
        return None

    def fits(self) -> pl.Expr:
        """Return whether a value fits the type that the column has."""
        if self.is_another_measure:
            return pl.all_horizontal(pl.col(name).is_null() for name in self.forms)
        return pl.all_horizontal(_fits(n, each, self.before) for n, each in self.forms.items())

    def value(self, target: pl.DataType | None) -> pl.Expr:
        """Return the values as ``target``; those that fit the table's type if there is none."""
        fits = self.fits() if target is None else pl.lit(value=True)
        chosen = target or self.before
        values = [
            _as(pl.when(fits).then(pl.col(name)), each, chosen) for name, each in self.forms.items()
        ]
        return pl.coalesce(values).cast(chosen).alias(self.name)

    def text(self) -> pl.Expr:
        """Return the values as they came, as text."""
        return pl.coalesce([_text(pl.col(name), each) for name, each in self.forms.items()])


def rescue(
    asset: Asset, batch: Batch, contract: type[dy.Schema] | None, table: TableVersion
) -> tuple[Batch, tuple[Surprise, ...]]:
    """Return a batch whose values all go into the table, and what had to be rescued for that.

    What a contract casts it judges, too.

    Raises:
        LakehouseError: What the table holds cannot be read.
    """
    if batch.forms is None:
        return batch, ()
    came = batch.forms.frame.collect_schema()
    judged = {} if contract is None else contract_columns(contract)
    odd: list[_Column] = []
    for name, before in table.stored_schema.items():
        if name not in came or name in AUDIT_COLUMNS:
            continue
        if name in judged and cast_kind(came[name], judged[name].dtype) is not CastKind.IMPOSSIBLE:
            continue
        names = batch.forms.columns.get(name, (name,))
        arriving = {each: came[each] for each in names if came[each] != pl.Null}
        stored = {n: storage_dtype(d, every_value=True) for n, d in arriving.items()}
        forms = {n: dtype for n, dtype in stored.items() if dtype is not None}
        other = is_another_measure(table.schema[name], came[name])
        if (other or not _is_taken(before, came[name])) and len(forms) == len(arriving):
            odd.append(_Column(name, before, forms, [*arriving.values()], other))
    if not odd:
        return batch, ()
    return _rescued(asset, batch, odd, table)


def _is_taken(before: pl.DataType, arriving: pl.DataType) -> bool:
    """Tell whether a column takes every value of another type."""
    if before == pl.String and not arriving.is_nested() and arriving != pl.Binary:
        return True
    return common_dtype(before, arriving) is not None


def _rescued(
    asset: Asset, batch: Batch, odd: Sequence[_Column], table: TableVersion
) -> tuple[Batch, tuple[Surprise, ...]]:
    assert batch.forms is not None  # noqa: S101 - else nobody asks
    columns = list(batch.frame.collect_schema())
    forms = {name: dtype for column in odd for name, dtype in column.forms.items()}
    came = batch.forms.frame.collect_schema()
    stored = pl.Schema({**came, **forms})
    rows = batch.forms.frame.map_batches(
        partial(storage_cast, schema=pl.Schema(forms)), schema=stored, streamable=True
    )
    targets = {column.name: column.target(rows, table) for column in odd}
    unfit = [column for column in odd if targets[column.name] is None]
    values = [column.value(targets[column.name]) for column in odd]
    found = _counted(asset, rows, unfit)
    kept = []
    if found:
        kept = [_object({each.name: pl.when(~each.fits()).then(each.text()) for each in unfit})]
        columns.append(RESCUED_COLUMN)
    frame = rows.with_columns(*values, *kept).select(columns)
    return replace(batch, frame=frame, forms=None), found


def _counted(asset: Asset, rows: pl.LazyFrame, unfit: Sequence[_Column]) -> tuple[Surprise, ...]:
    """Say of which columns values are rescued, and where they come from."""
    if not unfit:
        return ()
    broken = rows.select(SOURCE_COLUMN, **{each.name: ~each.fits() for each in unfit})
    counts = broken.group_by(SOURCE_COLUMN).agg(pl.all().sum()).sort(SOURCE_COLUMN)
    counted = counts.collect(engine="streaming")
    found = []
    for column in unfit:
        some = counted.select(SOURCE_COLUMN, column.name).filter(pl.col(column.name) > 0)
        if some.is_empty():
            continue
        named = ", ".join(f"{count} in {source}" for source, count in some.head(SHOWN).iter_rows())
        more = f", and more in {some.height - SHOWN} others" if some.height > SHOWN else ""
        count = some[column.name].sum()
        message = (
            f"{count} {'value of' if count == 1 else 'values of'} `{column.name}` "
            f"{'does' if count == 1 else 'do'} not fit {column.before} and "
            f"{'is' if count == 1 else 'are'} kept as text in `{RESCUED_COLUMN}`: {named}{more}"
        )
        hint = (
            f'mend the source; what was kept: pl.col("{RESCUED_COLUMN}")'
            f'.str.json_path_match("$.{column.name}"); if it is right: '
            f"polster acknowledge {asset.key}"
        )
        found.append(Surprise(OF_ROWS, column.name, message, hint, fails=False))
    return tuple(found)


def _fits(name: str, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return whether a value of a type of storage comes back from another; never null."""
    value = pl.col(name)
    if dtype == target:
        return pl.lit(value=True)
    if target == pl.String:
        return pl.lit(value=True) if dtype != pl.Binary else value.is_null()
    if dtype == pl.String:
        return value.is_null() | _is_read(value, target).fill_null(value=False)
    return survives(value, dtype, target, as_text=True)


def _is_read(text: pl.Expr, target: pl.DataType) -> pl.Expr:
    """Return whether text is a value of another type, and nothing is lost if it is that."""
    read = _read(text, target)
    if target.is_nested() or target == pl.Binary:
        return read.is_not_null()
    is_same = read.cast(pl.String) == text
    if isinstance(target, pl.Decimal):
        finer = text.str.extract(r"\.([0-9]*[1-9])0*$").str.len_bytes().fill_null(0) > target.scale
        return text.str.contains(NUMBER) & ~text.str.contains("[eE]") & ~finer & read.is_not_null()
    if target.is_float():
        digits = text.str.replace_all("[eE].*|[^0-9]", "").str.len_bytes()
        is_exact = (digits <= EXACT_DIGITS.get(target, 0)) & read.is_finite()
        return text.str.contains(NUMBER) & (is_same | is_exact)
    return is_same


def _read(text: pl.Expr, target: pl.DataType) -> pl.Expr:
    """Return what text says; null where it says nothing of that type, and of some types always."""
    if target == pl.Date:
        return text.str.to_date("%Y-%m-%d", strict=False)
    if target == pl.Boolean:
        return pl.when(text.is_in(["true", "false"])).then(text == "true")
    return text.cast(target, strict=False) if target.is_numeric() else pl.lit(None, target)


def _as(value: pl.Expr, dtype: pl.DataType, target: pl.DataType) -> pl.Expr:
    """Return a value that fits as ``target``."""
    if target == pl.String and dtype != target:
        return _text(value, dtype)
    if dtype == pl.String and dtype != target:
        return _read(value, target)
    return refitted(value, dtype, target)


def _text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    text = as_text(value, dtype)
    return _json(text) if dtype.is_nested() else text


def _json(value: pl.Expr) -> pl.Expr:
    """Return a value as JSON; null where it is null."""
    text = pl.struct(value.alias("v")).struct.json_encode()
    return pl.when(value.is_not_null()).then(text.str.strip_prefix('{"v":').str.strip_suffix("}"))


def _object(texts: Mapping[str, pl.Expr]) -> pl.Expr:
    """Return a JSON object of the texts that there are; null where there is none."""
    members = [
        pl.lit(json.dumps(name, ensure_ascii=False) + ":") + _json(text)
        for name, text in texts.items()
    ]
    inside = pl.concat_str(members, separator=",", ignore_nulls=True)
    some = pl.any_horizontal(member.is_not_null() for member in members)
    return (
        pl.when(some).then(pl.concat_str([pl.lit("{"), inside, pl.lit("}")])).alias(RESCUED_COLUMN)
    )
