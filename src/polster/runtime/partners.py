"""How many rows of each upstream found a partner in the joins of an asset.

Only the columns that are joined are read, once more each. What cannot be counted is recorded as
not counted; a run never fails for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from polster.lakehouse.table_version import TableVersion
from polster.model.record import Matched
from polster.plans.partners import Followed, JoinOfTables

ROWS = "__polster_rows__"
MOST_ROWS = 200_000
"""Tables that have more are not counted: reading and grouping keys may cost as much as the join."""
FALLEN = 0.8
"""A share below this part of the one before is told."""


def count_partners(
    followed: Followed | str, inputs: Mapping[str, TableVersion], rows_in: Mapping[str, int]
) -> dict[str, Matched]:
    """Count the rows of ``inputs`` that found a partner in every join of a plan.

    Args:
        followed: What the plan says of their rows; or why nobody knows.
        inputs: What the function was handed, by parameter; of a single one nothing is counted.
        rows_in: Rows by upstream key.

    Returns:
        By upstream key; nothing is raised.
    """
    if len(inputs) < 2:
        return {}
    tables = {str(table.key): table for table in inputs.values()}
    if isinstance(followed, str):
        return {name: Matched(rows_in[name], None, followed) for name in tables}
    try:
        counted = _count(followed, tables, rows_in)
    except (Exception, pl.exceptions.PanicException) as error:
        why = f"the joined columns cannot be read: {type(error).__name__}"
        return {name: Matched(rows_in[name], None, why) for name in tables}
    found: dict[str, Matched] = {}
    for name in tables:
        leaves = [number for number, leaf in enumerate(followed.leaves) if leaf == name]
        if len(leaves) != 1:
            why = "it is read several times" if leaves else "it is not read lazily"
            found[name] = Matched(rows_in[name], None, why)
            continue
        (leaf,) = leaves
        count = counted.get(leaf, rows_in[name])
        if isinstance(count, str):
            found[name] = Matched(rows_in[name], None, count)
        else:
            found[name] = Matched(rows_in[name], count, followed.later.get(leaf, ""))
    return found


def fallen_shares(now: Mapping[str, Matched], before: Mapping[str, Matched]) -> tuple[str, ...]:
    """Say of which upstreams far fewer rows found a partner than in the version before."""
    notes: list[str] = []
    for name, matched in now.items():
        share, earlier = matched.share, before[name].share if name in before else None
        if share is not None and earlier is not None and share < earlier * FALLEN:
            notes.append(
                f"only {share:.0%} of the rows of {name} found a partner in the joins, "
                f"{earlier:.0%} in the version before"
            )
    return tuple(notes)


def _count(
    followed: Followed, tables: Mapping[str, TableVersion], rows_in: Mapping[str, int]
) -> dict[int, int | str]:
    """Count by leaf, for those that are joined; or say why that is not possible."""
    counted: dict[int, int | str] = dict(followed.lost)
    for joins in _connected(followed.joins):
        leaves = {leaf for join in joins for leaf in (join.left, join.right)}
        names = {leaf: followed.leaves[leaf] for leaf in leaves}
        lost = [followed.lost[leaf] for leaf in leaves if leaf in followed.lost]
        if not all(name in tables for name in names.values()):
            lost.append("it is joined with what is no table")
        elif any(rows_in[str(name)] > MOST_ROWS for name in names.values()):
            lost.append(f"more than {MOST_ROWS:,} rows are joined")
        if lost:
            counted |= dict.fromkeys(leaves, lost[0])
            continue
        keys = {leaf: _keys(tables[str(name)], leaf, joins) for leaf, name in names.items()}
        _reduce(keys, joins)
        counted |= {leaf: int(frame[ROWS].sum()) for leaf, frame in keys.items()}
    return counted


def _connected(joins: Sequence[JoinOfTables]) -> list[list[JoinOfTables]]:
    """Split joins into those that have to do with each other."""
    parts: list[tuple[set[int], list[JoinOfTables]]] = []
    for join in joins:
        ends = {join.left, join.right}
        touched = [part for part in parts if part[0] & ends]
        parts = [part for part in parts if not part[0] & ends]
        leaves = ends.union(*(part[0] for part in touched))
        parts.append((leaves, [*(each for part in touched for each in part[1]), join]))
    return [part[1] for part in parts]


def _keys(table: TableVersion, leaf: int, joins: Sequence[JoinOfTables]) -> pl.DataFrame:
    """Return the keys of a table that are joined, each once, with how many rows have it."""
    columns: dict[str, None] = {}
    for join in joins:
        for left, right in join.columns:
            if leaf in (join.left, join.right):
                columns[left if leaf == join.left else right] = None
    rows = table.scan().select(list(columns)).group_by(list(columns)).agg(pl.len().alias(ROWS))
    return rows.collect(engine="streaming")


def _reduce(keys: dict[int, pl.DataFrame], joins: Sequence[JoinOfTables]) -> None:
    """Leave the keys that have partners all along: from the ends inwards, then outwards again.

    Joins of one plan connect tables as a tree, so that two passes are enough.
    """
    order: list[tuple[int, int, JoinOfTables]] = []  # nearer to the first, farther, how
    reached, waiting = {joins[0].left}, list(joins)
    while waiting:
        join = next(each for each in waiting if {each.left, each.right} & reached)
        waiting.remove(join)
        near, far = (join.left, join.right) if join.left in reached else (join.right, join.left)
        reached.add(far)
        order.append((near, far, join))
    for near, far, join in reversed(order):
        _keep_matched(keys, near, far, join)
    for near, far, join in order:
        _keep_matched(keys, far, near, join)


def _keep_matched(keys: dict[int, pl.DataFrame], own: int, other: int, join: JoinOfTables) -> None:
    """Keep the keys of ``own`` that have a partner in ``other``."""
    is_left = own == join.left
    lefts, rights = [left for left, _ in join.columns], [right for _, right in join.columns]
    keys[own] = keys[own].join(
        keys[other],
        left_on=lefts if is_left else rights,
        right_on=rights if is_left else lefts,
        how="semi",
        nulls_equal=join.nulls_equal,
    )
