"""Reading the value of an expression from source, where it can be read without running it."""

from __future__ import annotations

import ast


class NotLiteral(Exception):
    """The value depends on code that would have to run."""


def literal(node: ast.expr, tree: ast.Module) -> object:
    """Return the value of ``node``: written out, or a constant of the same file.

    Raises:
        NotLiteral: It is neither.
    """
    try:
        return ast.literal_eval(_with_constants(node, _constants(tree)))
    except (ValueError, TypeError, SyntaxError, RecursionError) as error:
        raise NotLiteral(ast.unparse(node)) from error


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


def _with_constants(node: ast.expr, constants: dict[str, ast.expr]) -> ast.expr:
    class Fill(ast.NodeTransformer):
        def visit_Name(self, name: ast.Name) -> ast.expr:  # noqa: N802 - the name ast calls
            return constants.get(name.id, name)

    copied = ast.parse(ast.unparse(node), mode="eval").body
    filled = Fill().visit(copied)
    return filled if isinstance(filled, ast.expr) else node
