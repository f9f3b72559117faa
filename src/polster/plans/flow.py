"""What flows into each column of a plan: values, influences, and nulls.

One walk over the plan, from its leaves to its result, carries for every column where its values
come from, what decides over its rows, and whether it can hold a null. What is not known to this
module counts as unknown: it is never reported as certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

import polars as pl

from polster.plans.visit import Expression, UnreadablePlanError, Visitor, look_at, source_name

Origin = tuple[str, str]
"""A column of an input: the input's name, and the column's."""

PYTHON_FUNCTION = "a Python function is on the way"
NOT_SHOWN = "Polars does not show how it is computed"
"""An expression of Polars itself: projection tells which columns it reads."""
OPAQUE_STEP = "a step of the plan cannot be looked into"


@dataclass(frozen=True, slots=True)
class NullCause:
    """Why a column can hold a null although its inputs hold none.

    Attributes:
        kind: ``join``, ``when``, ``shift`` or ``cast``.
        text: What does it, as a clause.
    """

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Flow:
    """One column.

    Attributes:
        values: Input columns whose values go into it.
        influences: Input columns that decide over its rows or over which value is taken.
        unknown: Why the two sets are not certain; None if they are.
        never_null: Whether it certainly holds no null.
        cause: Why it can certainly hold one; None where nothing is certain.
    """

    values: frozenset[Origin] = frozenset()
    influences: frozenset[Origin] = frozenset()
    unknown: str | None = None
    never_null: bool = False
    cause: NullCause | None = None

    @property
    def every(self) -> frozenset[Origin]:
        """Return all input columns that matter to it."""
        return self.values | self.influences


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a plan begins.

    Attributes:
        kind: ``input``, ``file``, ``memory``, or ``python`` for another source.
        name: Of the input, or what is known of the place.
        rows: Of a frame in memory.
    """

    kind: str
    name: str
    rows: int = 0


@dataclass(slots=True)
class _Table:
    """What a node gives: its columns, what decides over its rows, and its grain."""

    columns: dict[str, Flow]
    rows: Flow = Flow()
    aggregates: bool = False
    keeps_rows: bool = True


@dataclass(frozen=True, slots=True)
class PlanFlow:
    """A plan, read.

    Attributes:
        columns: The result's, by name.
        leaves: Where it begins.
        only_aggregates: Whether every row of the result stands for a group of rows.
    """

    columns: Mapping[str, Flow]
    leaves: tuple[Leaf, ...]
    only_aggregates: bool


def read_flow(
    frame: pl.LazyFrame,
    *,
    not_null: Mapping[str, frozenset[str]] | None = None,
    name_of: Callable[[list[str]], str | None] = lambda _: None,
) -> PlanFlow:
    """Read the plan of ``frame``; nothing is computed.

    Args:
        frame: Whose leaves are named sources, or files that ``name_of`` knows.
        not_null: For each input, the columns that hold no null.
        name_of: Names the input that files belong to.

    Raises:
        UnreadablePlanError: Polars does not show the plan.
    """
    try:
        return look_at(frame, lambda visitor: _Reader(visitor, not_null or {}, name_of).read())
    except UnreadablePlanError:
        raise
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadablePlanError("Polars does not show the plan") from error


def _merged(flows: Iterable[Flow]) -> Flow:
    """Put flows together of which each gives a part of the value; nulls are not said of it."""
    values: frozenset[Origin] = frozenset()
    influences: frozenset[Origin] = frozenset()
    unknown: str | None = None
    for flow in flows:
        values |= flow.values
        influences |= flow.influences
        unknown = unknown or flow.unknown
    return Flow(values, influences, unknown)


def _influenced(flow: Flow, by: Iterable[Flow]) -> Flow:
    """Add to the influences of ``flow`` everything that ``by`` is made of."""
    more = _merged(by)
    if not more.every and not more.unknown:
        return flow
    return replace(
        flow,
        influences=flow.influences | more.every,
        unknown=flow.unknown or more.unknown,
    )


