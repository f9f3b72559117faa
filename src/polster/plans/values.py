"""What is carried through a plan: for each column, what flows into it, and its nulls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace

Origin = tuple[str, ...]
"""A column of an input: the input's name, and the column's; then the fields of structs in it."""

PYTHON_FUNCTION = "a Python function is on the way"
NOT_SHOWN = "Polars does not show how it is computed"
"""An expression of Polars itself: projection tells which columns it reads."""
OPAQUE_STEP = "a step of the plan cannot be looked into"


def as_columns(origins: Iterable[Origin]) -> frozenset[Origin]:
    """Return the columns that ``origins`` are, or are fields of."""
    return frozenset(each[:2] for each in origins)


@dataclass(frozen=True, slots=True)
class NullCause:
    """Why a column can hold a null although its inputs hold none.

    Attributes:
        kind: ``join``, ``when``, ``shift`` or ``cast``.
        text: What does it, as a clause.
        place: Where in the plan: all that one place makes null is null in the same rows.
        about: Input columns that decide over which rows those are.
    """

    kind: str
    text: str
    place: int = field(default=0, compare=False)
    about: frozenset[Origin] = field(default=frozenset(), compare=False)


@dataclass(frozen=True, slots=True)
class Flow:
    """One column.

    Attributes:
        values: Input columns whose values go into it.
        influences: Input columns that decide over its rows or over which value is taken.
        unknown: Why the two sets are not certain; None if they are.
        never_null: Whether it certainly holds no null.
        cause: Why it can certainly hold one; None where nothing is certain.
        opened: Places of causes: where one of them makes a null, this is null too.
        touched: Places of causes that it depends on in any way.
        fields: What flows into each field, in their order, of a struct, or of a list of structs;
            None if it is neither, or if nobody knows.
    """

    values: frozenset[Origin] = frozenset()
    influences: frozenset[Origin] = frozenset()
    unknown: str | None = None
    never_null: bool = False
    cause: NullCause | None = None
    opened: frozenset[int] = frozenset()
    touched: frozenset[int] = frozenset()
    fields: tuple[Flow, ...] | None = None

    @property
    def every(self) -> frozenset[Origin]:
        """Return all input columns, or fields in them, that matter to it."""
        return self.values | self.influences

    @property
    def columns(self) -> frozenset[Origin]:
        """Return the same as whole columns: what is said of one holds for any field in it."""
        return as_columns(self.every)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a plan begins.

    Attributes:
        kind: ``input``, ``file``, ``memory``, ``python`` for a source in Python, or ``unknown``
            for one that Polars does not show.
        name: Of the input, or what is known of the place.
        rows: Of a frame in memory.
    """

    kind: str
    name: str
    rows: int = 0


@dataclass(frozen=True, slots=True)
class PlanFlow:
    """A plan, read.

    Attributes:
        columns: The result's, by name.
        leaves: Where it begins.
        only_aggregates: Whether every row of the result stands for a group of rows.
        matches: For each join the columns of inputs that are to be equal, in pairs.
        fields: What is known of the fields in the result's structs, by column and field.
    """

    columns: Mapping[str, Flow]
    leaves: tuple[Leaf, ...]
    only_aggregates: bool
    matches: tuple[tuple[tuple[Origin, Origin], ...], ...] = ()
    fields: Mapping[tuple[str, ...], Flow] = field(default_factory=dict)


@dataclass(slots=True)
class Table:
    """What a node gives.

    Attributes:
        columns: By name.
        rows: What decides over which rows there are.
        order: What the rows are sorted by.
        tested: Input columns whose values a filter has looked at, or a join has matched.
        aggregates: Whether every row stands for a group of rows.
    """

    columns: dict[str, Flow]
    rows: Flow = Flow()
    order: Flow = Flow()
    tested: frozenset[Origin] = frozenset()
    aggregates: bool = False


