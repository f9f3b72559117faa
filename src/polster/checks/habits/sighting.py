"""What was seen at one place of the code, before it is known which assets come there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from polster.checks.habits.source_tree import Module, Sources
from polster.checks.habits.unit import Unit, name_parts
from polster.model.finding import Edit, Severity
from polster.model.layer import Layer

ABOVE_BRONZE = frozenset({Layer.SILVER, Layer.GOLD})
EVERY_LAYER = frozenset(Layer)
PLAIN = frozenset({"polars.col", "polars.lit", "polars.len", "polars.when", "polars.concat"})
CONTRACT_PART = re.compile(r"dataframely\.[A-Z]\w*$")
"""What code is full of, and what never breaks a rule; passed by at once."""

ITSELF = (("self",), ("cls",))
OURS = "project:"
MAY_GIVE_FRAMES = (OURS, "polars.", "dataframely.", "builtins.", "functools.", "typing.", "copy.")
"""Beginnings of what a frame or an expression may come from."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A breach, if an asset of one of ``layers`` comes to it.

    Attributes:
        code: Of the rule.
        line: From 1.
        offset: Bytes before it in the line.
        does: What the code does, to stand behind the name of an asset: ``collects with `…```.
        hint: One edit that mends it.
        severity: That of the rule.
        layers: Which assets may not do so.
        fix: The mechanical mend; it holds only in the asset's own function.
    """

    code: str
    line: int
    offset: int
    does: str
    hint: str
    severity: Severity
    layers: frozenset[Layer] = ABOVE_BRONZE
    fix: Edit | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """One unit of a module, with the means to ask what its names mean."""

    sources: Sources
    module: Module
    unit: Unit

    def meaning(self, node: ast.expr) -> str | None:
        """Say what ``node`` names, ``polars.read_csv``; None if it is no name, or a variable."""
        parts = name_parts(node)
        return None if parts is None else self.sources.meaning(self.module, self.unit, parts)

    def origin(self, node: ast.expr) -> str | None:
        """Say which function a value comes from, one of the project marked by :data:`OURS`."""
        found = self.sources.origin(self.module, self.unit, node)
        if found is not None and self.sources.split(found) is not None:
            return f"{OURS}{found}"
        return found

    def is_defined(self, name: str) -> bool:
        """Tell whether ``name`` is a function, class or method of the project itself."""
        found = self.sources.split(name)
        return found is not None and ".".join(found[1]) in found[0].units

    def is_class(self, name: str) -> bool:
        """Tell whether ``name`` is a class of the project."""
        found = self.sources.split(name)
        unit = found[0].units.get(".".join(found[1])) if found is not None else None
        return unit is not None and isinstance(unit.node, ast.ClassDef)


@dataclass(frozen=True, slots=True)
class Use:
    """A function that is called, or handed on to be called.

    Attributes:
        seen: Where.
        node: The name, or the attribute of a value.
        call: None if it is handed on.
        meaning: ``polars.read_csv``; None if it is a method of a value.
        method: ``collect``; None if it is not one of a value.
    """

    seen: Seen
    node: ast.expr
    call: ast.Call | None
    meaning: str | None
    method: str | None

    @property
    def origin(self) -> str | None:
        """Say what the value comes from, if that can be told; see :meth:`Seen.origin`."""
        return self.seen.origin(self.node.value) if isinstance(self.node, ast.Attribute) else None

    @property
    def place(self) -> tuple[int, int]:
        """Return line and offset: of a method the method's own name, late in a long chain."""
        return place_of(self.node)

    @property
    def written(self) -> str:
        """Return it as short as a message needs it."""
        parts = name_parts(self.node)
        if parts is not None and self.meaning is not None:
            return ".".join(parts)
        return f".{self.method}()"

    @property
    def is_foreign(self) -> bool:
        """Tell whether it certainly is no method of a frame or an expression."""
        if isinstance(self.node, ast.Attribute) and name_parts(self.node.value) in ITSELF:
            return True
        origin = self.origin
        if origin is None:
            return False
        is_object = self.seen.is_class(origin.removeprefix(OURS))
        return is_object or not origin.startswith(MAY_GIVE_FRAMES)


def place_of(node: ast.expr) -> tuple[int, int]:
    """Return line and offset of a name; of an attribute where its last part stands."""
    if isinstance(node, ast.Attribute) and node.end_lineno and node.end_col_offset is not None:
        return node.end_lineno, node.end_col_offset - len(node.attr.encode())
    return node.lineno, node.col_offset


def uses(seen: Seen) -> Iterator[Use]:
    """Yield what a unit calls or hands on."""
    for call in seen.unit.calls:
        node = call.func
        meaning = seen.meaning(node)
        if meaning is None and isinstance(node, ast.Name) and node.id in seen.unit.assigned:
            meaning = seen.meaning(seen.unit.assigned[node.id])  # read = pl.read_csv
        if meaning in PLAIN or (meaning is not None and CONTRACT_PART.match(meaning)):
            continue
        if meaning is not None and not (
            isinstance(node, ast.Attribute) and seen.sources.is_value(meaning)
        ):
            yield Use(seen, node, call, meaning, None)
        elif isinstance(node, ast.Attribute):
            yield Use(seen, node, call, None, node.attr)
    for node in seen.unit.passed:
        meaning = seen.meaning(node)
        if meaning is not None:
            yield Use(seen, node, None, meaning, None)
