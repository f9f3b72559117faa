"""What a table promises its readers now, compared with what it promised before.

For readers it is breaking if a column goes away, changes its type or may be null where it was
not, and if the key, which is the grain, changes. What the contract demands more than before
breaks no reader, but rows that passed may not pass any more.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from polster.checks.examined import Examined
from polster.model.contract import ContractColumn
from polster.model.diff import Impact, TableChange

LOWER, UPPER = ("min", "min_length"), ("max", "max_length")
CHOICES = ("categories", "is_in")


def table_changes(then: Examined, now: Examined) -> tuple[TableChange, ...]:
    """Compare the contract, and the columns published beyond it, of one asset.

    What is unknown on one side is not compared.

    >>> from polster.model.asset import AssetKey
    >>> orders = AssetKey.parse("silver.orders")
    >>> then = Examined(orders, columns={"id": "Int64", "at": "String"})
    >>> table_changes(then, Examined(orders, columns={"id": "Int32"}))  # doctest: +ELLIPSIS
    (TableChange(column='id', what='Int64 -> Int32', impact=<Impact.BREAKING: 'breaking'>, ...
    """
    return tuple(_changes(then, now))


def _changes(then: Examined, now: Examined) -> Iterator[TableChange]:
    before, after = _contract(then), _contract(now)
    yield from _contract_itself(then, now)
    if before and after:
        yield from _key(before, after)
        yield from _table_rules(then.table_rules, now.table_rules)
    for name in _names(then, now):
        old, new = before.get(name), after.get(name)
        was, becomes = _type(name, then), _type(name, now)
        if becomes is None:
            if _is_complete(now):
                yield TableChange(name, "column removed", Impact.BREAKING, is_gone=True)
        elif was is None:
            if _is_complete(then):
                yield TableChange(name, f"column added ({becomes})", Impact.COMPATIBLE)
        else:
            if (changed := _type_change(name, then, now)) is not None:
                yield changed
            if old and new:
                yield from _column(old, new)


def _contract(entry: Examined) -> dict[str, ContractColumn]:
    return {column.name: column for column in entry.contract or ()}


def _names(then: Examined, now: Examined) -> list[str]:
    """List every column of either side, those of before in their order first."""
    return list(
        dict.fromkeys(
            [*_contract(then), *(then.columns or ()), *_contract(now), *(now.columns or ())]
        )
    )


def _type(name: str, entry: Examined) -> str | None:
    """Return the type of a column; None if the table, as far as it is known, has no such one."""
    column = _contract(entry).get(name)
    return column.dtype if column else (entry.columns or {}).get(name)


def _is_complete(entry: Examined) -> bool:
    """Tell whether a column that is not known is not there."""
    return entry.columns is not None or entry.contract is not None


def _type_change(name: str, then: Examined, now: Examined) -> TableChange | None:
    """Compare what was written with what was written, and what is stored with what is stored."""
    old, new = _contract(then).get(name), _contract(now).get(name)
    was: str | None
    if old and new:
        was, becomes = old.dtype, new.dtype
    elif then.columns and now.columns and name in then.columns and name in now.columns:
        was, becomes = then.columns[name], now.columns[name]
    else:
        return None
    if was == becomes or (was.startswith("Enum(") and becomes.startswith("Enum(")):
        return None  # a table holds the values of any Enum as text, and which ones a rule says
    return TableChange(name, f"{was} -> {becomes}", Impact.BREAKING)


def _contract_itself(then: Examined, now: Examined) -> Iterator[TableChange]:
    if then.contract is None and now.contract is not None and then.columns is not None:
        yield TableChange(None, "it has a contract now", Impact.TIGHTENED)
    if then.contract is not None and now.contract is None and now.columns is not None:
        yield TableChange(None, "it has no contract any more", Impact.LOOSENED)


def _key(
    before: Mapping[str, ContractColumn], after: Mapping[str, ContractColumn]
) -> Iterator[TableChange]:
    was = [name for name, column in before.items() if column.primary_key]
    becomes = [name for name, column in after.items() if column.primary_key]
    if set(was) == set(becomes):
        return
    if not was:
        yield TableChange(None, f"it has a key now: {', '.join(becomes)}", Impact.TIGHTENED)
    elif not becomes:
        yield TableChange(None, f"it has no key any more: {', '.join(was)}", Impact.BREAKING)
    else:
        what = f"key {', '.join(was)} -> {', '.join(becomes)}"
        yield TableChange(None, what, Impact.BREAKING)


def _column(old: ContractColumn, new: ContractColumn) -> Iterator[TableChange]:
    if new.nullable and not old.nullable:
        yield TableChange(new.name, "may be null now", Impact.BREAKING)
    if old.nullable and not new.nullable:
        yield TableChange(new.name, "may not be null any more", Impact.TIGHTENED)
    for what, impact in _rules(old.rules, new.rules):
        yield TableChange(new.name, what, impact)
    if old.pii != new.pii:
        said = "marked as personal data" if new.pii else "not marked as personal data any more"
        yield TableChange(new.name, said, Impact.COMPATIBLE)
    if old.masked != new.masked:
        said = "not declared masked any more" if new.masked is None else "declared masked"
        reason = f": {new.masked}" if new.masked else ""
        yield TableChange(new.name, said + reason, Impact.COMPATIBLE)


def _table_rules(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[TableChange]:
    for what, impact in _rules(before, after):
        yield TableChange(None, what, impact)


def _rules(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, Impact]]:
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if old is None:
            yield f"new rule {name}: {new}", Impact.TIGHTENED
        elif new is None:
            yield f"rule {name} taken away: {old}", Impact.LOOSENED
        else:
            yield f"rule {name}: {old} -> {new}", _direction(name, old, new)


def _direction(name: str, old: str, new: str) -> Impact:
    """Tell which way a limit or a choice moved; of any other rule, take it for tightened."""
    if name in CHOICES:
        return Impact.LOOSENED if _choices(new) >= _choices(old) else Impact.TIGHTENED
    try:
        rises = float(new) > float(old)
    except ValueError:
        return Impact.TIGHTENED
    if name in LOWER:
        return Impact.TIGHTENED if rises else Impact.LOOSENED
    if name in UPPER:
        return Impact.LOOSENED if rises else Impact.TIGHTENED
    return Impact.TIGHTENED


def _choices(text: str) -> set[str]:
    """Return the values of a list that was written out; the text itself if it is none."""
    try:
        return {repr(value) for value in ast.literal_eval(text)}
    except (SyntaxError, TypeError, ValueError):  # dates, say
        return {text}
