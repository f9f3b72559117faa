"""What each parameter of an asset's function asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Any, get_args, get_origin

import polars as pl

from polster.errors import AssetError
from polster.model.asset import Asset
from polster.model.context import RunContext
from polster.project.annotations import (
    ANYTHING,
    UnresolvedAnnotationError,
    meanings,
    name_for_anything,
)
from polster.project.dataframely_private import is_frame_of, is_schema

if TYPE_CHECKING:
    import dataframely as dy

FRAMES = "`pl.LazyFrame`, or `pl.DataFrame` to have it collected"
CONVERSIONS = {
    "pandas": "to_pandas",
    "pyarrow": "to_arrow",
    "torch": "to_torch",
    "numpy": "to_numpy",
}


class Kind(Enum):
    """What is handed to a parameter."""

    LAZY = auto()
    EAGER = auto()
    RUN = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a parameter asks for.

    Attributes:
        contract: What it needs of the frame, if it says so.
    """

    kind: Kind
    contract: type[dy.Schema] | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """An annotation that nothing can be handed over for.

    Attributes:
        code: POL340 for a type that Polster does not have, POL341 for one that means nothing.
    """

    code: str
    parameter: str
    message: str
    hint: str

    def line(self, asset: Asset) -> int:
        """Return the line of the parameter in the asset's file."""
        lines = {each.name: each.line for each in asset.parameters}
        return lines.get(self.parameter, asset.line)


@lru_cache(maxsize=8)
def read_parameters(
    function: Callable[..., Any],
) -> tuple[Mapping[str, Asked], tuple[Problem, ...]]:
    """Return what the parameters of ``function`` ask for by name, and what is wrong with others."""
    asked: dict[str, Asked] = {}
    problems: list[Problem] = []
    for name, parameter in inspect.signature(function).parameters.items():
        found = _read(function, name, parameter.annotation)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            asked[name] = found
    return asked, tuple(problems)


def reads_at_once(asset: Asset, function: Callable[..., Any]) -> bool:
    """Tell whether a parameter asks for rows that are in memory.

    Raises:
        AssetError: As :func:`asked_by`.
    """
    return any(each.kind is Kind.EAGER for each in asked_by(asset, function).values())


def asked_by(asset: Asset, function: Callable[..., Any]) -> Mapping[str, Asked]:
    """Return what the parameters of the asset's function ask for, by name.

    Raises:
        AssetError: An annotation says something that cannot be handed over; all are named.
    """
    asked, problems = read_parameters(function)
    if problems:
        first = problems[0]
        raise AssetError(
            "; ".join(each.message for each in problems),
            code=first.code,
            place=f"{asset.file}:{first.line(asset)}",
            hint=first.hint,
        )
    return asked


def _read(function: Callable[..., Any], name: str, annotation: object) -> Asked | Problem:
    if annotation is inspect.Parameter.empty:
        return Asked(Kind.LAZY)
    try:
        meant = list(meanings(function, annotation))
    except UnresolvedAnnotationError as error:
        written = annotation if isinstance(annotation, str) else _shown(annotation)
        return Problem(
            "POL341",
            name,
            f"the annotation of `{name}`, `{written}`, means nothing: {error}",
            f"import what it names, or annotate it {FRAMES}",
        )
    hidden = name_for_anything(function, name, annotation) if _admits_anything(meant) else None
    if hidden is not None:
        return Problem(
            "POL341",
            name,
            f"the annotation of `{name}` does not say what to hand over: when the code runs, "
            f"`{hidden}` is bound to something that admits anything",
            f"bind `{hidden}` to the same type in both branches of `if TYPE_CHECKING:`, "
            f"or annotate `{name}` {FRAMES}",
        )
    found = list(dict.fromkeys(asked for each in meant if (asked := _asked(each)) is not None))
    if Asked(Kind.LAZY) in found:
        return Asked(Kind.LAZY)
    if len(found) == 1:
        return found[0]
    if found:
        return Problem(
            "POL340",
            name,
            f"`{name}` may be several things, and its annotation does not say which to hand over",
            f"annotate it {FRAMES}",
        )
    kinds = " or ".join(_shown(each) for each in meant) or "None"
    return Problem(
        "POL340",
        name,
        f"`{name}` is annotated {kinds}, which Polster does not hand over",
        _conversion(name, meant),
    )


def _admits_anything(meant: list[object]) -> bool:
    return any(each in ANYTHING for each in meant)


def _asked(meant: object) -> Asked | None:
    """Return what a type asks for; None if it is none of Polster's."""
    if meant in ANYTHING:
        return Asked(Kind.LAZY)
    if meant is RunContext:
        return Asked(Kind.RUN)
    frame = get_origin(meant) or meant
    if not isinstance(frame, type) or not issubclass(frame, pl.LazyFrame | pl.DataFrame):
        return None
    kind = Kind.EAGER if issubclass(frame, pl.DataFrame) else Kind.LAZY
    if not is_frame_of(meant):
        return Asked(kind)
    (contract,) = get_args(meant)
    if contract in ANYTHING:
        return Asked(kind)
    return Asked(kind, contract) if is_schema(contract) else None


def _shown(meant: object) -> str:
    if isinstance(meant, type) and get_origin(meant) is None:
        return f"`{meant.__module__.partition('.')[0]}.{meant.__qualname__}`"
    return f"`{meant}`"


def _conversion(name: str, meant: list[object]) -> str:
    for each in meant:
        library = getattr(get_origin(each) or each, "__module__", "").partition(".")[0]
        if library in CONVERSIONS:
            return (
                f"annotate it pl.DataFrame, and convert in the function: "
                f"{name}.{CONVERSIONS[library]}()"
            )
    return f"annotate it {FRAMES}"
