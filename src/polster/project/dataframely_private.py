"""What Polster needs of dataframely and dataframely does not promise; nothing else asks for it.

dataframely is never imported: a contract is the user's class and brings its library along. Its
public names are reached by that, and these parts are private:

- ``Schema._schema_validation_rules()`` lists the rules that are methods. Without it no contract
  can be judged, so Polster refuses to build an asset that has one.
- ``validation_fn`` of a rule is the method that was written. Without it a finding about the rule
  names the file alone, not the line.
- Where the classes live: ``dataframely.…`` in their ``__module__``. Elsewhere a contract would
  not be known as one (POL210).
- What a column was given is its attributes, under the names of the arguments. Under others, the
  text of a contract would show no rules, and ``polster diff`` none that changed.
- ``random.Generator`` draws times in microseconds whatever their unit is, which is mended here.

The tests beside it say what each must do; they fail by name when a version no longer does it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, get_args, get_origin

from polster._version import __version__
from polster.errors import AssetError

if TYPE_CHECKING:
    import dataframely as dy
    import polars as pl

LIBRARY = "dataframely"


class SchemaRule(Protocol):
    """A rule that is a method of a contract."""

    @property
    def expr(self) -> pl.Expr:
        """Call the method, which is the user's code and may raise, and return what it returns."""


def is_schema(contract: object) -> bool:
    """Tell whether ``contract`` is a class of dataframely."""
    return isinstance(contract, type) and any(
        _is_own(base) and base.__name__ == "Schema" for base in contract.__mro__
    )


def is_frame_of(annotation: object) -> bool:
    """Tell whether ``annotation`` is ``dy.LazyFrame[C]`` or ``dy.DataFrame[C]``."""
    return _is_own(get_origin(annotation)) and bool(get_args(annotation))


def is_own_column(column: dy.Column) -> bool:
    """Tell whether the class of ``column`` is dataframely's, not one that the user derived."""
    return _is_own(type(column))


def schema_rules(contract: type[dy.Schema]) -> Mapping[str, SchemaRule]:
    """Return the rules of ``contract`` that are methods, by name; neither keys nor columns' own.

    Raises:
        AssetError: This version of dataframely does not list them.
    """
    list_rules: Any = getattr(contract, "_schema_validation_rules", None)
    if list_rules is None:
        _refuse("list the rules of a contract")
    rules: Mapping[str, SchemaRule] = list_rules()
    if not all(hasattr(type(rule), "expr") for rule in rules.values()):
        _refuse("show what a rule of a contract asks")
    return rules


def code_of_rule(contract: type[dy.Schema], name: str) -> CodeType | None:
    """Return the code of the method that a rule is written as; None if it is not shown."""
    method = getattr(getattr(contract, name, None), "validation_fn", None)
    code = getattr(method, "__code__", None)
    return code if isinstance(code, CodeType) else None


def given_to(column: dy.Column) -> Mapping[str, Any]:
    """Return what ``column`` was made with, by the names of the arguments."""
    return {name: value for name, value in vars(column).items() if not name.startswith("_")}


def as_rule(holds: pl.Expr) -> Any:
    """Return a rule that may stand in the body of a contract."""
    return _part("rule", "mark a method as a rule")()(lambda _: holds)


def sampling_at_most(iterations: int) -> AbstractContextManager[Any]:
    """Limit how often rows that break a rule are sampled anew."""
    config = _part("Config", "limit how often rows are sampled anew")
    limited: AbstractContextManager[Any] = config(max_sampling_iterations=iterations)
    return limited


def generator(seed: int) -> Any:
    """Return a generator of random values whose times are right in every unit."""
    drawing = _part("random.Generator", "draw random values")(seed)
    for kind in ("datetime", "duration"):
        setattr(drawing, f"sample_{kind}", _in_unit(getattr(drawing, f"sample_{kind}")))
    return drawing


def _in_unit(sample: Callable[..., pl.Series]) -> Callable[..., pl.Series]:
    def sampled(
        *args: Any, time_unit: Literal["ns", "us", "ms"] = "us", **kwargs: Any
    ) -> pl.Series:
        drawn = sample(*args, **kwargs)
        return drawn.dt.cast_time_unit(time_unit)

    return sampled


def _is_own(kind: object) -> bool:
    return str(getattr(kind, "__module__", "")).partition(".")[0] == LIBRARY


def _part(path: str, deed: str) -> Any:
    """Return a public part of the library, which the contract imported."""
    found: Any = sys.modules[LIBRARY]
    for name in path.split("."):
        found = getattr(found, name, None)
    if found is None:
        _refuse(deed)
    return found


def _refuse(deed: str) -> NoReturn:
    version = getattr(sys.modules.get(LIBRARY), "__version__", "")
    raise AssetError(
        f"Polster {__version__} does not know how {LIBRARY} {version} is asked to {deed}",
        code="POL900",
        hint=f"install an earlier one: pip install '{LIBRARY}<{version}'",
    )
