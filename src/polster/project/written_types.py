"""The types that an annotation names, and what a file binds names to; nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from polster.project.imports import statements

Binding = ast.Import | ast.ImportFrom | ast.expr
"""What binds a name: an import of that name alone, or the value that is assigned to it."""


def written_types(annotation: ast.expr) -> Iterator[ast.expr]:
    """Yield each type that a value of ``annotation`` may have, without what is written around it.

    Quotes, ``Annotated[…]``, ``Optional[…]``, ``Union[…]`` and ``… | None`` are seen through.

    >>> written = ast.parse("'Annotated[pl.DataFrame, 1] | None'").body[0].value
    >>> [ast.unparse(each) for each in written_types(written)]
    ['pl.DataFrame', 'None']
    """
    match annotation:
        case ast.Constant(value=str(text)):
            try:
                yield from written_types(ast.parse(text.strip(), mode="eval").body)
            except (SyntaxError, ValueError):
                yield annotation
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from written_types(left)
            yield from written_types(right)
        case ast.Subscript(value=ast.Name(id=head) | ast.Attribute(attr=head), slice=inside) if (
            head in ("Annotated", "Optional", "Union")
        ):
            parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
            for part in parts[:1] if head == "Annotated" else parts:
                yield from written_types(part)
        case _:
            yield annotation


def bindings(tree: ast.Module) -> Mapping[str, Binding]:
    """Return the imports and aliases of a module by the name that each binds.

    Those that only type checkers follow, under ``if TYPE_CHECKING:``, are among them.
    """
    found: dict[str, Binding] = {}
    for statement in statements(tree.body):
        match statement:
            case ast.Import(names=names):
                for each in names:
                    name = each.asname or each.name.partition(".")[0]
                    found[name] = ast.Import([each])
            case ast.ImportFrom(module=module, names=names, level=level):
                for each in names:
                    found[each.asname or each.name] = ast.ImportFrom(module, [each], level)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                found[name] = value
            case _ if type(statement).__name__ == "TypeAlias":  # of Python 3.12
                parts = dict(ast.iter_fields(statement))
                found[ast.unparse(parts["name"])] = parts["value"]
    return found
