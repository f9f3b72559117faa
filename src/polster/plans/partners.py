"""Which tables a plan joins by which of their columns, and whether other steps take rows away.

One walk follows the rows of each leaf upwards. It says only what is certain: what is joined by
more than plain columns, or after a step that may have dropped rows, is named as not followed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from polster.model.record import LOOKED_UP
from polster.plans.conditions import IS_TRUE, filled_where
from polster.plans.syntax import Syntax
from polster.plans.visit import Expression, Visitor, source_name

Place = tuple[int, str]
"""A column of a leaf: its number, and the column's name."""
FILTERED = "rows are filtered"
HIDDEN = "a step is not shown"
KEEPING_FUNCTIONS = ("rechunk", "hint_sorted", "row_index")


@dataclass(frozen=True, slots=True)
class JoinOfTables:
    """Two leaves whose rows stay where columns of both are equal: an inner join, or a semi join.

    Attributes:
        left: Number of a leaf.
        right: Number of another one.
        columns: Pairs, the column of ``left`` first.
        nulls_equal: Whether null is a partner of null.
    """

    left: int
    right: int
    columns: tuple[tuple[str, str], ...]
    nulls_equal: bool


@dataclass(frozen=True, slots=True)
class Followed:
    """What became of the rows of a plan's leaves.

    Attributes:
        leaves: The input that each leaf reads, by its number; None for what is no input.
        joins: No two leaves are connected in two ways.
        lost: Why the joins of a leaf do not say how many of its rows found a partner.
        later: Why rows that did may be missing from the result all the same.
    """

    leaves: tuple[str | None, ...]
    joins: tuple[JoinOfTables, ...]
    lost: Mapping[int, str]
    later: Mapping[int, str]


