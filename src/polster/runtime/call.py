"""Calling the function of an asset: what it is handed, and what it may give back."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, get_args, get_origin

import polars as pl

from polster.contracts.handover import is_frame_of, satisfies, types_asked
from polster.contracts.judge import AUDIT_COLUMNS
from polster.errors import AssetError, nearest
from polster.lakehouse.types import from_storage
from polster.model.context import RunContext
from polster.project.load import LoadedAsset, user_line, user_trace, without_values

QUOTED = re.compile(r'"([^"]+)"')
LISTED = re.compile(r"valid columns: \[(.*?)\]")
"""Where Polars lists the columns that a step has."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed to one parameter.

    Attributes:
        upstream: Key of the asset whose rows these are.
        frame: Its columns as they are stored.
    """

    upstream: str
    frame: pl.LazyFrame


def call_function(
    loaded: LoadedAsset, inputs: Mapping[str, Handed], run: RunContext, root: Path
) -> pl.LazyFrame:
    """Call the function of an asset and return its frame, lazy.

    Args:
        loaded: The asset with its function.
        inputs: What is handed in, by parameter name.
        run: Handed to a parameter that asks for it.
        root: The project's folder.

    Raises:
        AssetError: The function raises, or returns something that is no frame.
    """
    asset = loaded.asset
    arguments = _arguments(loaded, inputs, run)
    try:
        result = loaded.function(**arguments)
    except (Exception, SystemExit, pl.exceptions.PanicException) as error:
        line = user_line(error, root / asset.file) or asset.line
        raise AssetError(
            f"the function raised {in_short(error)}",
            code="POL305",
            place=f"{asset.file}:{line}",
            trace=user_trace(error),
            kept=f"the function raised {without_values(error)}",
        ) from error
    if result is None:
        raise AssetError(
            "the function returned nothing",
            code="POL304",
            place=asset.place,
            hint="end it with `return` and the frame",
        )
    if isinstance(result, pl.DataFrame):
        return result.lazy()
    if isinstance(result, pl.LazyFrame):
        return result
    kind = type(result)
    raise AssetError(
        f"the function returned a {kind.__module__}.{kind.__qualname__}, not a frame of Polars",
        code="POL303",
        place=asset.place,
        hint=_return_hint(kind),
    )


def in_short(error: BaseException) -> str:
    """Return the type of an exception and the first line of what it says, if it says anything.

    >>> in_short(KeyError("nope")), in_short(SystemExit())
    ('KeyError: nope', 'SystemExit')
    """
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = str(said).strip().split("\n", maxsplit=1)[0]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def missing_hint(error: BaseException, inputs: Mapping[str, Iterable[str]]) -> str | None:
    """Say which column was probably meant, if ``error`` is that there is none of that name.

    Args:
        error: What Polars raised.
        inputs: The columns of what the function reads, by the upstream's key.
    """
    if not isinstance(error, pl.exceptions.ColumnNotFoundError):
        return None
    text = str(error)
    known = {name for columns in inputs.values() for name in columns}
    listed = LISTED.search(text)
    if listed:
        known |= set(QUOTED.findall(listed[1]))
    missing = QUOTED.search(text)
    close = nearest(missing[1], sorted(known)) if missing else None
    shown = "; ".join(
        f"{key}: {', '.join(name for name in columns if name not in AUDIT_COLUMNS)}"
        for key, columns in inputs.items()
    )
    parts = [
        f"did you mean `{close}`?" if close else "",
        f"the columns that its inputs have: {shown}" if shown else "",
    ]
    return " ".join(part for part in parts if part) or None


def _arguments(
    loaded: LoadedAsset, inputs: Mapping[str, Handed], run: RunContext
) -> dict[str, Any]:
    signature = _signature(loaded.function.function)
    arguments: dict[str, Any] = {}
    for name, parameter in signature.parameters.items():
        annotation = parameter.annotation
        handed = inputs.get(name)
        if handed is None:
            arguments[name] = run
            continue
        frame = handed.frame
        if is_frame_of(annotation):
            contract = get_args(annotation)[0]
            frame = from_storage(frame, types_asked(frame.collect_schema(), contract))
            satisfies(loaded.asset, handed.upstream, frame.collect_schema(), contract)
        wants_eager = annotation is pl.DataFrame or _is_eager(get_origin(annotation))
        arguments[name] = frame.collect() if wants_eager else frame
    return arguments


@lru_cache(maxsize=8)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(function, eval_str=True)
    except Exception:  # an annotation that exists for type checkers only
        return inspect.signature(function)


def _is_eager(origin: object) -> bool:
    return isinstance(origin, type) and issubclass(origin, pl.DataFrame)


def _return_hint(kind: type) -> str:
    if kind.__module__.startswith("pandas"):
        return "wrap it: pl.from_pandas(…)"
    if kind.__module__.startswith("pyarrow"):
        return "wrap it: pl.from_arrow(…)"
    if kind in (list, dict):
        return "wrap it: pl.DataFrame(…)"
    return "return a pl.LazyFrame, or a pl.DataFrame where it must be eager"
