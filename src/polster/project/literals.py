"""Reading the value of an expression from source, where it can be read without running it."""

from __future__ import annotations

import ast


class NotLiteralError(Exception):
    """The value depends on code that would have to run."""


def literal(node: ast.expr, tree: ast.Module) -> object:
    """Return the value of ``node``: written out, or a constant of the same file.

    Raises:
        NotLiteralError: It is neither.
    """
    if isinstance(node, ast.Name):
        node = _constants(tree).get(node.id, node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise NotLiteralError(ast.unparse(node)) from error


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