def merged(flows: Iterable[Flow]) -> Flow:
    """Put flows together of which each gives a part of the value; nulls are not said of it."""
    values: frozenset[Origin] = frozenset()
    influences: frozenset[Origin] = frozenset()
    touched: frozenset[int] = frozenset()
    unknown: str | None = None
    for flow in flows:
        values |= flow.values
        influences |= flow.influences
        touched |= flow.touched
        unknown = unknown or flow.unknown
    return Flow(values, influences, unknown, touched=touched)


def influenced(flow: Flow, by: Iterable[Flow]) -> Flow:
    """Add to the influences of ``flow`` everything that ``by`` is made of."""
    more = merged(by)
    if not more.every and not more.unknown and not more.touched:
        return flow
    return replace(
        flow,
        influences=flow.influences | more.every,
        unknown=flow.unknown or more.unknown,
        touched=flow.touched | more.touched,
        fields=flow.fields and tuple(influenced(each, [more]) for each in flow.fields),
    )


def counted(flows: Iterable[Flow]) -> Flow:
    """Return the flow of a number that tells how many there are of ``flows``, not which."""
    return influenced(Flow(), flows)


def opened(flow: Flow, cause: NullCause, *, certain: bool = True) -> Flow:
    """Return ``flow`` with room for a null that it did not have."""
    place = frozenset({cause.place})
    new = cause if certain else None
    return replace(
        flow,
        never_null=False,
        cause=new if flow.never_null else flow.cause,
        opened=flow.opened | place,
        touched=flow.touched | place,
    )


def unsure(flow: Flow) -> Flow:
    """Return ``flow`` with nothing said of its nulls."""
    return replace(flow, never_null=False, cause=None)


def strict(flows: Iterable[Flow]) -> Flow:
    """Put together what is null where any part is null, and nowhere else."""
    parts = list(flows)
    whole = replace(merged(parts), opened=frozenset().union(*(part.opened for part in parts)))
    if all(part.never_null for part in parts):
        return replace(whole, never_null=True)
    causes = [part.cause for part in parts if not part.never_null]
    certain = causes[0] if causes[0] is not None and all(causes) else None
    return replace(whole, cause=certain)


def first_filled(flows: Iterable[Flow]) -> Flow:
    """Put together what is null only where every part is null."""
    parts = list(flows)
    whole = replace(merged(parts), opened=in_all([part.opened for part in parts]))
    if any(part.never_null for part in parts):
        return replace(whole, never_null=True)
    causes = [part.cause for part in parts]
    return replace(whole, cause=causes[0] if len({c and c.place for c in causes}) == 1 else None)


def in_all(sets: Iterable[AbstractSet[int]]) -> frozenset[int]:
    """Return what all of ``sets`` have in common."""
    every = [frozenset(each) for each in sets]
    return every[0].intersection(*every[1:]) if every else frozenset()


def closed(columns: Mapping[str, Flow], places: AbstractSet[int]) -> dict[str, Flow]:
    """Take back what was said of nulls from ``places``: those rows are not there."""
    return {
        name: replace(flow, cause=None)
        if flow.cause is not None and (flow.opened & places or flow.cause.place in places)
        else flow
        for name, flow in columns.items()
    }


def filled(columns: Mapping[str, Flow], names: AbstractSet[str]) -> dict[str, Flow]:
    """Return ``columns`` for rows in which those of ``names`` hold no null."""
    if not names:
        return dict(columns)
    places = frozenset().union(*(columns[n].opened for n in names if n in columns))
    return {
        name: replace(flow, never_null=True, cause=None, opened=frozenset())
        if name in names
        else flow
        for name, flow in closed(columns, places).items()
    }


def doubted(columns: Mapping[str, Flow], by: Flow) -> dict[str, Flow]:
    """Take back what was said of nulls in rows that a test on ``by`` may have removed."""
    return {
        name: replace(flow, cause=None)
        if flow.cause is not None
        and (flow.cause.place in by.touched or flow.cause.about & by.columns)
        else flow
        for name, flow in columns.items()
    }
