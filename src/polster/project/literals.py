"""Reading the value of an expression from source, where it can be read without running it."""

from __future__ import annotations

import ast
from collections.abc import Callable
from dataclasses import fields

from polster.errors import nearest
from polster.model.expect import Expect

EXPECTATIONS = [each.name for each in fields(Expect)]


class NotLiteralError(Exception):
    """The value depends on code that would have to run."""


def literal(node: ast.expr, tree: ast.Module) -> object:
    """Return the value of ``node``: written out, or a constant of the same file.

    Raises:
        NotLiteralError: It is neither.
        ValueError: It is an ``Expect(…)`` that makes no sense.
    """
    if isinstance(node, ast.Name):
        node = _constants(tree).get(node.id, node)
    if isinstance(node, ast.Call) and _is_expect(node.func, tree):
        return _expect(node, tree)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise NotLiteralError(ast.unparse(node)) from error


def _is_expect(function: ast.expr, tree: ast.Module) -> bool:
    if isinstance(function, ast.Attribute):
        return function.attr == Expect.__name__
    names = {Expect.__name__} | {
        alias.asname
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module == "polster"
        for alias in node.names
        if alias.name == Expect.__name__
    }
    return isinstance(function, ast.Name) and function.id in names


def _expect(call: ast.Call, tree: ast.Module) -> Expect:
    if call.args:
        raise ValueError("takes named expectations only")
    values: dict[str, object] = {}
    for keyword in call.keywords:
        if keyword.arg not in EXPECTATIONS:
            name = keyword.arg or "**"
            close = nearest(name, EXPECTATIONS)
            raise ValueError(
                f"has no expectation `{name}`; "
                + (f"did you mean `{close}`?" if close else f"it knows {', '.join(EXPECTATIONS)}")
            )
        values[keyword.arg] = literal(keyword.value, tree)
    make: Callable[..., Expect] = Expect
    return make(**values)


def _constants(tree: ast.Module) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target, value = statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target, value = statement.target, statement.value
        else:
            continue
        if isinstance(target, ast.Name):
            found[target.id] = value
    return found
