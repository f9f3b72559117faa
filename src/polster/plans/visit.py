"""The plan of a lazy frame as Polars keeps it, behind a few plain questions.

Private to Polars, and used here alone:

- The visitor that shows a plan to other engines, handed over by ``post_opt_callback`` of
  ``collect``. Its version is asked first: another one than :data:`VISITOR`, or none, makes every
  plan unreadable. Then ``validate`` and ``lineage`` say "unknown" of columns; runs go on.
- The frames and series in a plan, which ``_from_pydf`` and ``_from_pyseries`` make ours again.
  Without them a plan with one is unreadable, too.

The rest of this room reads what the visitor says of its kinds of nodes and expressions. What
cannot be read is said to be unreadable; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

import polars as pl

from polster.plans.source import NamedSource

T = TypeVar("T")
VISITOR = 16
"""Major version of the visitor that this module was written for (Polars 2.1).

A later one may show other nodes, so nothing is read in it; ``pyproject.toml`` keeps it out.
"""

NOT_READ = (
    AttributeError,
    IndexError,
    KeyError,
    RecursionError,
    TypeError,
    ValueError,
    pl.exceptions.PolarsError,
    pl.exceptions.PanicException,
)
"""What is raised where Polars shows a plan in another way than is known here, or not at all."""


class UnreadablePlanError(Exception):
    """The plan, or a part of it, is not shown by this version of Polars."""


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression of a node.

    Attributes:
        kind: The class of the visitor, such as ``Column`` or ``BinaryExpr``; ``Opaque`` for what
            is not shown, such as a Python function.
        fields: What the visitor says of it.
        name: Of the column that it gives, where it stands at the top.
    """

    kind: str
    fields: Any
    name: str = ""

    @property
    def names_field(self) -> bool:
        """Tell whether it is a ``pl.field``; which one is not shown."""
        return self.kind == "Opaque" and self.fields == "field"


def look_at(frame: pl.LazyFrame, look: Callable[[Visitor], T]) -> T:
    """Show the plan of ``frame``, not optimized, to ``look``, and return what that says.

    Nothing is computed: Polars hands over the plan before it would begin, and is stopped there.
    To ask it for the plan at any other moment hangs if a leaf is a Delta table, whose files
    Polars lists in a thread of its own while the asking one holds the interpreter's lock.

    Raises:
        UnreadablePlanError: Polars does not show the plan; ``frame`` was not looked at.
    """
    version = _version()
    if version is None:
        raise UnreadablePlanError("this version of Polars does not show its plans")
    if version != VISITOR:
        raise UnreadablePlanError(
            f"Polars {pl.__version__} shows its plans in version {version}, Polster reads {VISITOR}"
        )
    said: list[T] = []
    failed: list[BaseException] = []

    def see(plan: Any, *_: Any) -> None:
        try:
            said.append(look(Visitor(plan)))
        except BaseException as error:  # Polars would make another one of it
            failed.append(error)
        raise _SeenError

    try:
        _collect(frame, see)
    except pl.exceptions.ComputeError:
        if not said and not failed:
            raise
    if failed:
        raise failed[0]
    return said[0]


class _SeenError(Exception):
    """Stops Polars once its plan was read."""


@cache
def _version() -> int | None:
    """Return in which version Polars hands over its plans; None if it does not.

    It is asked with a frame of nothing: to show a user's plan, Polars opens the files in it.
    """
    seen: list[int] = []

    def see(plan: Any, *_: Any) -> None:
        with suppress(AttributeError, IndexError, TypeError, ValueError):
            seen.append(int(plan.version()[0]))
        raise _SeenError

    with suppress(TypeError, pl.exceptions.PolarsError):
        _collect(pl.LazyFrame(), see)
    return seen[0] if seen else None


def _collect(frame: pl.LazyFrame, see: Callable[..., None]) -> None:
    collect: Any = frame.collect  # the callback is for other engines, and not in the signature
    collect(engine="in-memory", optimizations=pl.QueryOptFlags.none(), post_opt_callback=see)


class Visitor:
    """Walks a plan that was not optimized, so that it is as the user wrote it."""

    def __init__(self, plan: Any) -> None:
        self._plan = plan

    @property
    def root(self) -> int:
        """Return the identifier of the node that gives the result."""
        return int(self._plan.get_node())

    def node(self, identifier: int) -> Any:
        """Return what the visitor shows of a node; None if it does not show that kind."""
        self._plan.set_node(identifier)
        try:
            return self._plan.view_current_node()
        except NotImplementedError:
            return None

    def inputs(self, identifier: int) -> list[int]:
        """Return the nodes that a node reads."""
        self._plan.set_node(identifier)
        return list(self._plan.get_inputs())

    def columns(self, identifier: int) -> list[str]:
        """Return the columns that a node gives."""
        self._plan.set_node(identifier)
        return list(self._plan.get_schema())

    def schema(self, identifier: int) -> dict[str, pl.DataType]:
        """Return the columns that a node gives, with their types."""
        self._plan.set_node(identifier)
        return dict(self._plan.get_schema())

    def expressions(self, identifier: int, of_node: Any) -> list[Expression]:
        """Return expressions of a node, given as the visitor's handles."""
        self._plan.set_node(identifier)
        return [self._expression(handle.node, handle.output_name) for handle in of_node]

    def expression(self, identifier: int, number: int) -> Expression:
        """Return an expression inside another one of the same node."""
        self._plan.set_node(identifier)
        return self._expression(number)

    def dtype(self, identifier: int, number: int) -> pl.DataType | None:
        """Return the type of an expression over what a node reads; None if it is not shown."""
        self._plan.set_node(self.inputs(identifier)[0])  # the node's own columns may hide those
        try:
            found = self._plan.get_dtype(number)
        except (NotImplementedError, pl.exceptions.PolarsError):
            return None
        return found if isinstance(found, pl.DataType) else None

    def _expression(self, number: int, name: str = "") -> Expression:
        try:
            fields = self._plan.view_expression(number)
        except NotImplementedError as error:
            return Expression("Opaque", str(error), name)
        return Expression(type(fields).__name__, fields, name)

    def order(self) -> Iterator[int]:
        """Yield each node once, what it reads before it."""
        seen: set[int] = set()
        waiting: list[tuple[int, bool]] = [(self.root, False)]
        while waiting:
            identifier, is_ready = waiting.pop()
            if is_ready:
                yield identifier
            elif identifier not in seen:
                seen.add(identifier)
                waiting.append((identifier, True))
                waiting += [(other, False) for other in self.inputs(identifier)]


def frame_in(node: Any) -> pl.DataFrame:
    """Return the frame in memory that a ``DataFrameScan`` reads."""
    return pl.DataFrame._from_pydf(node.df)


def series_in(expression: Expression) -> pl.Series | None:
    """Return the series that stands in a plan as a literal; None if ``expression`` is none."""
    if expression.kind != "Literal" or type(expression.fields.value).__name__ != "PySeries":
        return None
    return pl.Series._from_pyseries(expression.fields.value)


def source_name(options: Sequence[Any]) -> str | None:
    """Return the name of the :func:`~polster.plans.source.named_source` behind a Python scan."""
    function: Callable[..., Any] = options[0]
    for cell in getattr(function, "__closure__", None) or ():
        if isinstance(cell.cell_contents, NamedSource):
            return cell.cell_contents.name
    return None
