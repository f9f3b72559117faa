"""What flows into an expression, over the columns that its node reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from polster.plans.conditions import (
    IS_NOT_TRUE,
    IS_TRUE,
    filled_where,
    leaves_choices_out,
    leaves_rows_out,
)
from polster.plans.functions import (
    COUNTING,
    COUNTING_FUNCTIONS,
    NEVER_NULL_FUNCTIONS,
    NULL_BY_ZERO,
    PICKING,
    depends_on_order,
    function_name,
    is_chosen_by,
    is_strict,
    may_fail,
    operator_name,
)
from polster.plans.structs import (
    KEEPING,
    NamedFields,
    field_names,
    named_in,
    picked,
    together,
)
from polster.plans.syntax import Syntax, made_by, number_of
from polster.plans.values import (
    NOT_SHOWN,
    PYTHON_FUNCTION,
    Flow,
    NullCause,
    Origin,
    Table,
    as_columns,
    counted,
    filled,
    first_filled,
    in_all,
    influenced,
    merged,
    opened,
    strict,
    unsure,
)
from polster.plans.visit import Expression


@dataclass(slots=True)
class Scope:
    """The expressions of one node."""

    syntax: Syntax
    table: Table
    places: Iterator[int]
    limits: Mapping[Origin, int]
    named: NamedFields
    field: Flow | None = None  # what flows into a ``pl.field``, inside of ``with_fields``

    def child(self, number: int) -> Expression:
        """Return an expression inside another one."""
        return self.syntax.child(number)

    def flow(self, expression: Expression) -> Flow:
        """Return what flows into an expression."""
        from_kind = getattr(self, f"_{expression.kind.lower()}", None)
        if expression.kind == "Opaque" or from_kind is None:
            return self._opaque(expression)
        found: Flow = from_kind(expression.fields)
        return found

    def of(self, number: int) -> Flow:
        """Return what flows into an expression inside another one."""
        return self.flow(self.child(number))

    def assuming(self, names: AbstractSet[str]) -> Scope:
        """Return the scope of rows in which the columns ``names`` hold no null."""
        if not names:
            return self
        table = replace(self.table, columns=filled(self.table.columns, names))
        return replace(self, table=table)

    def opens(self, flow: Flow, kind: str, text: str, *, certain: bool = True) -> Flow:
        """Return ``flow`` with room for a null, made here, that it did not have."""
        return opened(flow, NullCause(kind, text, next(self.places)), certain=certain)

    def _loses(self, flow: Flow, text: str) -> Flow:
        """Return the flow of a cast that makes null of what it cannot read."""
        cause = NullCause("cast", text, next(self.places), flow.columns)
        certain = not flow.columns & self.table.tested
        certain = certain and not as_columns(flow.values) & self.limits.keys()
        return opened(flow, cause, certain=certain)

    # kinds of expressions

    def _opaque(self, expression: Expression) -> Flow:
        if expression.names_field and self.field is not None:
            return self.field
        said = expression.fields if isinstance(expression.fields, str) else ""
        why = PYTHON_FUNCTION if "anonymous" in said else NOT_SHOWN
        return replace(merged(self.table.columns.values()), unknown=why)

    def _column(self, fields: Any) -> Flow:
        return self.table.columns.get(fields.name, Flow(unknown=NOT_SHOWN))

    def _literal(self, fields: Any) -> Flow:
        plain = isinstance(fields.value, (bool, int, float, str, bytes))
        return Flow(never_null=plain)  # of a series one would have to look at the rows

    def _len(self, _: Any) -> Flow:
        return Flow(never_null=True)

    def _alias(self, fields: Any) -> Flow:
        return self.of(fields.expr)

    def _cast(self, fields: Any) -> Flow:
        flow = self.of(fields.expr)
        loses = fields.options == 1 and flow.never_null
        if not loses and flow.fields is None:
            return flow
        source = self._dtype(fields.expr)
        if field_names(source) != field_names(fields.dtype):
            flow = replace(flow, fields=None)
        if not loses:
            return flow
        if not may_fail(source, fields.dtype):
            return flow
        return self._loses(flow, "a cast with strict=False")

    def _binaryexpr(self, fields: Any) -> Flow:
        sides = [self.of(fields.left), self.of(fields.right)]
        operator = operator_name(fields.op)
        if operator in ("EqValidity", "NotEqValidity"):
            return replace(merged(sides), never_null=True)
        if operator in NULL_BY_ZERO:
            return replace(strict(sides), never_null=False, cause=None)
        return strict(sides)

    def _ternary(self, fields: Any) -> Flow:
        """Read all branches of a ``when`` as one: what one condition says holds in the next."""
        syntax = self.syntax
        chain = [(self.child(fields.predicate), self.child(fields.truthy))]
        last = self.child(fields.falsy)
        while last.kind == "Ternary":
            chain.append((self.child(last.fields.predicate), self.child(last.fields.truthy)))
            last = self.child(last.fields.falsy)
        passed: set[str] = set()
        flows: list[Flow] = []
        for predicate, branch in chain:
            here = passed | filled_where(syntax, predicate, IS_TRUE)
            flows.append(self._branch(branch, here))
            passed |= filled_where(syntax, predicate, IS_NOT_TRUE)
        deciding = merged(self.flow(predicate) for predicate, _ in chain)
        if not syntax.is_null_literal(last):
            flows.append(self._branch(last, passed))
            return influenced(self._one_of(flows), [deciding])
        predicates = [predicate for predicate, _ in chain]
        certain = leaves_rows_out(syntax, predicates, self.table.columns)
        certain = certain and not deciding.columns & self.table.tested
        limits = [self.limits[each] for each in as_columns(deciding.values) & self.limits.keys()]
        certain = certain and (not limits or leaves_choices_out(syntax, predicates, min(limits)))
        cause = NullCause(
            "when", "a `when` without `otherwise`", next(self.places), deciding.columns
        )
        return opened(influenced(self._one_of(flows), [deciding]), cause, certain=certain)

    def _branch(self, branch: Expression, names: AbstractSet[str]) -> Flow:
        scope = self.assuming(names) if self.syntax.goes_row_by_row(branch) else self
        flow = scope.flow(branch)
        # the condition may well be that there is a row before
        return unsure(flow) if flow.cause is not None and flow.cause.kind == "shift" else flow

    @staticmethod
    def _one_of(flows: list[Flow]) -> Flow:
        """Put together what is one of ``flows``, no matter which."""
        places = in_all(flow.opened for flow in flows)
        whole = replace(merged(flows), opened=places, fields=together(flows))
        if all(flow.never_null for flow in flows):
            return replace(whole, never_null=True)
        causes = [flow.cause for flow in flows if not flow.never_null]
        return replace(whole, cause=causes[0] if all(causes) else None)

    def _agg(self, fields: Any) -> Flow:
        flows = [self.of(number) for number in fields.arguments]
        if fields.name in COUNTING:
            return replace(counted(flows), never_null=True)
        whole = merged(flows)
        if fields.name in ("implode", *PICKING):
            whole = replace(whole, fields=flows[0].fields)
        if fields.name in ("sum", "implode", "groups"):
            return replace(whole, never_null=True)
        if fields.name in PICKING:
            whole = influenced(whole, [self.table.order])
        keeps = fields.name in ("min", "max", "mean", "median", *PICKING)
        if keeps and self.child(fields.arguments[0]).kind == "Column":
            first = flows[0]
            return replace(
                whole, never_null=first.never_null, cause=first.cause, opened=first.opened
            )
        return whole

    def _window(self, fields: Any) -> Flow:
        inner = self.of(fields.function)
        return influenced(inner, [self.of(number) for number in made_by(fields)])

    def _rolling(self, fields: Any) -> Flow:
        by = self.of(number_of(fields.index_column))
        return unsure(influenced(self.of(number_of(fields.function)), [by]))

    def _structeval(self, fields: Any) -> Flow:
        own = self.of(fields.expr)
        new = [self.child(each.node) for each in fields.evaluation]
        counts = [self.syntax.named_fields(each) for each in new]
        named: list[frozenset[str]] | list[None] = self.named.of(counts) or [None] * len(new)
        dtype = self._dtype(fields.expr)
        parts = [
            replace(self, field=named_in(own, dtype, names)).flow(each)
            for each, names in zip(new, named, strict=True)
        ]
        whole = unsure(merged([own, *parts]))
        inside = {each for each in whole.values if any(each[: len(o)] == o for o in own.values)}
        whole = replace(whole, values=whole.values - inside | own.values)
        names = field_names(dtype)
        if own.fields is None or len(names) != len(own.fields):
            return whole
        made = {each.output_name: part for each, part in zip(fields.evaluation, parts, strict=True)}
        return replace(
            whole, fields=tuple((dict(zip(names, own.fields, strict=True)) | made).values())
        )

    def _filter(self, fields: Any) -> Flow:
        flow = influenced(self.of(fields.input), [self.of(fields.by)])
        return flow if flow.never_null else unsure(flow)

    def _sortby(self, fields: Any) -> Flow:
        return influenced(self.of(fields.expr), [self.of(number) for number in fields.by])

    def _sort(self, fields: Any) -> Flow:
        return self.of(fields.expr)

    def _gather(self, fields: Any) -> Flow:
        by = [self.of(fields.idx), self.table.order]
        return unsure(influenced(self.of(fields.expr), by))

    def _slice(self, fields: Any) -> Flow:
        return unsure(influenced(self.of(fields.input), [self.table.order]))

    def _explode(self, fields: Any) -> Flow:
        return unsure(self.of(fields.expr))

    def _function(self, fields: Any) -> Flow:
        data = fields.function_data
        flow = self._by_name(function_name(data), data, fields.input)
        return influenced(flow, [self.table.order]) if depends_on_order(data) else flow

    def _by_name(self, name: str, data: Any, arguments: list[int]) -> Flow:
        flows = [self.of(number) for number in arguments]
        if name == "FieldByName":
            return picked(flows[0], self._dtype(arguments[0]), data[1])
        if name in COUNTING_FUNCTIONS:
            return replace(counted(flows), never_null=name in NEVER_NULL_FUNCTIONS)
        if name in ("fill_null", "coalesce"):
            return replace(first_filled(flows), fields=together(flows))
        if name == "value_counts":
            return replace(merged(flows), fields=(flows[0], counted(flows)))
        if name == "rle":
            return replace(merged(flows), fields=(counted(flows), flows[0]))
        if name == "as_struct":  # a struct of nulls is none
            return replace(merged(flows), never_null=True, fields=tuple(flows))
        if name == "shift":
            by = self.child(arguments[1])
            steps = by.fields.value if by.kind == "Literal" else None
            if steps == 0:
                return flows[0]
            shifted = influenced(flows[0], flows[1:])
            text = "a shift without fill_value"
            return self.opens(shifted, "shift", text, certain=isinstance(steps, int))
        if name in ("diff", "pct_change"):
            return self.opens(influenced(flows[0], flows[1:]), "shift", f"`{name}`")
        if name == "shift_and_fill":
            kept = flows[0].never_null and flows[-1].never_null
            return replace(merged(flows), never_null=kept)
        if name == "Strptime":
            if data[2]:
                return replace(merged(flows), never_null=flows[0].never_null, cause=flows[0].cause)
            return self._loses(flows[0], "parsing with strict=False")
        if name == "ToInteger" and not data[-1]:
            return self._loses(flows[0], "parsing with strict=False")
        if is_chosen_by(data):
            return unsure(influenced(flows[0], flows[1:]))
        if name in KEEPING:
            return replace(merged(flows), fields=influenced(flows[0], flows[1:]).fields)
        return strict(flows) if is_strict(data) else merged(flows)

    def _dtype(self, number: int) -> pl.DataType | None:
        return self.syntax.visitor.dtype(self.syntax.identifier, number)
