"""What flows into the columns of a join."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

from polster.plans.values import (
    NOT_SHOWN,
    Flow,
    NullCause,
    Origin,
    Table,
    as_columns,
    closed,
    influenced,
    merged,
    opened,
)

Key = tuple[str, Flow]


@dataclass(frozen=True, slots=True)
class _Options:
    """How two tables are joined, as the visitor says it."""

    how: str
    nulls_equal: bool
    suffix: str
    coalesces: bool
    left_by: tuple[str, ...] = ()
    right_by: tuple[str, ...] = ()


def join(
    left: Table,
    right: Table,
    left_keys: list[Key],
    right_keys: list[Key],
    said: Sequence[Any],
    names: Sequence[str],
    places: Iterator[int],
) -> Table:
    """Return what a join gives.

    Args:
        left: The table that is joined.
        right: The table that it is joined with.
        left_keys: Name and flow of each key on the left.
        right_keys: The same on the right.
        said: The options of the node.
        names: Columns that the join gives.
        places: Gives each cause of nulls its number.
    """
    options = _options(said)
    by = _pairs_by(left, right, options)
    pairs = [*zip(left_keys, right_keys, strict=False), *by]
    keys = [
        *(flow for _, flow in [*left_keys, *right_keys]),
        *(flow for pair in by for _, flow in pair),
    ]
    rows = influenced(influenced(left.rows, [right.rows]), keys)
    if options.how in ("Inner", "Semi"):
        left, right = _matched(left, right, pairs, nulls_equal=options.nulls_equal)
    if options.how in ("Semi", "Anti"):
        columns = {name: left.columns[name] for name in names}
        return replace(left, columns=columns, rows=rows)
    columns = _columns(left, right, pairs, options, names, places)
    return Table(
        columns,
        rows,
        tested=left.tested | right.tested,
        aggregates=left.aggregates and right.aggregates,
    )


def matched_columns(
    left: Table, right: Table, left_keys: list[Key], right_keys: list[Key], said: Sequence[Any]
) -> tuple[tuple[Origin, Origin], ...]:
    """Return the columns of inputs that must be equal for two rows to come together.

    Only keys that are made of one column each are told. The arguments are those of :func:`join`.
    """
    options = _options(said)
    pairs = _pairs_by(left, right, options)
    if options.how in ("Inner", "Left", "Right", "Full", "Semi"):
        pairs += zip(left_keys, right_keys, strict=False)
    return tuple(
        (one, other)
        for (_, left_flow), (_, right_flow) in pairs
        if (one := _only_column(left_flow)) and (other := _only_column(right_flow))
    )


def _only_column(flow: Flow) -> Origin | None:
    """Return the one column that a key is; None if it is more, less, or a field of one."""
    if len(flow.values) != 1 or flow.unknown is not None:
        return None
    origin = next(iter(flow.values))
    return origin if len(origin) == 2 else None


def _pairs_by(left: Table, right: Table, options: _Options) -> list[tuple[Key, Key]]:
    """Return the columns that a join to the nearest row wants equal."""
    return [
        ((one, left.columns[one]), (other, right.columns[other]))
        for one, other in zip(options.left_by, options.right_by, strict=True)
    ]


def _options(said: Sequence[Any]) -> _Options:
    how, left_by, right_by = said[0], (), ()
    if not isinstance(how, str):
        if how[0] == "AsOf":
            left_by, right_by = tuple(how[4] or ()), tuple(how[5] or ())
        how = how[0]
    return _Options(how, bool(said[1]), said[3], bool(said[4]), left_by, right_by)


def _matched(
    left: Table, right: Table, pairs: list[tuple[Key, Key]], *, nulls_equal: bool
) -> tuple[Table, Table]:
    """Return both tables as they are in the rows that have a partner."""
    keys = [flow for pair in pairs for _, flow in pair]
    places = merged(keys).touched
    tested = frozenset().union(*(as_columns(flow.values) for flow in keys))
    sides = []
    for number, table in enumerate((left, right)):
        found = tested & frozenset().union(
            *(as_columns(pair[1 - number][1].values) for pair in pairs)
        )
        names = set() if nulls_equal else {pair[number][0] for pair in pairs}
        columns = _without(closed(table.columns, places), found)
        columns = {
            name: replace(flow, never_null=True, cause=None) if name in names else flow
            for name, flow in columns.items()
        }
        sides.append(replace(table, columns=columns, tested=table.tested | found))
    return sides[0], sides[1]


def _without(columns: dict[str, Flow], found: AbstractSet[Origin]) -> dict[str, Flow]:
    """Take back what was said of joins whose partners have keys that were now found."""
    return {
        name: replace(flow, cause=None)
        if flow.cause is not None and flow.cause.kind == "join" and flow.cause.about & found
        else flow
        for name, flow in columns.items()
    }


def _finds_partners(
    pairs: list[tuple[Key, Key]], *, number: int, tested: AbstractSet[Origin]
) -> bool:
    """Tell whether the keys of a side may all be among those of the other one.

    So it is where both come from the same column, and where a step before has kept only those.
    """
    for pair in pairs:
        own, other = pair[number][1], pair[1 - number][1]
        known = own.values and other.values and not own.unknown and not other.unknown
        if known and not as_columns(other.values) & (as_columns(own.values) | tested):
            return False
    return True


def _columns(
    left: Table,
    right: Table,
    pairs: list[tuple[Key, Key]],
    options: _Options,
    names: Sequence[str],
    places: Iterator[int],
) -> dict[str, Flow]:
    how = options.how
    partner = {one: other for (one, _), (other, _) in pairs}
    keys_on_right = set(partner.values())
    nulls = {"Left": (False, True), "Full": (True, True), "Right": (True, False)}
    opens_left, opens_right = nulls.get(how, (False, how == "AsOf"))
    kind = "an asof join" if how == "AsOf" else f"a {how.lower()} join"
    causes = []
    for number, side in enumerate(("left", "right")):
        about = frozenset().union(*(as_columns(pair[number][1].values) for pair in pairs))
        causes.append(NullCause("join", f"the {side} side of {kind}", next(places), about))
    # the left side is null where a row of the right one has no partner, and the other way round
    left_is_certain = not _finds_partners(pairs, number=1, tested=right.tested)
    right_is_certain = not _finds_partners(pairs, number=0, tested=left.tested)
    columns: dict[str, Flow] = {}
    for name in names:
        if name in left.columns and not (how == "Right" and name in partner):
            flow = left.columns[name]
            other = right.columns.get(partner.get(name, ""))
            if how == "Full" and other is not None and options.coalesces:
                flow = merged([flow, other])
            elif opens_left:
                flow = opened(flow, causes[0], certain=left_is_certain)
            columns[name] = flow
            continue
        plain = name if name in right.columns else name.removesuffix(options.suffix)
        found = right.columns.get(plain)
        if found is None:
            columns[name] = replace(merged(right.columns.values()), unknown=NOT_SHOWN)
        elif opens_right and not (how == "Right" and plain in keys_on_right):
            columns[name] = opened(found, causes[1], certain=right_is_certain)
        else:
            columns[name] = found
    return columns