@dataclass(slots=True)
class _Reader:
    visitor: Visitor
    not_null: Mapping[str, frozenset[str]]
    name_of: Callable[[list[str]], str | None]
    leaves: list[Leaf] = field(default_factory=list)
    tables: dict[int, _Table] = field(default_factory=dict)

    def read(self) -> PlanFlow:
        identifier = self.visitor.root
        for identifier in self.visitor.order():
            node = self.visitor.node(identifier)
            inputs = [self.tables[other] for other in self.visitor.inputs(identifier)]
            kind = type(node).__name__.lower()
            reads = None if node is None else getattr(self, f"_{kind}", None)
            if reads is None:
                self.tables[identifier] = self._opaque(identifier, inputs)
            else:
                self.tables[identifier] = reads(identifier, node, inputs)
        table = self.tables[identifier]
        columns = {name: _influenced(flow, [table.rows]) for name, flow in table.columns.items()}
        return PlanFlow(columns, tuple(self.leaves), table.aggregates)

    # leaves

    def _pythonscan(self, identifier: int, node: Any, _: list[_Table]) -> _Table:
        name = source_name(node.options)
        if name is None:
            self.leaves.append(Leaf("python", "a Python source"))
            return self._unknown(identifier)
        return self._input(identifier, name)

    def _scan(self, identifier: int, node: Any, _: list[_Table]) -> _Table:
        paths = [str(path) for path in node.paths]
        name = self.name_of(paths)
        if name is None:
            self.leaves.append(Leaf("file", paths[0] if paths else "a file"))
            return self._unknown(identifier)
        return self._input(identifier, name)

    def _dataframescan(self, identifier: int, node: Any, _: list[_Table]) -> _Table:
        frame = pl.DataFrame._from_pydf(node.df)
        self.leaves.append(Leaf("memory", "a frame in memory", frame.height))
        nulls = {column.name: column.null_count() for column in frame}
        return _Table(
            {
                name: Flow(never_null=nulls.get(name) == 0)
                for name in self.visitor.columns(identifier)
            }
        )

    def _input(self, identifier: int, name: str) -> _Table:
        self.leaves.append(Leaf("input", name))
        filled = self.not_null.get(name, frozenset())
        return _Table(
            {
                column: Flow(frozenset({(name, column)}), never_null=column in filled)
                for column in self.visitor.columns(identifier)
            }
        )

    def _unknown(self, identifier: int) -> _Table:
        why = "it is read from outside"
        return _Table({n: Flow(unknown=why) for n in self.visitor.columns(identifier)})

    # nodes

    def _opaque(self, identifier: int, inputs: list[_Table]) -> _Table:
        """Read a node that is not shown: any input column may go into any output column."""
        every = [flow for table in inputs for flow in table.columns.values()]
        flow = replace(_merged(every), unknown=OPAQUE_STEP)
        return _Table(
            dict.fromkeys(self.visitor.columns(identifier), flow),
            _merged(table.rows for table in inputs),
        )

    def _filter(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        (predicate,) = self.visitor.expressions(identifier, [node.predicate])
        scope = _Scope(self.visitor, identifier, table)
        filled = scope.filled_by(predicate)
        columns = {
            name: replace(flow, never_null=True, cause=None) if name in filled else flow
            for name, flow in table.columns.items()
        }
        rows = _influenced(table.rows, [scope.flow(predicate)])
        return replace(table, columns=columns, rows=rows)

    def _select(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        scope = _Scope(self.visitor, identifier, table)
        expressions = self.visitor.expressions(identifier, node.expr)
        columns = {each.name: scope.flow(each) for each in expressions}
        collapses = bool(expressions) and all(scope.collapses(each) for each in expressions)
        return replace(table, columns=columns, aggregates=table.aggregates or collapses)

    def _hstack(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        scope = _Scope(self.visitor, identifier, table)
        added = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.exprs)
        }
        return replace(table, columns={**table.columns, **added})

    def _simpleprojection(self, identifier: int, _: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        names = self.visitor.columns(identifier)
        return replace(table, columns={name: table.columns[name] for name in names})

    def _groupby(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        scope = _Scope(self.visitor, identifier, table)
        keys = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.keys)
        }
        values = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.aggs)
        }
        names = self.visitor.columns(identifier)
        spare = _merged(table.columns.values())  # the window of group_by_dynamic is not shown
        columns = {
            name: keys.get(name)
            or values.get(name)
            or replace(table.columns.get(name, spare), never_null=False, cause=None)
            for name in names
        }
        dynamic = [table.columns[n] for n in names if n not in keys and n not in values]
        rows = _influenced(table.rows, [*keys.values(), *dynamic])
        return _Table(columns, rows, aggregates=True)

    def _join(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        left, right = inputs
        how = node.options[0] if isinstance(node.options[0], str) else node.options[0][0]
        suffix = node.options[3]
        left_on = self.visitor.expressions(identifier, node.left_on)
        right_on = self.visitor.expressions(identifier, node.right_on)
        left_scope = _Scope(self.visitor, identifier, left)
        right_scope = _Scope(self.visitor, identifier, right)
        keys = [
            *(left_scope.flow(each) for each in left_on),
            *(right_scope.flow(each) for each in right_on),
        ]
        rows = _influenced(_influenced(left.rows, [right.rows]), keys)
        nulls = {"Left": (False, True), "Full": (True, True), "Right": (True, False)}
        opens_left, opens_right = nulls.get(how, (False, how == "AsOf"))
        pairs = {one.name: other.name for one, other in zip(left_on, right_on, strict=False)}
        back = {other: one for one, other in pairs.items()}
        columns: dict[str, Flow] = {}
        text = "the %s side of a " + how.lower() + " join"
        for name in self.visitor.columns(identifier):
            if how in ("Semi", "Anti"):
                columns[name] = left.columns[name]
            elif name in left.columns and not (how == "Right" and name in pairs):
                flow = left.columns[name]
                partner = right.columns.get(pairs.get(name, ""))
                if how == "Full" and partner is not None and self._coalesces(node):
                    flow = _merged([flow, partner])
                elif opens_left:
                    flow = _opened(flow, "join", text % "left")
                elif how == "Inner" and name in pairs:
                    flow = replace(flow, never_null=True, cause=None)
                columns[name] = flow
            else:
                plain = name if name in right.columns else name.removesuffix(suffix)
                found = right.columns.get(plain)
                if found is None:
                    columns[name] = replace(_merged(right.columns.values()), unknown=NOT_SHOWN)
                elif opens_right and not (how == "Right" and plain in back):
                    columns[name] = _opened(found, "join", text % "right")
                else:
                    columns[name] = found
        return _Table(columns, rows, aggregates=left.aggregates and right.aggregates)

    @staticmethod
    def _coalesces(node: Any) -> bool:
        return bool(node.options[4])

    def _union(self, identifier: int, _: Any, inputs: list[_Table]) -> _Table:
        columns: dict[str, Flow] = {}
        for name in self.visitor.columns(identifier):
            flows = [table.columns[name] for table in inputs if name in table.columns]
            merged = _merged(flows)
            columns[name] = replace(merged, never_null=all(flow.never_null for flow in flows))
        rows = _merged(table.rows for table in inputs)
        return _Table(columns, rows, aggregates=all(table.aggregates for table in inputs))

    def _hconcat(self, _: int, __: Any, inputs: list[_Table]) -> _Table:
        columns = {
            name: replace(flow, never_null=False, cause=None)
            for table in inputs
            for name, flow in table.columns.items()
        }
        return _Table(columns, _merged(table.rows for table in inputs))

    def _distinct(self, _: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        subset = node.options[1] or list(table.columns)
        looked_at = [table.columns[name] for name in subset if name in table.columns]
        return replace(table, rows=_influenced(table.rows, looked_at))

    def _sort(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        if node.slice is None:
            return table
        scope = _Scope(self.visitor, identifier, table)
        by = [scope.flow(each) for each in self.visitor.expressions(identifier, node.by_column)]
        return replace(table, rows=_influenced(table.rows, by))

    def _slice(self, identifier: int, _: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        (below,) = self.visitor.inputs(identifier)
        node = self.visitor.node(below)
        if type(node).__name__ != "Sort":
            return table
        scope = _Scope(self.visitor, below, table)  # the rows that stay are the first of an order
        by = [scope.flow(each) for each in self.visitor.expressions(below, node.by_column)]
        return replace(table, rows=_influenced(table.rows, by))

    def _cache(self, _: int, __: Any, inputs: list[_Table]) -> _Table:
        return inputs[0]

    def _mapfunction(self, identifier: int, node: Any, inputs: list[_Table]) -> _Table:
        (table,) = inputs
        names = self.visitor.columns(identifier)
        match node.function:
            case ("explode", exploded, *_):
                rows = _influenced(table.rows, [table.columns[name] for name in exploded])
                columns = {
                    name: replace(flow, never_null=False, cause=None) if name in exploded else flow
                    for name, flow in table.columns.items()
                }
                return replace(table, columns=columns, rows=rows)
            case ("unnest", structs, *_):
                whole = _merged(table.columns[name] for name in structs)
                return replace(
                    table, columns={name: table.columns.get(name, whole) for name in names}
                )
            case ("unpivot", index, on, *_):
                melted = [table.columns[name] for name in on or []] or [
                    flow for name, flow in table.columns.items() if name not in (index or [])
                ]
                kept = {name: table.columns[name] for name in index or []}
                variable, value = (name for name in names if name not in kept)
                return replace(
                    table, columns={**kept, variable: Flow(never_null=True), value: _merged(melted)}
                )
            case ("row_index", index, *_):
                number = Flow(never_null=True)
                return replace(
                    table, columns={name: table.columns.get(name, number) for name in names}
                )
            case ("rechunk", *_):
                return table
        return self._opaque(identifier, inputs)


def _opened(flow: Flow, kind: str, text: str) -> Flow:
    """Return ``flow`` with room for a null that it did not have."""
    cause = NullCause(kind, text) if flow.never_null else flow.cause
    return replace(flow, never_null=False, cause=cause)


@dataclass(slots=True)
class _Scope:
    """The expressions of one node, over the columns that it reads."""

    visitor: Visitor
    identifier: int
    table: _Table

    def child(self, number: int) -> Expression:
        return self.visitor.expression(self.identifier, number)

    def flow(self, expression: Expression) -> Flow:
        """Return what flows into an expression."""
        from_kind = getattr(self, f"_{expression.kind.lower()}", None)
        if expression.kind == "Opaque" or from_kind is None:
            return self._opaque(expression)
        found: Flow = from_kind(expression.fields)
        return found

    def of(self, number: int) -> Flow:
        return self.flow(self.child(number))

    def collapses(self, expression: Expression) -> bool:
        """Tell whether an expression gives one value for all rows, from some."""
        if expression.kind in ("Agg", "Len"):
            return True
        numbers = _children(expression)
        found = [self.collapses(self.child(number)) for number in numbers]
        literal = [self.child(number).kind == "Literal" for number in numbers]
        return any(found) and all(one or other for one, other in zip(found, literal, strict=True))

    def looks_at_groups(self, expression: Expression) -> bool:
        """Tell whether an expression aggregates: then only the rows say what it is."""
        if expression.kind in ("Agg", "Len", "Window"):
            return True
        return any(self.looks_at_groups(self.child(each)) for each in _children(expression))

    def filled_by(self, predicate: Expression) -> set[str]:
        """Return the columns that hold no null where ``predicate`` is true."""
        fields = predicate.fields
        if predicate.kind == "BinaryExpr":
            operator = str(fields.op).rpartition(".")[2]
            sides = [self.child(fields.left), self.child(fields.right)]
            if operator in ("And", "LogicalAnd"):
                return self.filled_by(sides[0]) | self.filled_by(sides[1])
            if operator in ("Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq"):
                return {side.fields.name for side in sides if side.kind == "Column"}
        if predicate.kind == "Function":
            name = _function_name(fields.function_data)
            if name in ("IsNotNull", "IsBetween", "IsIn", "StartsWith", "Contains", "EndsWith"):
                first = self.child(fields.input[0])
                return {first.fields.name} if first.kind == "Column" else set()
            if name == "AllHorizontal":
                each = [self.filled_by(self.child(number)) for number in fields.input]
                return reduce(set.union, each, set())
        return set()

    def _opaque(self, expression: Expression) -> Flow:
        said = expression.fields if isinstance(expression.fields, str) else ""
        why = PYTHON_FUNCTION if "anonymous" in said else NOT_SHOWN
        return replace(_merged(self.table.columns.values()), unknown=why)

    def _column(self, fields: Any) -> Flow:
        return self.table.columns.get(fields.name, Flow(unknown=NOT_SHOWN))

    def _literal(self, fields: Any) -> Flow:
        return Flow(never_null=fields.value is not None)

    def _len(self, _: Any) -> Flow:
        return Flow(never_null=True)

    def _alias(self, fields: Any) -> Flow:
        return self.of(fields.expr)

    def _cast(self, fields: Any) -> Flow:
        flow = self.of(fields.expr)
        lenient = fields.options == 1
        source = self.visitor.dtype(self.identifier, fields.expr)
        if not lenient or not flow.never_null or not _may_fail(source, fields.dtype):
            return flow
        return _opened(flow, "cast", "a cast with strict=False")

    def _binaryexpr(self, fields: Any) -> Flow:
        sides = [self.of(fields.left), self.of(fields.right)]
        operator = str(fields.op).rpartition(".")[2]
        if operator in ("EqValidity", "NotEqValidity"):
            return replace(_merged(sides), never_null=True)
        if operator in ("FloorDivide", "Modulus", "TruncDivide"):  # by zero gives null
            return _merged(sides)
        return self._strict(sides)

    @staticmethod
    def _strict(flows: Iterable[Flow]) -> Flow:
        """Put together what is null where any part is null, and nowhere else."""
        parts = list(flows)
        merged = _merged(parts)
        if all(part.never_null for part in parts):
            return replace(merged, never_null=True)
        causes = [part.cause for part in parts if not part.never_null]
        certain = causes[0] if causes[0] is not None and all(causes) else None
        return replace(merged, cause=certain)

    def _ternary(self, fields: Any) -> Flow:
        predicate = self.of(fields.predicate)
        branches = [self.child(fields.truthy), self.child(fields.falsy)]
        flows = [self.flow(branch) for branch in branches]
        merged = replace(
            _influenced(_merged(flows), [predicate]),
            never_null=all(flow.never_null for flow in flows),
        )
        if _is_null(self, branches[1]) and not self.looks_at_groups(self.child(fields.predicate)):
            others = flows[0].never_null
            cause = NullCause("when", "a `when` without `otherwise`") if others else flows[0].cause
            return replace(merged, cause=cause)
        causes = [flow.cause for flow in flows if not flow.never_null]
        if causes and all(causes):
            return replace(merged, cause=causes[0])
        return merged

    def _agg(self, fields: Any) -> Flow:
        flows = [self.of(number) for number in fields.arguments]
        merged = _merged(flows)
        if fields.name in ("sum", "count", "n_unique", "implode", "groups"):
            if fields.name == "count":
                merged = Flow(influences=merged.every, unknown=merged.unknown)
            return replace(merged, never_null=True)
        keeps = fields.name in ("min", "max", "mean", "median", "first", "last", "item")
        inner = self.child(fields.arguments[0]).kind if fields.arguments else ""
        if keeps and inner == "Column":
            return replace(merged, never_null=flows[0].never_null, cause=flows[0].cause)
        return merged

    def _window(self, fields: Any) -> Flow:
        inner = self.of(fields.function)
        by = [self.of(number) for number in fields.partition_by]
        if isinstance(fields.order_by, int) and not isinstance(fields.order_by, bool):
            by.append(self.of(fields.order_by))
        return _influenced(inner, by)

    def _filter(self, fields: Any) -> Flow:
        flow = _influenced(self.of(fields.input), [self.of(fields.by)])
        return replace(flow, never_null=False, cause=None) if not flow.never_null else flow

    def _sortby(self, fields: Any) -> Flow:
        return _influenced(self.of(fields.expr), [self.of(number) for number in fields.by])

    def _sort(self, fields: Any) -> Flow:
        return self.of(fields.expr)

    def _gather(self, fields: Any) -> Flow:
        flow = _influenced(self.of(fields.expr), [self.of(fields.idx)])
        return replace(flow, never_null=False, cause=None)

    def _slice(self, fields: Any) -> Flow:
        return replace(self.of(fields.input), never_null=False, cause=None)

    def _explode(self, fields: Any) -> Flow:
        return replace(self.of(fields.expr), never_null=False, cause=None)

    def _function(self, fields: Any) -> Flow:
        name = _function_name(fields.function_data)
        flows = [self.of(number) for number in fields.input]
        merged = _merged(flows)
        if name in ("IsNull", "IsNotNull", "HasNulls", "IsDuplicated", "IsUnique"):
            return replace(merged, never_null=True)
        if name in ("fill_null", "coalesce"):
            if any(flow.never_null for flow in flows):
                return replace(merged, never_null=True)
            causes = [flow.cause for flow in flows]
            return replace(merged, cause=causes[0] if all(causes) else None)
        if name == "shift":
            return _opened(flows[0], "shift", "a shift without fill_value")
        if name in ("diff", "pct_change"):
            return replace(_opened(flows[0], "shift", f"`{name}`"), unknown=merged.unknown)
        if name == "shift_and_fill":
            return replace(merged, never_null=flows[0].never_null and flows[-1].never_null)
        if name == "Strptime":
            if fields.function_data[2]:
                return replace(merged, never_null=flows[0].never_null, cause=flows[0].cause)
            return _opened(flows[0], "cast", "parsing with strict=False")
        if name == "ToInteger" and not fields.function_data[-1]:
            return _opened(flows[0], "cast", "parsing with strict=False")
        if name in STRICT_FUNCTIONS:
            return self._strict(flows)
        return merged


STRICT_FUNCTIONS = frozenset(
    {
        "CastTimeUnit",
        "ConvertTimeZone",
        "Date",
        "Day",
        "EndsWith",
        "Hour",
        "IsBetween",
        "IsIn",
        "IsoYear",
        "LenBytes",
        "LenChars",
        "Lowercase",
        "Microsecond",
        "Millisecond",
        "Minute",
        "Month",
        "Nanosecond",
        "Not",
        "OrdinalDay",
        "PadEnd",
        "PadStart",
        "Quarter",
        "Replace",
        "Second",
        "StartsWith",
        "StripChars",
        "StripCharsEnd",
        "StripCharsStart",
        "StripPrefix",
        "StripSuffix",
        "TimeStamp",
        "Titlecase",
        "TotalDays",
        "TotalHours",
        "TotalMinutes",
        "TotalSeconds",
        "Truncate",
        "Uppercase",
        "Week",
        "WeekDay",
        "Year",
        "ZFill",
        "abs",
        "as_struct",
        "ceil",
        "floor",
        "negate",
        "round",
    }
)
"""Functions whose result is null where an argument is null, and nowhere else."""


def _may_fail(source: pl.DataType | None, target: pl.DataType) -> bool:
    """Tell whether a cast can lose a value; Polars itself adds lenient ones that cannot."""
    if source is None:
        return False
    if source == pl.String:
        return target != pl.String
    return source.is_numeric() and target.is_integer() and source != pl.Boolean


def _function_name(data: Any) -> str:
    """Return the name of a function: Polars gives a text, or a member of an enumeration."""
    return str(data[0]).rpartition(".")[2]


def _is_null(scope: _Scope, expression: Expression) -> bool:
    if expression.kind == "Cast":
        return _is_null(scope, scope.child(expression.fields.expr))
    return expression.kind == "Literal" and expression.fields.value is None


def _children(expression: Expression) -> list[int]:
    """Return the expressions inside an expression, as far as they decide over its length."""
    fields = expression.fields
    match expression.kind:
        case "BinaryExpr":
            return [fields.left, fields.right]
        case "Ternary":
            return [fields.predicate, fields.truthy, fields.falsy]
        case "Function":
            return list(fields.input)
        case "Cast" | "Alias":
            return [fields.expr]
    return []
