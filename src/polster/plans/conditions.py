"""What a condition says of the columns that it looks at, where it is true and where it is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf

from polster.plans.functions import (
    COMPARISONS,
    CONJUNCTIONS,
    DISJUNCTIONS,
    NULL_TESTS,
    TESTS,
    function_name,
    is_strict,
    operator_name,
)
from polster.plans.syntax import Syntax
from polster.plans.values import Flow
from polster.plans.visit import Expression

IS_TRUE = frozenset({True})
IS_NOT_TRUE = frozenset({False, None})
SWAPPED = {True: False, False: True, None: None}


def filled_where(
    syntax: Syntax, condition: Expression, outcomes: frozenset[bool | None]
) -> set[str]:
    """Return the columns that hold no null where ``condition`` gives one of ``outcomes``."""
    name = _name(condition)
    inside = syntax.inside(condition)
    if name == "Not":
        return filled_where(syntax, inside[0], frozenset(SWAPPED[each] for each in outcomes))
    if name in NULL_TESTS:
        said = True in outcomes if name == "IsNull" else False in outcomes
        return set() if said else syntax.null_with(inside[0])
    if name in CONJUNCTIONS or name == "AllHorizontal":
        each = [filled_where(syntax, part, outcomes) for part in inside]
        return _united(each) if False not in outcomes else _common(each)
    if name in DISJUNCTIONS or name == "AnyHorizontal":
        each = [filled_where(syntax, part, outcomes) for part in inside]
        return _united(each) if True not in outcomes else _common(each)
    return set() if None in outcomes else syntax.null_with(condition)


def parts(syntax: Syntax, condition: Expression) -> list[Expression]:
    """Return the conditions that all hold where ``condition`` does."""
    if _name(condition) in CONJUNCTIONS or _name(condition) == "AllHorizontal":
        return [part for each in syntax.inside(condition) for part in parts(syntax, each)]
    return [condition]


def is_null_test(syntax: Syntax, condition: Expression) -> bool:
    """Tell whether a condition asks of one column whether it is null, and nothing else."""
    name = _name(condition)
    inside = syntax.inside(condition)
    if name == "Not":
        return is_null_test(syntax, inside[0])
    return name in NULL_TESTS and inside[0].kind == "Column"


def leaves_rows_out(
    syntax: Syntax, conditions: list[Expression], columns: Mapping[str, Flow]
) -> bool:
    """Tell whether there are certainly values for which none of ``conditions`` holds.

    One comparison leaves some out. Several may cover everything together, unless all of them
    are equalities, or bounds on the same side.
    """
    for each in conditions:
        if syntax.looks_at_groups(each) or not _is_open(syntax, each, columns):
            return False
    if len(conditions) == 1:
        return True
    bounds: set[str] = set()
    for each in conditions:
        for part in parts(syntax, each):
            name = _name(part)
            if name in ("Lt", "LtEq", "Gt", "GtEq"):
                bounds.add(name[:2])
            elif name == "Eq" or name in TESTS:
                if not all(_is_plain(syntax, side) for side in syntax.inside(part)):
                    return False  # of quarters, say, there are four
                values = [side.fields.value for side in _literals(syntax, part)]
                if name == "Eq" and (not values or any(isinstance(each, bool) for each in values)):
                    return False
            else:
                return False
    return len(bounds) < 2


def leaves_choices_out(syntax: Syntax, conditions: list[Expression], choices: int) -> bool:
    """Tell whether ``conditions`` certainly leave out one of so many values of a column.

    Args:
        syntax: Of the conditions.
        conditions: Over columns whose values are limited.
        choices: How many values there are; 0 if that is not known.
    """
    asked = sum(
        min(_asked(syntax, part, is_alone=len(conditions) == 1) for part in parts(syntax, each))
        for each in conditions
    )
    return asked < (choices or 2)


def _asked(syntax: Syntax, part: Expression, *, is_alone: bool) -> float:
    """Return how many values a condition lets pass, at most; one that is alone leaves some out."""
    name = _name(part)
    if name == "Eq" or (is_alone and name in COMPARISONS):
        return 1
    if name == "IsIn":
        for each in _literals(syntax, part):
            if isinstance(each.fields.value, list):
                return len(each.fields.value)
    return inf


def _is_plain(syntax: Syntax, side: Expression) -> bool:
    """Tell whether one side of a comparison is a column, or a literal."""
    if side.kind in ("Alias", "Cast"):
        return all(_is_plain(syntax, each) for each in syntax.inside(side))
    return side.kind in ("Column", "Literal")


def _is_open(syntax: Syntax, condition: Expression, columns: Mapping[str, Flow]) -> bool:
    """Tell whether a condition holds for some values, and does not for others."""
    name = _name(condition)
    inside = syntax.inside(condition)
    if name in CONJUNCTIONS or name in DISJUNCTIONS or name == "Not":
        opens = [_is_open(syntax, part, columns) for part in inside]
        return any(opens) if name in CONJUNCTIONS else len(opens) == 1 and opens[0]
    if name in COMPARISONS or name in TESTS:
        sides = [syntax.null_with(side) for side in inside]
        return any(sides) and not (len(sides) > 1 and sides[0] == sides[1])
    if name in NULL_TESTS:
        column = inside[0].fields.name if inside[0].kind == "Column" else ""
        return column in columns and not columns[column].never_null
    if condition.kind == "Column":
        return bool(columns.get(condition.fields.name, Flow()).values)
    return False


def _literals(syntax: Syntax, condition: Expression) -> list[Expression]:
    return [side for side in syntax.inside(condition) if side.kind == "Literal"]


def _name(condition: Expression) -> str:
    """Return the operator or function of a condition; nothing for another expression."""
    if condition.kind == "BinaryExpr":
        return operator_name(condition.fields.op)
    if condition.kind == "Function":
        data = condition.fields.function_data
        name = function_name(data)
        return "" if name in TESTS and not is_strict(data) else name
    return ""


def _united(sets: Iterable[set[str]]) -> set[str]:
    return set().union(*sets)


def _common(sets: list[set[str]]) -> set[str]:
    return sets[0].intersection(*sets[1:]) if sets else set()