def follow_rows(
    visitor: Visitor,
    name_of: Callable[[list[str]], str | None],
    *,
    own_filters: Collection[str] = (),
) -> Followed:
    """Read from a plan what becomes of the rows of its leaves; nothing is computed.

    Args:
        visitor: Of a plan whose leaves are files that ``name_of`` knows, or named sources.
        name_of: Names the input that files belong to.
        own_filters: Columns by which what is handed over is filtered already.
    """
    return _Follower(visitor, name_of, own_filters).follow()


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one node.

    Attributes:
        leaves: Those whose rows are in them.
        columns: What is a plain column of a leaf, by its name here.
        added: The same of leaves that a left join has added to the rows of others: null where a row
            has no partner.
        missing: Why rows may be missing that no join took away; empty if none is.
        is_leaf: Whether this is a leaf as it was handed over.
    """

    leaves: frozenset[int] = frozenset()
    columns: Mapping[str, Place] = field(default_factory=dict)
    added: Mapping[str, Place] = field(default_factory=dict)
    missing: str = ""
    is_leaf: bool = False


class _Follower:
    def __init__(
        self,
        visitor: Visitor,
        name_of: Callable[[list[str]], str | None],
        own_filters: Collection[str],
    ) -> None:
        self.visitor = visitor
        self.name_of = name_of
        self.own_filters = own_filters
        self.leaves: list[str | None] = []
        self.joins: list[JoinOfTables] = []
        self.lost: dict[int, str] = {}
        self.left_joins: dict[int, JoinOfTables] = {}  # by the leaf that was added

    def follow(self) -> Followed:
        rows: dict[int, _Rows] = {}
        identifier = self.visitor.root
        for identifier in self.visitor.order():
            node = self.visitor.node(identifier)
            inputs = [rows[other] for other in self.visitor.inputs(identifier)]
            step = getattr(self, f"_{type(node).__name__.lower()}", self._hidden)
            rows[identifier] = step(identifier, node, inputs)
        last = rows[identifier]
        later = dict.fromkeys(last.leaves, last.missing) if last.missing else {}
        return Followed(tuple(self.leaves), tuple(self.joins), self.lost, later)

    def _leaf(self, identifier: int, name: str | None) -> _Rows:
        number = len(self.leaves)
        self.leaves.append(name)
        columns = {each: (number, each) for each in self.visitor.columns(identifier)}
        return _Rows(frozenset({number}), columns, is_leaf=True)

    def _pythonscan(self, identifier: int, node: Any, _: list[_Rows]) -> _Rows:
        return self._leaf(identifier, source_name(node.options))

    def _scan(self, identifier: int, node: Any, _: list[_Rows]) -> _Rows:
        return self._leaf(identifier, self.name_of([str(path) for path in node.paths]))

    def _dataframescan(self, identifier: int, _: Any, __: list[_Rows]) -> _Rows:
        return self._leaf(identifier, None)

    def _hidden(self, _: int, __: Any, inputs: list[_Rows]) -> _Rows:
        leaves = frozenset().union(*(each.leaves for each in inputs))
        return _Rows(leaves, missing=next((r.missing for r in inputs if r.missing), HIDDEN))

    def _filter(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        (predicate,) = self.visitor.expressions(identifier, [node.predicate])
        syntax = Syntax(self.visitor, identifier)
        asked = {
            each.fields.name
            for each in [predicate, *syntax.inside(predicate)]
            if each.kind == "Column"
        }
        if rows.is_leaf and len(asked) == 1 and asked <= set(self.own_filters):
            return rows
        for name in filled_where(syntax, predicate, IS_TRUE) & rows.added.keys():
            self._lose_unmatched(rows.added[name][0])
        return replace(rows, missing=rows.missing or FILTERED, is_leaf=False)

    def _select(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        expressions = self.visitor.expressions(identifier, node.expr)
        syntax = Syntax(self.visitor, identifier)
        is_whole = any(each.kind == "Column" for each in expressions) or all(
            syntax.collapses(each) for each in expressions
        )
        missing = rows.missing or ("" if is_whole else HIDDEN)
        return replace(
            rows,
            columns=_plain(expressions, rows.columns),
            added=_plain(expressions, rows.added),
            missing=missing,
            is_leaf=False,
        )

    def _hstack(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        added = self.visitor.expressions(identifier, node.exprs)
        hidden = {each.name for each in added}
        columns, of_others = (
            {**{n: place for n, place in known.items() if n not in hidden}, **_plain(added, known)}
            for known in (rows.columns, rows.added)
        )
        return replace(rows, columns=columns, added=of_others, is_leaf=False)

    def _simpleprojection(self, identifier: int, _: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        names = self.visitor.columns(identifier)
        columns, added = (
            {name: known[name] for name in names if name in known}
            for known in (rows.columns, rows.added)
        )
        return replace(rows, columns=columns, added=added)

    def _groupby(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        keys = self.visitor.expressions(identifier, node.keys)
        named = {each.name for each in self.visitor.expressions(identifier, node.aggs)}
        named |= {each.name for each in keys}
        windows = set(self.visitor.columns(identifier)) - named
        missing = rows.missing or (HIDDEN if windows else "")
        return _Rows(rows.leaves, _plain(keys, rows.columns), missing=missing)

    def _sort(self, _: int, node: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        return rows if node.slice is None else replace(rows, missing=rows.missing or FILTERED)

    def _slice(self, _: int, __: Any, inputs: list[_Rows]) -> _Rows:
        (rows,) = inputs
        return replace(rows, missing=rows.missing or FILTERED)

    def _cache(self, _: int, __: Any, inputs: list[_Rows]) -> _Rows:
        return inputs[0]

    def _mapfunction(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        if node.function[0] in KEEPING_FUNCTIONS:
            return replace(inputs[0], is_leaf=False)
        return self._hidden(identifier, node, inputs)

    def _union(self, _: int, __: Any, inputs: list[_Rows]) -> _Rows:
        leaves = frozenset().union(*(each.leaves for each in inputs))
        return _Rows(leaves, missing=next((r.missing for r in inputs if r.missing), ""))

    def _join(self, identifier: int, node: Any, inputs: list[_Rows]) -> _Rows:
        left, right = inputs
        how = node.options[0] if isinstance(node.options[0], str) else node.options[0][0]
        names, suffix = self.visitor.columns(identifier), node.options[3]
        sides = [
            _places(self.visitor.expressions(identifier, on), rows)
            for on, rows in ((node.left_on, left), (node.right_on, right))
        ]
        if how == "Right":
            left, right = right, left
        leaves = left.leaves if how in ("Semi", "Anti") else left.leaves | right.leaves
        gone = left.missing or right.missing
        lost = left.leaves | right.leaves
        join = _joined_by(sides, nulls_equal=bool(node.options[1]))
        if how in ("Inner", "Semi"):
            why = gone or (join if isinstance(join, str) else "")
            if not why and isinstance(join, JoinOfTables):
                self.joins.append(join)
        elif how in ("Left", "Right", "AsOf"):
            why, lost = LOOKED_UP, right.leaves
        else:
            why = (
                "" if how in ("Full", "Cross") and not gone else gone or f"a join is {how.lower()}"
            )
        if why:
            self.lost |= dict.fromkeys(lost, why)
        own = {name: place for name, place in left.columns.items() if name in names}
        added = {name: place for name, place in left.added.items() if name in names}
        taken = set(self.visitor.columns(self.visitor.inputs(identifier)[0]))
        theirs = {
            here: place
            for name, place in right.columns.items()
            if (here := f"{name}{suffix}" if name in taken else name) in names
        }
        if how == "Inner":
            own = {**theirs, **own}
        elif how == "Left" and not gone and isinstance(join, JoinOfTables):
            added = {**theirs, **added}
            self.left_joins[join.right] = join
        elif how in ("Full", "Right"):  # a column may hold values of either side
            own, added = {}, {}
        return _Rows(leaves, own, added, left.missing if why == LOOKED_UP else gone)

    def _lose_unmatched(self, leaf: int) -> None:
        """Take a left join for an inner one: rows without a partner go in a later step."""
        join = self.left_joins.pop(leaf, None)
        if join is not None and self.lost.get(leaf) == LOOKED_UP:
            del self.lost[leaf]
            self.joins.append(join)


def _joined_by(sides: list[list[Place] | None], *, nulls_equal: bool) -> JoinOfTables | str:
    """Return a join by plain columns; or why it is none."""
    left, right = sides
    if not left or not right:
        return "a key is computed"
    if len({leaf for leaf, _ in left}) > 1 or len({leaf for leaf, _ in right}) > 1:
        return "a key is made of several tables"
    columns = tuple((one, other) for (_, one), (_, other) in zip(left, right, strict=True))
    return JoinOfTables(left[0][0], right[0][0], columns, nulls_equal)


def _plain(expressions: list[Expression], known: Mapping[str, Place]) -> dict[str, Place]:
    """Return the expressions that are plain columns of leaves, by the names that they get."""
    return {
        each.name: known[each.fields.name]
        for each in expressions
        if each.kind == "Column" and each.fields.name in known
    }


def _places(keys: list[Expression], rows: _Rows) -> list[Place] | None:
    """Return the columns that a table is joined by; None if one of them is none of a leaf."""
    found = [rows.columns.get(each.fields.name) if each.kind == "Column" else None for each in keys]
    known = [place for place in found if place is not None]
    return known if len(known) == len(found) else None
