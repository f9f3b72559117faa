"""Sampling rows that a contract allows: random, plausible, and the same for the same seed."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from hashlib import blake2b
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from polster.contracts.rules import contract_columns, contract_rules
from polster.project.dataframely_private import as_rule, generator, sampling_at_most
from polster.rehearsal.named import named_values

if TYPE_CHECKING:
    import dataframely as dy

ITERATIONS = 100
"""How often rows that break a rule are sampled anew; each takes a few milliseconds."""
FIRST, LAST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
SPAN = 1000
"""How far numbers reach that a contract does not bound, so that sums and products stay sane."""
LONGEST = 12
TRIED = 200
EASED = "rules of "


class CannotSampleError(Exception):
    """No rows were found that the contract allows."""


def seed_of(seed: int, *names: str) -> int:
    """Return a seed of its own for each of ``names``, the same in every process.

    >>> seed_of(0, "silver.orders") == seed_of(0, "silver.orders")
    True
    """
    digest = blake2b("\n".join([str(seed), *names]).encode(), digest_size=4)
    return int.from_bytes(digest.digest(), "big")


def pick(height: int, count: int, seed: int, *, again: bool = False) -> list[int]:
    """Pick ``count`` numbers below ``height`` by chance, the same for the same seed.

    >>> len(pick(10, 3, seed=1)), pick(2, 5, seed=1, again=True) == pick(2, 5, seed=1, again=True)
    (3, True)
    """
    numbers = pl.int_range(height, eager=True)
    return numbers.sample(count, with_replacement=again, seed=seed).to_list()


def sample_contract(
    contract: type[dy.Schema],
    rows: int,
    *,
    seed: int,
    given: Mapping[str, Sequence[Any] | pl.Series] | None = None,
) -> pl.DataFrame:
    """Sample rows that keep every rule of ``contract``.

    Numbers, texts and times that it does not bound are drawn from a plausible range. A column
    of which ``_sampling_overrides`` of the contract says how it follows from the others does.

    Args:
        contract: Whose columns and rules.
        rows: How many.
        seed: The same seed samples the same rows.
        given: Values by column, ``rows`` each, that are taken as they are.

    Raises:
        CannotSampleError: Its rules are too narrow for luck.
    """
    try:
        return _sampled(contract, rows, seed, given or {})
    except CannotSampleError:
        named = _named_by_rules(contract, rows, seed)
        if not named.keys() - (given or {}).keys():
            raise
        return _sampled(contract, rows, seed, {**named, **(given or {})})


def _sampled(
    contract: type[dy.Schema],
    rows: int,
    seed: int,
    given: Mapping[str, Sequence[Any] | pl.Series],
) -> pl.DataFrame:
    narrow: Any = narrowed(contract, max(SPAN, 20 * rows), given)
    overrides = {name: list(values) for name, values in given.items()} if given else None
    drawing = generator(seed)
    with sampling_at_most(ITERATIONS):
        try:
            sampled = narrow.sample(rows, overrides=overrides, generator=drawing)
        except Exception as error:  # the rules are the user's code, and may stumble over anything
            said = f"{type(error).__name__}: {str(error).strip()}".split("\n", maxsplit=1)[0]
            raise CannotSampleError(_narrow_rules(narrow, drawing) or said) from error
    return pl.DataFrame(sampled).select(list(contract_columns(contract)))


def _named_by_rules(contract: type[dy.Schema], rows: int, seed: int) -> dict[str, pl.Series]:
    """Draw from the values that rules of the contract name for one column, as an ``is_in`` does.

    Only values that keep all rules of their column are taken; a column without any is left out.
    The bounds of a column itself are kept by chance.
    """
    columns = contract_columns(contract)
    rules = [rule for rule in contract_rules(contract).rows if len(rule.columns) == 1]
    drawn: dict[str, pl.Series] = {}
    for name, column in columns.items():
        own = [rule for rule in rules if rule.columns == (name,)]
        with pl.Config(fmt_table_cell_list_len=-1, fmt_str_lengths=SPAN):  # else lists are cut
            named = [
                value
                for rule in own
                if "|" not in rule.name
                for value in named_values(rule.holds)
                if value != name
            ]
        with suppress(Exception):  # what no value of the type is, or a rule that stumbles
            values = pl.Series(name, named, dtype=column.dtype, strict=False).drop_nulls()
            kept = values.unique(maintain_order=True).to_frame()
            kept = kept.filter(*[rule.holds.fill_null(True) for rule in own])
            if kept.height:
                places = pick(kept.height, rows, seed_of(seed, name), again=True)
                drawn[name] = kept[name].gather(places)
    return drawn


def _narrow_rules(narrow: Any, drawing: Any) -> str | None:
    """Say which rules turn nearly all sampled rows away; None if the mishap is another."""
    try:
        columns = narrow.columns()
        drawn = pl.DataFrame({n: each.sample(drawing, TRIED) for n, each in columns.items()})
        counts: dict[str, int] = narrow.filter(drawn)[1].counts()
    except Exception:
        return None
    worst = sorted((name for name in counts if counts[name] > TRIED * 0.9), key=str)
    names = " and ".join(f"`{name.removeprefix(EASED)}`" for name in worst)
    return f"hardly any random row keeps {names}" if worst else None


def sample_types(schema: pl.Schema, rows: int, *, seed: int) -> pl.DataFrame:
    """Sample plausible values of each type; null where a type has no plausible values."""
    return pl.DataFrame(
        [
            pl.Series(name, _values(dtype, rows, seed_of(seed, name)), dtype=dtype, strict=False)
            for name, dtype in schema.items()
        ]
    )


def narrowed(contract: type[dy.Schema], span: int, given: Container[str]) -> type[dy.Schema]:
    """Return a contract of the same columns and rules, bounded where it leaves values open."""
    bounded: dict[str, Any] = {}
    for name, column in contract_columns(contract).items():
        eased = _eased(column)
        bounds = eased if name in given else {**_bounds(column, span), **eased}
        if not bounds:
            continue
        try:
            bounded[name] = column.with_properties(**bounds)
        except (AttributeError, TypeError, ValueError):  # a column type of the user's own
            continue
        if eased:
            bounded[EASED + name] = _as_rule(column, name)
    if not bounded:
        return contract
    body = {"__module__": contract.__module__, "__doc__": contract.__doc__, **bounded}
    make: Any = type(contract)
    narrow: type[dy.Schema] = make(contract.__name__, (contract,), body)
    return narrow


def _eased(column: dy.Column) -> dict[str, Any]:
    """Return what dataframely cannot sample by, to be taken off ``column``."""
    eased: dict[str, Any] = {}
    if column.check is not None:
        eased["check"] = None
    if getattr(column, "regex", None) is not None and isinstance(column.dtype, pl.String):
        lengths = ("min_length", "max_length")
        eased |= {side: None for side in lengths if getattr(column, side, None) is not None}
    return eased


def _as_rule(column: dy.Column, name: str) -> Any:
    """Return every rule of a row that ``column`` has as one rule of the contract."""
    rules = [
        holds
        for rule, holds in column.validation_rules(pl.col(name)).items()
        if not (rule == "unique" and column.unique)
    ]
    return as_rule(pl.all_horizontal([holds.fill_null(True) for holds in rules]))


def _bounds(column: dy.Column, span: int) -> dict[str, Any]:
    """Return the bounds to add to ``column``, by the names of its properties."""
    dtype = column.dtype
    if getattr(column, "is_in", None) is not None:
        return {}
    if isinstance(dtype, pl.String) and getattr(column, "regex", None) is None:
        shortest = getattr(column, "min_length", None)
        longest = getattr(column, "max_length", None)
        return {
            "min_length": max(1, shortest or 1) if longest != 0 else 0,
            "max_length": longest
            if longest is not None and longest <= LONGEST
            else max(LONGEST, shortest or 0),
        }
    low = _bound(column, "min")
    high = _bound(column, "max")
    if dtype.is_numeric() and not isinstance(dtype, pl.Decimal):
        return _around(low, high, 0 if dtype.is_integer() else 0.0, _span(dtype, span))
    if isinstance(dtype, pl.Decimal):
        whole = dtype.precision - dtype.scale
        return _around(low, high, 0, min(span, 10**whole - 1))
    if isinstance(dtype, pl.Date):
        return _around(low, high, FIRST.date(), LAST - FIRST)
    if isinstance(dtype, pl.Datetime):
        found = _around(low, high, _first(dtype, low or high), LAST - FIRST)
        if getattr(column, "resolution", None) is None:
            found["resolution"] = "1s"
        return found
    if isinstance(dtype, pl.Duration):
        return _around(low, high, timedelta(), timedelta(days=1))
    return {}


def _first(dtype: pl.Datetime, bound: datetime | None) -> datetime:
    """Return the first usual time in the zone of ``bound``, or else of ``dtype``, if it has one."""
    zone = bound.tzinfo if bound is not None else _zone(dtype)
    return FIRST.replace(tzinfo=zone)


def _zone(dtype: pl.Datetime) -> tzinfo | None:
    return ZoneInfo(dtype.time_zone) if dtype.time_zone else None


def _around(low: Any, high: Any, usual: Any, span: Any) -> dict[str, Any]:
    """Bound a range on the sides where it is open, ``span`` wide, from ``usual`` if possible."""
    if low is not None and high is not None:
        return {}
    if low is not None:
        return {"max": low + span}
    if high is not None:
        return {"min": usual} if usual < high else {"min": high - span}
    return {"min": usual, "max": usual + span}


def _bound(column: dy.Column, side: str) -> Any:
    inclusive = getattr(column, side, None)
    return inclusive if inclusive is not None else getattr(column, f"{side}_exclusive", None)


def _span(dtype: pl.DataType, span: int) -> int:
    if dtype in (pl.Int8, pl.UInt8):
        return min(span, 100)
    return min(span, 30_000) if dtype == pl.Int16 else span


def _values(dtype: pl.DataType, rows: int, seed: int) -> list[Any]:
    """Return ``rows`` plausible values of ``dtype`` as Python knows them."""
    numbers = pl.int_range(rows, eager=True).hash(seed=seed)
    small = [int(number) for number in numbers % SPAN]
    if dtype.is_integer():
        return [number % _span(dtype, SPAN) for number in small]
    if dtype.is_float() or isinstance(dtype, pl.Decimal):
        return [number / 10 for number in small]
    if isinstance(dtype, pl.String | pl.Categorical):
        return [f"text {number}" for number in small]
    if isinstance(dtype, pl.Enum):
        return [dtype.categories[number % len(dtype.categories)] for number in small]
    if isinstance(dtype, pl.Boolean):
        return [number % 2 == 0 for number in small]
    if isinstance(dtype, pl.Date):
        return [date(2020, 1, 1) + timedelta(days=number) for number in small]
    if isinstance(dtype, pl.Datetime):
        zone = UTC if dtype.time_zone else None
        return [FIRST.replace(tzinfo=zone) + timedelta(hours=number) for number in small]
    if isinstance(dtype, pl.Time):
        return [time(number % 24, number % 60) for number in small]
    if isinstance(dtype, pl.Duration):
        return [timedelta(minutes=number) for number in small]
    if isinstance(dtype, pl.Binary):
        return [str(number).encode() for number in small]
    if isinstance(dtype, pl.List | pl.Array):
        inner = dtype.inner if isinstance(dtype.inner, pl.DataType) else dtype.inner()
        width = dtype.size if isinstance(dtype, pl.Array) else 2
        flat = _values(inner, rows * width, seed_of(seed, "inner"))
        return [flat[start : start + width] for start in range(0, rows * width, width)]
    if isinstance(dtype, pl.Struct):
        parts = {
            field.name: _values(
                field.dtype if isinstance(field.dtype, pl.DataType) else field.dtype(),
                rows,
                seed_of(seed, field.name),
            )
            for field in dtype.fields
        }
        return [{name: part[row] for name, part in parts.items()} for row in range(rows)]
    return [None] * rows
