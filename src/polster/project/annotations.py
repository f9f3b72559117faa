"""What the annotations of a function mean once its module is imported.

An annotation may be a text, and may name what its file binds for type checkers only, under
``if TYPE_CHECKING:``. That is looked up when it is needed, so an annotation either means a type
or is an error; it is never passed over.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import linecache
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NewType, TypeVar, Union, get_args, get_origin, get_type_hints

from polster.project.written_types import Binding, bindings, written_types

ANYTHING = (Any, object)


class UnresolvedAnnotationError(Exception):
    """An annotation names something that is not there; the text says what."""


def meanings(function: Callable[..., Any], annotation: object) -> Iterator[object]:
    """Yield the types that ``annotation``, of a parameter of ``function``, admits.

    ``Annotated``, ``Optional``, unions, aliases, ``NewType`` and type variables are seen through;
    ``None`` is left out.

    Raises:
        UnresolvedAnnotationError: A name in it means nothing.
    """
    if isinstance(annotation, type) and get_origin(annotation) is None:
        if annotation is not type(None):
            yield annotation
        return
    names = _Names.of(inspect.unwrap(function))
    try:
        yield from _alternatives(names.resolve(annotation))
    except UnresolvedAnnotationError:
        raise
    except Exception as error:  # an alias is computed when it is asked for, by the user's code
        raise UnresolvedAnnotationError(str(error)) from error


def name_for_anything(
    function: Callable[..., Any], parameter: str, annotation: object
) -> str | None:
    """Return the name behind which the annotation of ``parameter`` admits anything at all.

    ``Any`` and ``object`` say so themselves. Another name that is bound to one of them, such as in
    the ``else`` of ``if TYPE_CHECKING:``, says something else to whoever reads it.
    """
    function = inspect.unwrap(function)
    written = annotation if isinstance(annotation, str) else _written(function, parameter)
    if not written:
        return None
    names = _Names.of(function)
    for each in written_types(ast.Constant(written)):
        name = ast.unparse(each)
        if name.rpartition(".")[2] in ("Any", "object"):
            continue
        try:
            if names.resolve(name) in ANYTHING:
                return name
        except UnresolvedAnnotationError:
            continue
    return None


def _alternatives(meant: Any) -> Iterator[object]:
    origin = get_origin(meant)
    if meant is type(None):
        return
    if origin is Annotated:
        yield from _alternatives(meant.__origin__)
    elif origin in (Union, types.UnionType):
        for each in get_args(meant):
            yield from _alternatives(each)
    elif hasattr(origin, "__value__"):  # `type Rows[C] = …`, with its parameter given
        yield from _alternatives(origin.__value__[get_args(meant)])
    elif hasattr(meant, "__value__"):
        yield from _alternatives(meant.__value__)
    elif isinstance(meant, NewType):
        yield from _alternatives(meant.__supertype__)
    elif isinstance(meant, TypeVar):
        bound = Any if meant.__bound__ is None else meant.__bound__
        for each in meant.__constraints__ or (bound,):
            yield from _alternatives(each)
    else:
        yield meant


@dataclass(slots=True)
class _Names:
    """What names mean in the annotations of one function."""

    known: dict[str, Any]
    package: str
    file: str
    parameters: tuple[Any, ...]
    _bindings: Mapping[str, Binding] | None = None
    _asked: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _Names:
        scope: Mapping[str, Any] = getattr(function, "__globals__", {})
        code = getattr(function, "__code__", None)
        return cls(
            {**scope, **_enclosing(function)},
            scope.get("__package__") or "",
            code.co_filename if code else "",
            getattr(function, "__type_params__", ()),
        )

    def resolve(self, annotation: object) -> object:
        """Return the object that ``annotation`` stands for, text and names resolved."""
        while True:
            holder = types.SimpleNamespace(
                __annotations__={"it": annotation}, __type_params__=self.parameters
            )
            try:
                return get_type_hints(holder, globalns=self.known)["it"]
            except NameError as error:
                name = error.name or ""
                if self._bindings is None:
                    self._bindings = bindings(_parse(self.file))
                if name in self._asked or name not in self._bindings:
                    raise UnresolvedAnnotationError(f"there is no `{name}`") from error
                self._asked.add(name)
                self.known[name] = self._bound(name, self._bindings[name])
            except Exception as error:
                raise UnresolvedAnnotationError(f"{type(error).__name__}: {error}") from error

    def _bound(self, name: str, binding: Binding) -> object:
        """Return what a statement that never ran would bind ``name`` to."""
        if isinstance(binding, ast.expr):
            return self.resolve(ast.unparse(binding))
        (alias,) = binding.names
        try:
            if isinstance(binding, ast.Import):
                module = importlib.import_module(alias.name)
                return module if alias.asname else importlib.import_module(name)
            relative = "." * binding.level + (binding.module or "")
            full = importlib.util.resolve_name(relative, self.package)
            module = importlib.import_module(full)
            if hasattr(module, alias.name):
                return getattr(module, alias.name)
            return importlib.import_module(f"{full}.{alias.name}")
        except Exception as error:  # a module may raise anything while it is imported
            said = f"`{name}` cannot be imported: {type(error).__name__}: {error}"
            raise UnresolvedAnnotationError(said) from error


def _enclosing(function: Callable[..., Any]) -> Mapping[str, Any]:
    """Return what the function knows of the functions that it is written in."""
    if getattr(function, "__closure__", None) is None:
        return {}
    try:
        return inspect.getclosurevars(function).nonlocals
    except (TypeError, ValueError):
        return {}


def _written(function: Callable[..., Any], parameter: str) -> str | None:
    """Return the annotation of a parameter as its file has it; None if that cannot be read."""
    code = getattr(function, "__code__", None)
    if code is None:
        return None
    for node in ast.walk(_parse(code.co_filename)):
        if not isinstance(node, ast.FunctionDef) or node.name != code.co_name:
            continue
        first = min([node.lineno, *(each.lineno for each in node.decorator_list)])
        every = (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        for each in every if first == code.co_firstlineno else ():
            if each.arg == parameter and each.annotation is not None:
                return ast.unparse(each.annotation)
    return None


def _parse(file: str) -> ast.Module:
    linecache.checkcache(file)
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return ast.Module([], [])
