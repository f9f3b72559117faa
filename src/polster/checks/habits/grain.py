"""Whether a silver function keeps one row for each row of a bronze table, as far as one can see."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from polster.checks.habits.known import words

AGGREGATES = words("group_by group_by_dynamic pivot rolling describe count sum mean max min")
JOINS = words("join join_asof join_where")


def loses_grain(function: ast.FunctionDef | ast.AsyncFunctionDef, parameter: str) -> bool:
    """Tell whether every use of ``parameter`` aggregates it, or joins it to another table.

    What is handed to a helper, or used in a way that is not understood, may keep the grain.
    """
    if not any(
        isinstance(n, ast.Attribute) and n.attr in AGGREGATES | JOINS for n in ast.walk(function)
    ):
        return False
    parents = {child: node for node in ast.walk(function) for child in ast.iter_child_nodes(node)}
    names = {parameter}
    while True:
        uses = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Name) and node.id in names and isinstance(node.ctx, ast.Load)
        ]
        outcomes = [_outcome(node, parents) for node in uses]
        more = {name for name in outcomes if isinstance(name, str)} - names
        if not more:
            break
        names |= more
    return bool(uses) and all(outcome is True or isinstance(outcome, str) for outcome in outcomes)


def _outcome(node: ast.expr, parents: dict[ast.AST, ast.AST]) -> bool | str:
    """Follow a frame up its chain: True if it loses its grain, or the variable that it becomes."""
    for below, here in _climb(node, parents):
        if isinstance(here, ast.Attribute):
            if here.attr in AGGREGATES:
                return True
        elif isinstance(here, ast.Call):
            if here.func is below:
                continue
            return isinstance(here.func, ast.Attribute) and here.func.attr in JOINS
        elif isinstance(here, ast.keyword):
            call = parents.get(here)
            method = call.func if isinstance(call, ast.Call) else None
            return (
                here.arg == "other" and isinstance(method, ast.Attribute) and method.attr in JOINS
            )
        elif isinstance(here, ast.Assign) and len(here.targets) == 1:
            target = here.targets[0]
            return target.id if isinstance(target, ast.Name) else False
        else:
            return False
    return False


def _climb(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[tuple[ast.AST, ast.AST]]:
    while (above := parents.get(node)) is not None:
        yield node, above
        node = above
