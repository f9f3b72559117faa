"""Calling the function of an asset: what it is handed, and what it may give back."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl

from polster.contracts.handover import satisfies
from polster.errors import AssetError, nearest
from polster.model.asset import AUDIT_COLUMNS, BATCH_COLUMN, Asset, Load
from polster.model.context import RunContext
from polster.model.layer import Layer
from polster.model.since import SinceError
from polster.project.load import LoadedAsset, in_short, user_line, user_trace, without_values
from polster.project.shared_process import ReachedOutsideError
from polster.runtime.parameters import Kind, asked_by
from polster.sources.source import BadFile, Batch, Known, Source

STDERR = 2
QUOTED = re.compile(r'"([^"]+)"')
LISTED = re.compile(r"valid columns: \[(.*?)\]")
"""Where Polars lists the columns that a step has."""


Returned: TypeAlias = pl.LazyFrame | Batch | Source
"""What a function gives back: a frame; or, of bronze, what says more of it, or a source."""


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed to one parameter.

    Attributes:
        upstream: Key of the asset whose rows these are.
        frame: Its columns in the types that were published.
    """

    upstream: str
    frame: pl.LazyFrame


def call_function(
    loaded: LoadedAsset, inputs: Mapping[str, Handed], run: RunContext, root: Path
) -> pl.LazyFrame:
    """Call the function of an asset and return its frame, lazy; arguments and errors as below.

    Of a source that is all that it has, as if nothing had landed yet; audit columns are left out.
    """
    returned = call_for_rows(loaded, inputs, run, root)
    if isinstance(returned, pl.LazyFrame):
        return returned
    if isinstance(returned, Batch):
        return returned.frame
    given, _ = batches_of(loaded.asset, returned.ask(Known()))
    return together(given).drop(AUDIT_COLUMNS, strict=False) if given else pl.LazyFrame()


def batches_of(asset: Asset, answer: Iterable[object]) -> tuple[list[Batch], list[BadFile]]:
    """Return what a source gave: rows, and files that are to be set aside.

    Raises:
        AssetError: These are no batches, or several where one is the whole state.
    """
    given: list[Batch] = []
    bad: list[BadFile] = []
    for each in answer:
        if isinstance(each, BadFile):
            bad.append(each)
            continue
        given.append(_batch(asset, each, "let `ask` return or yield"))
    if len(given) > 1 and asset.options.load is Load.SNAPSHOT:
        raise AssetError(
            f"its source gave {len(given)} batches, where one is the whole state",
            code="POL360",
            place=asset.place,
            hint='give one batch of all rows; or, if these are new records, write load="append"',
        )
    return given, bad


def _batch(asset: Asset, each: object, deed: str) -> Batch:
    rows: object = each.frame if isinstance(each, Batch) else each
    if isinstance(each, Batch) and isinstance(rows, pl.LazyFrame):
        return each
    raise AssetError(
        f"its source gave a {type(rows).__qualname__}",
        code="POL360",
        place=asset.place,
        hint=f"{deed} polster.sources.Batch(frame, memory), the frame a pl.LazyFrame",
    )


def together(batches: Sequence[Batch], names: Sequence[str] | None = None) -> pl.LazyFrame:
    """Return the rows of batches, one after the other.

    Args:
        batches: One at least.
        names: Identifiers, which stand beside the rows then.
    """
    frames = [batch.frame for batch in batches]
    if names is not None:
        named = zip(frames, names, strict=True)
        frames = [frame.with_columns(pl.lit(name).alias(BATCH_COLUMN)) for frame, name in named]
    return pl.concat(frames, how="diagonal") if len(frames) > 1 else frames[0]


def call_for_rows(
    loaded: LoadedAsset, inputs: Mapping[str, Handed], run: RunContext, root: Path
) -> Returned:
    """Call the function of an asset and return its frame, lazy, or its batch, or its source.

    Args:
        loaded: The asset with its function.
        inputs: What is handed in, by parameter name.
        run: Handed to a parameter that asks for it.
        root: The project's folder.

    Raises:
        AssetError: The function raises, returns something that is no frame, or has a parameter
            that nothing can be handed to.
    """
    asset = loaded.asset
    arguments = _arguments(loaded, inputs, run)
    process = os.getpid()
    try:
        try:
            result = loaded.function(**arguments)
        finally:
            if os.getpid() != process:
                _end_fork(asset)
    except ReachedOutsideError:
        raise
    except (SinceError, AssetError) as error:  # what it calls of Polster says what is wrong
        line = user_line(error, root / asset.file) or asset.line
        raise AssetError(
            error.message, code=error.code, place=f"{asset.file}:{line}", hint=error.hint
        ) from error
    except BaseException as error:  # the user's code may raise anything
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
    if asset.key.layer is Layer.BRONZE and isinstance(result, Source):
        return result
    if asset.key.layer is Layer.BRONZE and isinstance(result, Batch):
        batch = _batch(asset, result, "return")
        if not batch.memory:
            return batch
        raise AssetError(
            "the function returned a batch with `memory`, which nobody would tell it again",
            code="POL393",
            place=asset.place,
            hint="leave `memory` out, or return a source, which is told what it remembers",
        )
    kind = type(result)
    raise AssetError(
        f"the function returned a {kind.__module__!s}.{kind.__qualname__}, not a frame of Polars",
        code="POL303",
        place=asset.place,
        hint=_return_hint(kind),
    )


def _end_fork(asset: Asset) -> None:
    """End a process that the function forked and that came back out of it: it is no second run."""
    os.write(
        STDERR,
        f"polster: {asset.key} forked a process that came back out of its function; it is ended: "
        "let it end in the function, with os._exit\n".encode(),
    )
    os._exit(1)


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
    arguments: dict[str, Any] = {}
    for name, asked in asked_by(loaded.asset, loaded.function.function).items():
        handed = inputs.get(name)
        if asked.kind is Kind.RUN:
            arguments[name] = run
            continue
        if handed is None:
            raise AssetError(
                f"nothing can be handed to the parameter `{name}`",
                code="POL305",
                place=loaded.asset.place,
                hint=f"name an asset that `{name}` is to read, or annotate it with "
                "polster.RunContext",
            )
        frame = handed.frame
        if loaded.asset.options.slice_by is not None:  # that a row landed once more is no change
            frame = frame.drop(AUDIT_COLUMNS, strict=False)
        if asked.contract is not None:
            satisfies(loaded.asset, handed.upstream, frame.collect_schema(), asked.contract)
        arguments[name] = frame.collect() if asked.kind is Kind.EAGER else frame
    return arguments


def _return_hint(kind: type) -> str:
    module = str(kind.__module__)
    if module.startswith("pandas"):
        return "wrap it: pl.from_pandas(…)"
    if module.startswith("pyarrow"):
        return "wrap it: pl.from_arrow(…)"
    if issubclass(kind, Source):
        return "a source is for bronze; what stands above it reads tables"
    if kind in (list, dict):
        return "wrap it: pl.DataFrame(…)"
    return "return a pl.LazyFrame, or a pl.DataFrame where it must be eager"
