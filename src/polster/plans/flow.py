"""What flows into each column of a plan: values, influences, and nulls.

One walk over the plan, from its leaves to its result, carries for every column where its values
come from, what decides over its rows, and whether it can hold a null. What is not known to this
module counts as unknown: it is never reported as certain.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import polars as pl

from polster.plans.conditions import IS_TRUE, filled_where, is_null_test, parts
from polster.plans.expressions import Scope
from polster.plans.joins import join, matched_columns
from polster.plans.structs import (
    NamedFields,
    field_names,
    named_fields,
    picked,
    read_fields,
    together,
)
from polster.plans.syntax import Syntax
from polster.plans.values import (
    NOT_SHOWN,
    OPAQUE_STEP,
    Flow,
    Leaf,
    NullCause,
    Origin,
    PlanFlow,
    Table,
    doubted,
    filled,
    influenced,
    merged,
    unsure,
)
from polster.plans.visit import (
    NOT_READ,
    UnreadablePlanError,
    Visitor,
    frame_in,
    look_at,
    source_name,
)

__all__ = ["NOT_SHOWN", "Flow", "Leaf", "NullCause", "Origin", "PlanFlow", "read_flow"]


def read_flow(
    frame: pl.LazyFrame,
    *,
    not_null: Mapping[str, frozenset[str]] | None = None,
    limits: Mapping[str, Mapping[str, int]] | None = None,
    name_of: Callable[[list[str]], str | None] = lambda _: None,
    beside: Callable[[Visitor], None] = lambda _: None,
) -> PlanFlow:
    """Read the plan of ``frame``; nothing is computed.

    Args:
        frame: Whose leaves are named sources, or files that ``name_of`` knows.
        not_null: For each input, the columns that hold no null.
        limits: For each input, the columns that do not hold any value of their type, and how many
            they may hold; 0 if that is not known.
        name_of: Names the input that files belong to.
        beside: Looks at the plan, too, and raises nothing; to be shown it once more takes as long
            as all that is read here.

    Raises:
        UnreadablePlanError: Polars does not show the plan.
    """
    limited: dict[Origin, int] = {
        (name, column): most for name, of in (limits or {}).items() for column, most in of.items()
    }
    named = NamedFields()

    def read(visitor: Visitor) -> PlanFlow:
        beside(visitor)
        return _Reader(visitor, not_null or {}, limited, name_of, named).read()

    try:
        found = look_at(frame, read)
        if named.is_needed:
            named.text = frame.explain(optimized=False)
            found = look_at(frame, read)
        return found
    except UnreadablePlanError:
        raise
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadablePlanError("Polars does not show the plan") from error
    except RecursionError as error:
        raise UnreadablePlanError("an expression of the plan is nested too deeply") from error
    except NOT_READ as error:
        raise UnreadablePlanError("Polars shows a part of the plan in an unknown way") from error


@dataclass(slots=True)
class _Reader:
    visitor: Visitor
    not_null: Mapping[str, frozenset[str]]
    limits: Mapping[Origin, int]
    name_of: Callable[[list[str]], str | None]
    named: NamedFields
    leaves: list[Leaf] = field(default_factory=list)
    tables: dict[int, Table] = field(default_factory=dict)
    matches: list[tuple[tuple[Origin, Origin], ...]] = field(default_factory=list)
    places: Iterator[int] = field(default_factory=lambda: count(1))

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
        columns = {name: influenced(flow, [table.rows]) for name, flow in table.columns.items()}
        types = self.visitor.schema(identifier)
        fields = {
            path: part
            for name, flow in columns.items()
            if flow.fields is not None
            for path, part in named_fields((name,), flow, types[name])
        }
        leaves, matches = tuple(self.leaves), tuple(self.matches)
        return PlanFlow(columns, leaves, table.aggregates, matches, fields)

    def _scope(self, identifier: int, table: Table) -> Scope:
        return Scope(Syntax(self.visitor, identifier), table, self.places, self.limits, self.named)

    # leaves

    def _pythonscan(self, identifier: int, node: Any, _: list[Table]) -> Table:
        name = source_name(node.options)
        if name is None:
            self.leaves.append(Leaf("python", "a Python source"))
            return self._unknown(identifier)
        return self._input(identifier, name)

    def _scan(self, identifier: int, node: Any, _: list[Table]) -> Table:
        paths = [str(path) for path in node.paths]
        name = self.name_of(paths)
        if name is None:
            self.leaves.append(Leaf("file", paths[0] if paths else "a file"))
            return self._unknown(identifier)
        return self._input(identifier, name)

    def _dataframescan(self, identifier: int, node: Any, _: list[Table]) -> Table:
        frame = frame_in(node)
        self.leaves.append(Leaf("memory", "a frame in memory", frame.height))
        nulls = {column.name: column.null_count() for column in frame}
        return Table(
            {
                name: Flow(never_null=nulls.get(name) == 0)
                for name in self.visitor.columns(identifier)
            }
        )

    def _input(self, identifier: int, name: str) -> Table:
        self.leaves.append(Leaf("input", name))
        filled = self.not_null.get(name, frozenset())
        return Table(
            {
                column: Flow(
                    frozenset({(name, column)}),
                    never_null=column in filled,
                    fields=read_fields((name, column), dtype),
                )
                for column, dtype in self.visitor.schema(identifier).items()
            }
        )

    def _unknown(self, identifier: int) -> Table:
        why = "it is read from outside"
        return Table({n: Flow(unknown=why) for n in self.visitor.columns(identifier)})

    # nodes

    def _opaque(self, identifier: int, inputs: list[Table]) -> Table:
        """Read a node that is not shown: any input column may go into any output column."""
        if not inputs:
            self.leaves.append(Leaf("unknown", "a source that Polars does not show"))
            return self._unknown(identifier)
        every = [flow for table in inputs for flow in table.columns.values()]
        flow = replace(merged(every), unknown=OPAQUE_STEP)
        return Table(
            dict.fromkeys(self.visitor.columns(identifier), flow),
            merged(table.rows for table in inputs),
        )

    def _filter(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        (predicate,) = self.visitor.expressions(identifier, [node.predicate])
        scope = self._scope(identifier, table)
        columns, tested = table.columns, table.tested
        for part in parts(scope.syntax, predicate):
            if not is_null_test(scope.syntax, part):
                flow = scope.flow(part)
                columns = doubted(columns, flow)
                tested |= flow.columns
        columns = filled(columns, filled_where(scope.syntax, predicate, IS_TRUE))
        rows = influenced(table.rows, [scope.flow(predicate)])
        return replace(table, columns=columns, rows=rows, tested=tested)

    def _select(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        scope = self._scope(identifier, table)
        expressions = self.visitor.expressions(identifier, node.expr)
        columns = {each.name: scope.flow(each) for each in expressions}
        collapses = bool(expressions) and all(scope.syntax.collapses(e) for e in expressions)
        aggregates = (table.aggregates or collapses) and not any(
            scope.syntax.picks_rows(each) for each in expressions
        )
        return replace(table, columns=columns, aggregates=aggregates)

    def _hstack(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        scope = self._scope(identifier, table)
        added = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.exprs)
        }
        return replace(table, columns={**table.columns, **added})

    def _simpleprojection(self, identifier: int, _: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        names = self.visitor.columns(identifier)
        return replace(table, columns={name: table.columns[name] for name in names})

    def _groupby(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        scope = self._scope(identifier, table)
        keys = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.keys)
        }
        values = {
            each.name: scope.flow(each) for each in self.visitor.expressions(identifier, node.aggs)
        }
        names = self.visitor.columns(identifier)
        window = [  # the column that group_by_dynamic goes along is not among the keys
            table.columns[name]
            for name in names
            if name not in keys and name not in values and name in table.columns
        ]
        boundary = merged(window)
        columns = {
            name: keys.get(name) or values.get(name) or unsure(table.columns.get(name, boundary))
            for name in names
        }
        rows = influenced(table.rows, [*keys.values(), *window])
        aggregates = bool(node.aggs) and not any(
            scope.syntax.picks_rows(each)
            for each in self.visitor.expressions(identifier, node.aggs)
        )
        return Table(columns, rows, tested=table.tested, aggregates=aggregates)

    def _join(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        left, right = inputs
        keys = [
            (self._scope(identifier, table), self.visitor.expressions(identifier, on))
            for table, on in ((left, node.left_on), (right, node.right_on))
        ]
        left_keys, right_keys = ([(e.name, scope.flow(e)) for e in on] for scope, on in keys)
        names = self.visitor.columns(identifier)
        matched = matched_columns(left, right, left_keys, right_keys, node.options)
        if matched:
            self.matches.append(matched)
        return join(left, right, left_keys, right_keys, node.options, names, self.places)

    def _union(self, identifier: int, _: Any, inputs: list[Table]) -> Table:
        columns: dict[str, Flow] = {}
        for name in self.visitor.columns(identifier):
            flows = [table.columns[name] for table in inputs if name in table.columns]
            never_null = all(flow.never_null for flow in flows)
            columns[name] = replace(merged(flows), never_null=never_null, fields=together(flows))
        rows = merged(table.rows for table in inputs)
        tested = frozenset().union(*(table.tested for table in inputs))
        aggregates = all(table.aggregates for table in inputs)
        return Table(columns, rows, tested=tested, aggregates=aggregates)

    _mergesorted = _union

    def _hconcat(self, _: int, __: Any, inputs: list[Table]) -> Table:
        columns = {name: unsure(flow) for table in inputs for name, flow in table.columns.items()}
        return Table(columns, merged(table.rows for table in inputs))

    def _distinct(self, _: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        subset = node.options[1] or list(table.columns)
        by = [table.columns[name] for name in subset if name in table.columns]
        if node.options[0] in ("first", "last"):
            by.append(table.order)
        return replace(table, rows=influenced(table.rows, by))

    def _sort(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        scope = self._scope(identifier, table)
        by = [scope.flow(each) for each in self.visitor.expressions(identifier, node.by_column)]
        rows = table.rows if node.slice is None else influenced(table.rows, by)
        return replace(table, rows=rows, order=merged(by))

    def _slice(self, _: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        columns = table.columns
        if node.offset != 0:  # the rows that a shift has opened may be those that are cut off
            columns = {
                name: unsure(flow) if flow.cause and flow.cause.kind == "shift" else flow
                for name, flow in columns.items()
            }
        return replace(table, columns=columns, rows=influenced(table.rows, [table.order]))

    def _cache(self, _: int, __: Any, inputs: list[Table]) -> Table:
        return inputs[0]

    def _mapfunction(self, identifier: int, node: Any, inputs: list[Table]) -> Table:
        (table,) = inputs
        names = self.visitor.columns(identifier)
        match node.function:
            case ("explode", exploded, *_):
                rows = influenced(table.rows, [table.columns[name] for name in exploded])
                columns = {
                    name: unsure(flow) if name in exploded else flow
                    for name, flow in table.columns.items()
                }
                return replace(table, columns=columns, rows=rows, aggregates=False)
            case ("unnest", structs, separator, *_):
                (below,) = self.visitor.inputs(identifier)
                types = self.visitor.schema(below)
                parts_of = {
                    f"{name}{separator}{part}" if separator else part: picked(
                        table.columns[name], types[name], part
                    )
                    for name in structs
                    for part in field_names(types[name])
                }
                return replace(
                    table,
                    columns={
                        name: parts_of[name] if name in parts_of else table.columns[name]
                        for name in names
                    },
                )
            case ("unpivot", index, on, *_):
                melted = [table.columns[name] for name in on or []] or [
                    flow for name, flow in table.columns.items() if name not in (index or [])
                ]
                kept = {name: table.columns[name] for name in index or []}
                variable, value = (name for name in names if name not in kept)
                return replace(
                    table, columns={**kept, variable: Flow(never_null=True), value: merged(melted)}
                )
            case ("row_index", index, *_):
                number = influenced(Flow(never_null=True), [table.order])
                return replace(
                    table, columns={name: table.columns.get(name, number) for name in names}
                )
            case ("rechunk" | "hint_sorted", *_):
                return table
        return self._opaque(identifier, inputs)
