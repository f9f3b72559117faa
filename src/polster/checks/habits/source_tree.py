"""The modules of a project, each parsed once, and what the names in them mean."""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass, field
from pathlib import Path

from polster.checks.habits.gather import gather
from polster.checks.habits.unit import TOP, Unit, name_parts
from polster.project.modules import Modules
from polster.project.source import SourceFiles
from polster.project.written_types import written_types

FRAMES = frozenset({"polars.LazyFrame", "polars.DataFrame"})
MOST_STEPS = 20
"""How often a name is followed to another name; more than anyone writes."""


@dataclass(slots=True)
class Module:
    """One module of the project.

    Attributes:
        name: Import path, ``core.money``.
        file: Relative to the project's folder, with forward slashes.
        is_package: Whether other modules lie below it.
        units: What runs together in it, by name.
    """

    name: str
    path: Path
    file: str
    is_package: bool
    units: dict[str, Unit]
    _lines: list[bytes] | None = None

    @property
    def top(self) -> Unit:
        """Return the module's own code."""
        return self.units[TOP]

    def line(self, number: int) -> bytes:
        """Return line ``number``, from 1, as it stands in the file; empty if it went away."""
        if self._lines is None:
            try:
                self._lines = self.path.read_bytes().splitlines()
            except OSError:
                self._lines = []
        return self._lines[number - 1] if number <= len(self._lines) else b""

    def column(self, line: int, offset: int) -> int:
        """Return the character, from 1, of a place that :mod:`ast` counts in bytes from 0."""
        return len(self.line(line)[:offset].decode(errors="replace")) + 1


@dataclass(slots=True)
class Sources:
    """Reads the modules of the project in ``root`` as they are asked for.

    Attributes:
        files: What was read already.
    """

    root: Path
    files: SourceFiles = field(default_factory=SourceFiles)
    _places: Modules = field(init=False)
    _modules: dict[str, Module | None] = field(default_factory=dict)
    _meanings: dict[tuple[int, tuple[str, ...]], str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._places = Modules(self.root)

    def module(self, name: str) -> Module | None:
        """Return a module by its import path; None if the project has none, or it is broken."""
        if name not in self._modules:
            self._modules[name] = self._read(name)
        return self._modules[name]

    def split(self, name: str) -> tuple[Module, tuple[str, ...]] | None:
        """Split ``core.money.in_euros`` into the module and the rest; None if it is not ours."""
        if self.module(name.partition(".")[0]) is None:
            return None
        parts = name.split(".")
        found: tuple[Module, tuple[str, ...]] | None = None
        for count in range(1, len(parts) + 1):
            if found is not None and (not found[0].is_package or found[1][0] in found[0].units):
                break
            module = self.module(".".join(parts[:count]))
            if module is None:
                break
            found = module, tuple(parts[count:])
        return found

    def meaning(self, module: Module, unit: Unit, parts: tuple[str, ...]) -> str | None:
        """Say what a name in a unit means: ``polars.read_csv``; None if that is a variable."""
        asked = id(unit), parts  # units live as long as their modules, which are all kept
        if asked not in self._meanings:
            self._meanings[asked] = self._meaning(module, unit, parts)
        return self._meanings[asked]

    def _meaning(self, module: Module, unit: Unit, parts: tuple[str, ...]) -> str | None:
        root = parts[0]
        if root in unit.aliases:
            start = unit.aliases[root]
        elif root in unit.bound:
            return None
        elif root in module.top.aliases:
            start = module.top.aliases[root]
        elif root in module.units:
            start = f"{module.name}.{root}"
        elif (starred := self._starred(module, root)) is not None:
            start = starred
        elif hasattr(builtins, root):
            start = f"builtins.{root}"
        else:
            return None
        return self.canonical(".".join((start, *parts[1:])))

    def canonical(self, name: str) -> str:
        """Follow a name through modules of the project that only import it."""
        for _ in range(MOST_STEPS):
            found = self.split(name)
            if found is None or not found[1]:
                return name
            module, rest = found
            if rest[0] in module.units:
                return name
            target = module.top.aliases.get(rest[0]) or self._starred(module, rest[0])
            if target is None:
                return name
            name = ".".join((target, *rest[1:]))
        return name

    def origin(
        self, module: Module, unit: Unit, node: ast.expr, steps: int = MOST_STEPS
    ) -> str | None:
        """Say what a value comes from: the function at the root of its chain of calls.

        ``pl.scan_csv("x").filter(…)`` comes from ``polars.scan_csv``; so does a variable that it
        was assigned to. A parameter that is annotated as a frame comes from the frame's class.
        """
        if steps == 0:
            return None
        if isinstance(node, ast.Call):
            parts = name_parts(node.func)
            if parts is not None:
                meant = self.meaning(module, unit, parts)
                if meant is not None and not self.is_value(meant):
                    return meant
            inner = node.func.value if isinstance(node.func, ast.Attribute) else None
        elif isinstance(node, ast.Attribute | ast.Subscript | ast.Starred | ast.Await):
            inner = node.value
        elif isinstance(node, ast.BinOp):
            inner = node.left
        elif isinstance(node, ast.Name):
            inner = unit.assigned.get(node.id)
            if inner is None and node.id not in unit.bound:
                inner = module.top.assigned.get(node.id)
            if inner is None:
                return self._frame(module, unit, node.id)
        else:
            return None
        return None if inner is None else self.origin(module, unit, inner, steps - 1)

    def _frame(self, module: Module, unit: Unit, name: str) -> str | None:
        """Return the class of a parameter that is annotated as a frame of Polars."""
        if not isinstance(unit.node, ast.FunctionDef | ast.AsyncFunctionDef):
            return None
        arguments = unit.node.args
        for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            if each.arg != name or each.annotation is None:
                continue
            for written in written_types(each.annotation):
                parts = name_parts(written)
                meant = self.meaning(module, unit, parts) if parts else None
                if meant in FRAMES:
                    return meant
        return None

    def is_value(self, name: str) -> bool:
        """Tell whether a name of the project is a constant, or an attribute of one."""
        found = self.split(name)
        if found is None or not found[1]:
            return False
        return found[1][0] in found[0].top.assigned

    def _starred(self, module: Module, name: str) -> str | None:
        for star in module.top.stars:
            other = self.module(star)
            if other is None:
                if not hasattr(builtins, name):
                    return f"{star}.{name}"
            elif other is not module and (name in other.units or name in other.top.aliases):
                return f"{star}.{name}"
        return None

    def _read(self, name: str) -> Module | None:
        place = self._places.find(name)
        if place is None:
            return None
        file = place.path.relative_to(self.root).as_posix()
        if place.is_namespace:
            return Module(name, place.path, file, True, {TOP: Unit(TOP)})
        try:
            units = gather(self.files.parse(place.path), place.package)
        except (OSError, SyntaxError, ValueError, RecursionError):  # too deep for anyone
            return None
        return Module(name, place.path, file, place.is_package, units)
