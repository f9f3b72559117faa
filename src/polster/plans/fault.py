"""Whose mistake it is that a proof came to no end: the user's code is called for it, and Polars."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from polster.errors import AssetError, PolsterError
from polster.plans.probes import Call
from polster.project.load import OWN_FOLDER, POLARS_FOLDER

COMPUTING = ("collect", "collect_schema", "explain")
"""Methods of a frame that call what a function put into its plan."""
BY_POLARS = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
REFUSALS = (*BY_POLARS, PolsterError, MemoryError, OSError, RecursionError)


def is_fault(
    error: BaseException,
    call: Call | None = None,
    inputs: Mapping[str, pl.Schema] = MappingProxyType({}),
) -> bool:
    """Tell whether it is a mistake of Polster that a proof ended with ``error``.

    It is not if the user's function raised it, which may want rows, or what that put into its plan;
    nor if Polars or the lakehouse refuse. But if Polars refuses what Polster made of a plan, and
    not the plan itself, it is.

    Args:
        error: What was raised.
        call: The function that was asked about; it is called once more where Polars refuses.
        inputs: Its columns by parameter.
    """
    raised = raised_for(error)
    if call is not None and isinstance(raised, BY_POLARS):
        return _works(call, inputs)
    if isinstance(raised, REFUSALS):
        return False
    frames = traceback.extract_tb(raised.__traceback__)
    own = [frame.filename.startswith(OWN_FOLDER) for frame in frames]
    polars = [frame.filename.startswith(POLARS_FOLDER) for frame in frames]
    if raised is not error:  # in the function, or in a frame of ours that it was given
        last = [is_own for is_own, is_polars in zip(own, polars, strict=True) if not is_polars]
        return bool(last) and last[-1]
    for place, frame in enumerate(frames):
        if polars[place] and frame.name in COMPUTING:
            return any(own[place:])
    return True


def _works(call: Call, inputs: Mapping[str, pl.Schema]) -> bool:
    """Tell whether the plan of a function can be computed over plain frames without rows."""
    try:
        call({name: pl.LazyFrame(schema=schema) for name, schema in inputs.items()}).collect()
    except (Exception, pl.exceptions.PanicException):
        return False
    return True


def raised_for(error: BaseException) -> BaseException:
    """Return what the user's function raised where an error says that it did; else the error."""
    return error.__cause__ or error if isinstance(error, AssetError) else error


def own_place(error: BaseException) -> str:
    """Return the last line of Polster that an error passed; of no other, if there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename.startswith(OWN_FOLDER):
            file = Path(frame.filename).relative_to(Path(OWN_FOLDER).parent)
            return f"{file.as_posix()}:{frame.lineno}"
    return "polster"
