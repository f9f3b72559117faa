"""Which code an asset can come to: its own file, and of the project's helpers what it names."""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from polster.checks.habits.source_tree import Module, Sources
from polster.checks.habits.unit import TOP, Unit
from polster.model.asset import Asset, AssetKey
from polster.project.import_path import PACKAGE

PLAIN_METHODS = frozenset({"property", "cached_property", "staticmethod", "classmethod"})

Place = tuple[str, str]
"""A module and a unit in it, by name."""


def asset_of_module(name: str) -> AssetKey | None:
    """Return the asset that a module is named after; None for a helper.

    >>> str(asset_of_module("core.silver_orders"))
    'silver.orders'
    """
    package, _, stem = name.rpartition(".")
    return AssetKey.parse(stem) if package == PACKAGE and "_" in stem else None


@dataclass(slots=True)
class Reach:
    """Follows names from unit to unit; what a unit leads to is worked out once.

    Attributes:
        sources: The project's modules.
    """

    sources: Sources
    _next: dict[Place, tuple[Place, ...]] = field(default_factory=dict)
    _methods: dict[Place, list[tuple[str, bool]]] = field(default_factory=dict)

    def of(self, asset: Asset) -> list[tuple[Module, Unit]]:
        """List every unit that ``asset`` can come to, those of its own file first."""
        own = self.sources.module(asset.module)
        if own is None:
            return []
        waiting = deque((own.name, name) for name in own.units)
        found: dict[Place, tuple[Module, Unit]] = {}
        methods: dict[str, list[Place]] = {}  # of classes that are reached, by their name
        asked: set[str] = set()  # attributes that reached code asks for
        while waiting:
            place = waiting.popleft()
            module = self.sources.module(place[0])
            if place in found or module is None:
                continue
            unit = module.units[place[1]]
            found[place] = module, unit
            waiting += self._from(place, module, unit)
            for name, is_always_called in self._methods_of(place, module, unit):
                short = name.rpartition(".")[2]
                if is_always_called or short in asked:
                    waiting.append((module.name, name))
                methods.setdefault(short, []).append((module.name, name))
            for attribute in unit.attributes - asked:
                waiting += methods.get(attribute, ())
            asked |= unit.attributes
        return list(found.values())

    def _from(self, place: Place, module: Module, unit: Unit) -> tuple[Place, ...]:
        if place not in self._next:
            self._next[place] = tuple(dict.fromkeys(self._steps(module, unit)))
        return self._next[place]

    def _methods_of(self, place: Place, module: Module, unit: Unit) -> list[tuple[str, bool]]:
        """List the methods of a class, and whether each is called without being named."""
        if not isinstance(unit.node, ast.ClassDef):
            return []
        if place not in self._methods:
            start = f"{unit.name}."
            self._methods[place] = [
                (name, name.startswith(f"{start}__") or _is_registered(method))
                for name, method in module.units.items()
                if name.startswith(start)
            ]
        return self._methods[place]

    def _steps(self, module: Module, unit: Unit) -> Iterator[Place]:
        for imported in unit.imports:  # importing a module runs its own code
            name = imported.name
            while name:
                if (found := self.sources.split(name)) is not None:
                    yield found[0].name, TOP
                name = name.rpartition(".")[0]
        for parts in unit.names:
            meant = self.sources.meaning(module, unit, parts)
            found = self.sources.split(meant) if meant is not None else None
            if found is None or not found[1]:
                continue
            other, (name, *more) = found
            if _is_asset(other, name):
                continue  # POL606 tells; its own code is judged as what it is
            if name in other.units:
                yield other.name, name
            if more and f"{name}.{more[0]}" in other.units:
                yield other.name, f"{name}.{more[0]}"


def _is_registered(method: Unit) -> bool:
    """Tell whether a decorator hands the method to somebody who calls it, as ``@dy.rule()``."""
    decorators = method.node.decorator_list if method.node is not None else []
    return any(ast.unparse(each).rpartition(".")[2] not in PLAIN_METHODS for each in decorators)


def _is_asset(module: Module, name: str) -> bool:
    key = asset_of_module(module.name)
    return key is not None and key.name == name
