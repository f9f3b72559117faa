"""The expressions of one node: what stands in what, and of which kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from polster.plans.functions import (
    ARITHMETIC,
    COMPARISONS,
    NULL_BY_ZERO,
    PICKING,
    PICKING_FUNCTIONS,
    function_name,
    is_strict,
    operator_name,
)
from polster.plans.visit import Expression, Visitor

ROW_BY_ROW = frozenset({"Column", "Literal", "Alias", "Cast", "BinaryExpr", "Ternary"})


@dataclass(frozen=True, slots=True)
class Syntax:
    """The expressions of one node, looked at without the columns that it reads."""

    visitor: Visitor
    identifier: int

    def child(self, number: int) -> Expression:
        """Return an expression inside another one."""
        return self.visitor.expression(self.identifier, number)

    def inside(self, expression: Expression) -> list[Expression]:
        """Return all expressions inside an expression, one floor down."""
        return [self.child(number) for number in _inside(expression)]

    def named_fields(self, expression: Expression) -> int:
        """Return how often ``pl.field`` stands in an expression, for a field of one struct."""
        if expression.kind == "StructEval":  # what it evaluates is about a struct of its own
            return self.named_fields(self.child(expression.fields.expr))
        return expression.names_field + sum(map(self.named_fields, self.inside(expression)))

    def collapses(self, expression: Expression) -> bool:
        """Tell whether an expression gives one value for all rows, from some."""
        if expression.kind in ("Agg", "Len"):
            return True
        if expression.kind not in ("BinaryExpr", "Ternary", "Function", "Cast", "Alias"):
            return False
        inside = self.inside(expression)
        found = [self.collapses(each) for each in inside]
        literal = [each.kind == "Literal" for each in inside]
        return any(found) and all(one or other for one, other in zip(found, literal, strict=True))

    def looks_at_groups(self, expression: Expression) -> bool:
        """Tell whether an expression aggregates: then only the rows say what it is."""
        if expression.kind in ("Agg", "Len", "Window", "Rolling"):
            return True
        return any(self.looks_at_groups(each) for each in self.inside(expression))

    def picks_rows(self, expression: Expression) -> bool:
        """Tell whether an expression takes the values of single rows out of a group."""
        fields = expression.fields
        match expression.kind:
            case "Gather" | "Slice" | "Explode":
                return True
            case "Agg" if fields.name in PICKING:
                return True
            case "Function" if function_name(fields.function_data) in PICKING_FUNCTIONS:
                return True
        return any(self.picks_rows(each) for each in self.inside(expression))

    def goes_row_by_row(self, expression: Expression) -> bool:
        """Tell whether each value of an expression depends on one row only."""
        if expression.kind == "Function":
            data = expression.fields.function_data
            known = is_strict(data) or function_name(data) in ("fill_null", "coalesce")
        else:
            known = expression.kind in ROW_BY_ROW
        return known and all(self.goes_row_by_row(each) for each in self.inside(expression))

    def null_with(self, expression: Expression) -> set[str]:
        """Return the columns for whose nulls an expression is null."""
        fields = expression.fields
        match expression.kind:
            case "Column":
                return {fields.name}
            case "Alias" | "Cast":
                return self.null_with(self.child(fields.expr))
            case "BinaryExpr" if operator_name(fields.op) in {
                *COMPARISONS,
                *ARITHMETIC,
                *NULL_BY_ZERO,
            }:
                return self._null_with_any(expression)
            case "Function" if is_strict(fields.function_data):
                return self._null_with_any(expression)
        return set()

    def _null_with_any(self, expression: Expression) -> set[str]:
        return set().union(*(self.null_with(each) for each in self.inside(expression)))

    def is_null_literal(self, expression: Expression) -> bool:
        """Tell whether an expression is the literal null, cast or not."""
        if expression.kind == "Cast":
            return self.is_null_literal(self.child(expression.fields.expr))
        return expression.kind == "Literal" and expression.fields.value is None


def number_of(handle: Any) -> int:
    """Return the number of an expression, which a few kinds wrap once more."""
    return int(getattr(handle, "node", handle))


def made_by(fields: Any) -> list[int]:
    """Return the expressions that a window is made by."""
    by = list(fields.partition_by)
    if isinstance(fields.order_by, int) and not isinstance(fields.order_by, bool):
        by.append(fields.order_by)
    return by


def _inside(expression: Expression) -> list[int]:
    """Return the numbers of the expressions inside an expression."""
    fields = expression.fields
    match expression.kind:
        case "BinaryExpr":
            return [fields.left, fields.right]
        case "Ternary":
            return [fields.predicate, fields.truthy, fields.falsy]
        case "Function":
            return list(fields.input)
        case "Cast" | "Alias" | "Sort" | "Explode":
            return [fields.expr]
        case "Agg":
            return list(fields.arguments)
        case "Window":
            return [fields.function, *made_by(fields)]
        case "Rolling":
            return [number_of(fields.function), number_of(fields.index_column)]
        case "Filter":
            return [fields.input, fields.by]
        case "SortBy":
            return [fields.expr, *fields.by]
        case "Gather":
            return [fields.expr, fields.idx]
        case "Slice":
            return [fields.input, fields.offset, fields.length]
        case "StructEval":
            return [fields.expr, *(each.node for each in fields.evaluation)]
    return []
