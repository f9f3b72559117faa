"""One walk through a module's code: what it imports, names, calls and writes out, by unit.

Text given to a constant of the module is a unit too, so that a path counts only where the
constant is used.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from polster.checks.habits.unit import TOP, Imported, Text, Unit, name_parts


def gather(tree: ast.Module, package: str) -> dict[str, Unit]:
    """Return the units of a module by name.

    Args:
        tree: The module.
        package: The package that relative imports are seen from.
    """
    top = Unit(TOP)
    units = {TOP: top}
    walk = _Walk(top, package)
    for statement in tree.body:
        _statement(statement, walk, units)
    return units


def _statement(statement: ast.stmt, walk: _Walk, units: dict[str, Unit]) -> None:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        _evaluated_at_once(statement, walk)
        units[statement.name] = _function(statement.name, statement, walk.package)
    elif isinstance(statement, ast.ClassDef):
        for made in _class(statement, walk.package):
            units[made.name] = made
    elif isinstance(statement, ast.If | ast.Try | ast.With):
        if isinstance(statement, ast.If) and _is_left_out(statement.test):
            for other in statement.orelse:
                _statement(other, walk, units)
            return
        parts: list[ast.stmt] = [*statement.body, *getattr(statement, "orelse", [])]
        for handler in getattr(statement, "handlers", []):
            parts += handler.body
        parts += getattr(statement, "finalbody", [])
        for part in parts:
            _statement(part, walk, units)
        if isinstance(statement, ast.If):
            walk.visit(statement.test)
        elif isinstance(statement, ast.With):
            walk.visit_all(statement.items)
    elif (constant := _constant(statement)) is not None:
        _assignment(constant, walk, units)
    else:
        walk.visit(statement)


def _assignment(constant: tuple[list[str], ast.expr], walk: _Walk, units: dict[str, Unit]) -> None:
    """Put the text of a constant into a unit of its own; what it calls, the module calls."""
    names, value = constant
    unit = Unit(names[0])
    inner = _Walk(unit, walk.package)
    inner.named(value, names[0])
    walk.unit.assigned.update(dict.fromkeys(names, value))
    if unit.calls:
        walk.unit.calls += unit.calls
        walk.unit.passed += unit.passed
        walk.unit.names.update(unit.names)
        walk.unit.attributes |= unit.attributes
        unit.calls, unit.passed = [], []
    for name in names:
        known = units.setdefault(name, unit)
        if known is not unit:
            known.texts += unit.texts
            known.names.update(unit.names)


def _constant(statement: ast.stmt) -> tuple[list[str], ast.expr] | None:
    if isinstance(statement, ast.Assign):
        names = [target.id for target in statement.targets if isinstance(target, ast.Name)]
        if len(names) == len(statement.targets):
            return names, statement.value
    elif (
        isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and statement.value is not None
    ):
        return [statement.target.id], statement.value
    return None


def _is_left_out(test: ast.expr) -> bool:
    """Tell whether a condition holds only for a script, or only for a type checker."""
    if isinstance(test, ast.Compare):
        return isinstance(test.left, ast.Name) and test.left.id == "__name__"
    parts = name_parts(test)
    return parts is not None and parts[-1] == "TYPE_CHECKING"


def _evaluated_at_once(node: ast.FunctionDef | ast.AsyncFunctionDef, walk: _Walk) -> None:
    walk.visit_all(node.decorator_list)
    walk.defaults(node.args)


def _function(name: str, node: ast.FunctionDef | ast.AsyncFunctionDef, package: str) -> Unit:
    unit = Unit(name, node)
    walk = _Walk(unit, package)
    walk.parameters(node.args)
    walk.visit_all(node.body)
    return unit


def _class(node: ast.ClassDef, package: str) -> Iterable[Unit]:
    body = Unit(node.name, node)
    walk = _Walk(body, package)
    walk.visit_all([*node.decorator_list, *node.bases])
    for base in node.keywords:
        walk.visit(base.value)
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
            _evaluated_at_once(statement, walk)
            yield _function(f"{node.name}.{statement.name}", statement, package)
        else:
            walk.visit(statement)
    body.bound.clear()  # the names of a class's body are not seen from its methods
    yield body


class _Walk:
    """Walks through code and notes what belongs to one unit."""

    def __init__(self, unit: Unit, package: str) -> None:
        self.unit = unit
        self.package = package
        self.depth = 0  # of functions inside the unit

    def visit(self, node: ast.AST) -> None:
        kind = type(node)
        if kind in SILENT:
            return
        step = STEPS.get(kind)
        if step is not None:
            step(self, node)
            return
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                self.visit_all(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST):
                self.visit(value)

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def defaults(self, arguments: ast.arguments) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        given = positional[len(positional) - len(arguments.defaults) :]
        for argument, default in [
            *zip(given, arguments.defaults, strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]:
            if default is not None:
                self.named(default, argument.arg)

    def parameters(self, arguments: ast.arguments) -> None:
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        every += [each for each in (arguments.vararg, arguments.kwarg) if each]
        self.unit.bound.update(argument.arg for argument in every)

    def named(self, value: ast.expr, name: str) -> None:
        """Visit a value that has a name."""
        if isinstance(value, ast.Constant):
            if isinstance(value.value, str):
                self.unit.texts.append(Text(value, value.value, name))
        else:
            self.visit(value)

    def _name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.unit.names.setdefault((node.id,), node)
        elif self.unit.name or self.depth:
            self.unit.bound.add(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        parts = name_parts(node)
        inner: ast.expr = node
        while isinstance(inner, ast.Attribute):
            self.unit.attributes.add(inner.attr)
            inner = inner.value
        if parts is None:
            self.visit(inner)
        else:
            self.unit.names.setdefault(parts, node)

    def _call(self, node: ast.Call) -> None:
        self.unit.calls.append(node)
        self.visit(node.func)
        for argument in node.args:
            self._argument(argument, None, node)
        for keyword in node.keywords:
            self._argument(keyword.value, keyword.arg, node)

    def _argument(self, value: ast.expr, name: str | None, call: ast.Call) -> None:
        if isinstance(value, ast.Constant):
            if isinstance(value.value, str):
                self.unit.texts.append(Text(value, value.value, name, call))
            return
        if isinstance(value, ast.Name | ast.Attribute):
            self.unit.passed.append(value)
        elif isinstance(value, ast.JoinedStr):
            self._joined(value, call)
            return
        elif isinstance(value, ast.List | ast.Tuple | ast.Set):
            for element in value.elts:
                self._argument(element, name, call)
            return
        elif isinstance(value, ast.Dict):
            self._dict(value, call)
            return
        self.visit(value)

    def _text(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self.unit.texts.append(Text(node, node.value))

    def _joined(self, node: ast.JoinedStr, call: ast.Call | None = None) -> None:
        first = node.values[0] if node.values else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            rest = "{}" if len(node.values) > 1 else ""
            self.unit.texts.append(Text(node, first.value + rest, None, call))
        for value in node.values:
            if not isinstance(value, ast.Constant):
                self.visit(value)

    def _compare(self, node: ast.Compare) -> None:
        for side in (node.left, *node.comparators):
            if isinstance(side, ast.Constant):
                if isinstance(side.value, str):
                    self.unit.texts.append(Text(side, side.value, is_compared=True))
            else:
                self.visit(side)

    def _dict(self, node: ast.Dict, call: ast.Call | None = None) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            name: str | None = None
            if isinstance(key, ast.Constant):
                if isinstance(key.value, str):
                    name = key.value
                    self.unit.texts.append(Text(key, name, is_compared=True))
            elif key is not None:
                self.visit(key)
            if isinstance(value, ast.Constant):
                if isinstance(value.value, str):
                    self.unit.texts.append(Text(value, value.value, name, call, in_dict=True))
            else:
                self.visit(value)

    def _statement(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring, or no effect
            self.visit(node.value)

    def _assign(self, node: ast.Assign) -> None:
        name: str | None = None
        for target in node.targets:
            self.visit(target)
            name = name or self._give(target, node.value)
        self._value(node.value, name)

    def _annotated(self, node: ast.AnnAssign) -> None:
        self.visit(node.target)
        if node.value is not None:
            self._value(node.value, self._give(node.target, node.value))

    def _walrus(self, node: ast.NamedExpr) -> None:
        self.visit(node.target)
        self._value(node.value, self._give(node.target, node.value))

    def _value(self, value: ast.expr, name: str | None) -> None:
        if name is None:
            self.visit(value)
        else:
            self.named(value, name)

    def _give(self, target: ast.expr, value: ast.expr) -> str | None:
        """Note which value ``target`` gets; return the name that it goes by."""
        if isinstance(target, ast.Name):
            if _root(value) != target.id:  # rows = rows.unique() comes from where rows came from
                self.unit.assigned[target.id] = value
            return target.id
        if isinstance(target, ast.Attribute):
            return target.attr
        if isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Constant):
            key = target.slice.value
            return key if isinstance(key, str) else None
        return None

    def _loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self._give(node.target, node.iter)
        self.visit_all([node.target, node.iter])
        if isinstance(node, ast.comprehension):
            self.visit_all(node.ifs)
        else:
            self.visit_all([*node.body, *node.orelse])

    def _with(self, node: ast.withitem) -> None:
        if node.optional_vars is not None:
            self._give(node.optional_vars, node.context_expr)
            self.visit(node.optional_vars)
        self.visit(node.context_expr)

    def _handler(self, node: ast.ExceptHandler) -> None:
        if node.name and self.unit.name:
            self.unit.bound.add(node.name)
        self.visit_all(node.body)

    def _inner_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.unit.bound.add(node.name)
        _evaluated_at_once(node, self)
        self.parameters(node.args)
        self.depth += 1
        self.visit_all(node.body)
        self.depth -= 1

    def _lambda(self, node: ast.Lambda) -> None:
        self.defaults(node.args)
        if self.unit.name:
            self.parameters(node.args)
        self.depth += 1
        self.visit(node.body)
        self.depth -= 1

    def _return(self, node: ast.Return) -> None:
        if node.value is not None:
            if self.depth == 0:
                self.unit.returned.append(node.value)
            self.visit(node.value)

    def _if(self, node: ast.If) -> None:
        self.visit(node.test)
        if not _is_left_out(node.test):
            self.visit_all(node.body)
        self.visit_all(node.orelse)

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.unit.imports.append(Imported(alias.name, alias))
            if alias.asname:
                self.unit.aliases[alias.asname] = alias.name
            else:
                top = alias.name.partition(".")[0]
                self.unit.aliases[top] = top

    def _import_from(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            parts = self.package.split(".")
            parent = ".".join(parts[: len(parts) - node.level + 1])
            base = f"{parent}.{base}".strip(".")
        for alias in node.names:
            if alias.name == "*":
                self.unit.stars.append(base)
                self.unit.imports.append(Imported(base, alias))
                continue
            self.unit.imports.append(Imported(f"{base}.{alias.name}", alias))
            self.unit.aliases[alias.asname or alias.name] = f"{base}.{alias.name}"


SILENT: frozenset[type[ast.AST]] = frozenset(
    {ast.Load, ast.Store, ast.Del, ast.Pass, ast.arguments, ast.arg}
)
STEPS: dict[type[ast.AST], Callable[[_Walk, ast.AST], None]] = {
    kind: getattr(_Walk, name)
    for kind, name in (
        (ast.Name, "_name"),
        (ast.Attribute, "_attribute"),
        (ast.Call, "_call"),
        (ast.Constant, "_text"),
        (ast.JoinedStr, "_joined"),
        (ast.Compare, "_compare"),
        (ast.Dict, "_dict"),
        (ast.Expr, "_statement"),
        (ast.Assign, "_assign"),
        (ast.AnnAssign, "_annotated"),
        (ast.NamedExpr, "_walrus"),
        (ast.For, "_loop"),
        (ast.AsyncFor, "_loop"),
        (ast.comprehension, "_loop"),
        (ast.withitem, "_with"),
        (ast.ExceptHandler, "_handler"),
        (ast.FunctionDef, "_inner_function"),
        (ast.AsyncFunctionDef, "_inner_function"),
        (ast.Lambda, "_lambda"),
        (ast.Return, "_return"),
        (ast.If, "_if"),
        (ast.Import, "_import"),
        (ast.ImportFrom, "_import_from"),
    )
}


def _root(value: ast.expr) -> str | None:
    """Return the variable at the root of a chain of calls; None if there is none."""
    inner: ast.expr | None = value
    while inner is not None:
        match inner:
            case ast.Name():
                return inner.id
            case ast.Call(func=ast.Attribute() as method):
                inner = method.value
            case ast.Attribute() | ast.Subscript():
                inner = inner.value
            case _:
                inner = None
    return None
