"""What runs together in a module: its own code, one function, one method, one class's body."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field

TOP = ""
"""Name of the unit that is the module's own code."""


@dataclass(frozen=True, slots=True)
class Text:
    """A string that is written out.

    Attributes:
        node: Where.
        value: The string; of an f-string what stands before the first value, and ``{}`` for it.
        name: What it is assigned to or passed as, if that has a name.
        call: The call that it is passed to directly.
        in_dict: Whether ``name`` is the key of a dictionary.
        is_compared: Whether it is compared with something, so that it is data.
    """

    node: ast.expr
    value: str
    name: str | None = None
    call: ast.Call | None = None
    in_dict: bool = False
    is_compared: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """A name that is imported: ``core.money.in_euros``, and where."""

    name: str
    node: ast.alias


@dataclass(slots=True)
class Unit:
    """What runs together.

    Attributes:
        name: ``in_euros``, ``Reader``, ``Reader.read``, ``FILE``; empty for the module's own code.
        node: The function or class, if it is one.
        calls: Every call, outer before inner.
        passed: Names handed on without being called.
        names: Every name that is read, attributes joined: ``("pl", "read_csv")``.
        attributes: Every attribute that is asked for.
        texts: Every string but docstrings.
        imports: What is imported here.
        aliases: What the names imported here mean.
        bound: Names that are variables here, whatever they mean outside.
        assigned: The last value given to a variable.
        returned: Values that the function itself returns.
    """

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | None = None
    calls: list[ast.Call] = field(default_factory=list)
    passed: list[ast.expr] = field(default_factory=list)
    names: dict[tuple[str, ...], ast.expr] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    texts: list[Text] = field(default_factory=list)
    imports: list[Imported] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    stars: list[str] = field(default_factory=list)
    bound: set[str] = field(default_factory=set)
    assigned: dict[str, ast.expr] = field(default_factory=dict)
    returned: list[ast.expr] = field(default_factory=list)


def name_parts(node: ast.expr) -> tuple[str, ...] | None:
    """Return ``("pl", "read_csv")`` for ``pl.read_csv``; None if it does not begin with a name."""
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.value.id, node.attr
    inner = node
    while isinstance(inner, ast.Attribute):
        inner = inner.value
    if not isinstance(inner, ast.Name):
        return None
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(inner.id)
    return tuple(reversed(parts))
