"""Running one asset on given rows, as a run does it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from polster.decorators import AssetFunction
from polster.errors import AssetError, DefinitionError, UsageError, nearest
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.quarantine import RUN_COLUMN, TIME_COLUMN
from polster.lakehouse.store import Store
from polster.model.asset import BATCH_COLUMN, Asset, AssetKey, Options
from polster.model.context import RunContext
from polster.model.expect import Expect
from polster.model.record import AssetRecord, Failure, Fingerprint
from polster.project.asset_file import read_asset_file, read_options
from polster.project.discovery import ASSET_FOLDER
from polster.project.load import LoadedAsset
from polster.project.shared_process import shared_process
from polster.runtime.build import build
from polster.runtime.call import Handed, Returned, call_for_rows
from polster.runtime.gate import Gate
from polster.runtime.job import Job, Workplace
from polster.runtime.parameters import Kind, asked_by
from polster.runtime.refusal import REFUSALS
from polster.runtime.writes.landing import INGESTED_COLUMN, SOURCE_COLUMN
from polster.testing.references import publish_targets
from polster.testing.upstreams import as_published

RUN = RunContext("test", datetime(2025, 1, 1, tzinfo=UTC), "test")
NOT_OF_THE_SOURCE = (INGESTED_COLUMN, SOURCE_COLUMN, BATCH_COLUMN, RUN_COLUMN, TIME_COLUMN)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the rows that an asset returned.

    Attributes:
        published: The rows that readers of the table would get, in its types; without columns if
            nothing is published.
        quarantined: The rows set apart: as they were returned, and ``_rules: List(String)``, the
            rules that each breaks; without columns if there are none.
        rules_broken: Rows by broken rule, with those that a policy only warns of.
        failed: Why the contract lets nothing pass; None if the rows are published.
        notes: What a run would add for the user.
    """

    published: pl.DataFrame
    quarantined: pl.DataFrame
    rules_broken: Mapping[str, int] = field(default_factory=dict)
    failed: str | None = None
    notes: tuple[str, ...] = ()


def run_asset(
    function: AssetFunction[..., Any],
    /,
    *,
    run: RunContext = RUN,
    references: Mapping[str, pl.LazyFrame | pl.DataFrame] | None = None,
    **frames: pl.LazyFrame | pl.DataFrame,
) -> Outcome:
    """Run one asset on the given frames, and judge what it returns as a run would.

    Args:
        function: What the decorator made: the asset as the test imports it.
        run: For a function that asks for the run; by default one on 2025-01-01.
        references: The tables that it refers to, by name; a reference whose table is not given is
            not checked, which a note says.
        frames: What it reads, by parameter; it gets the types of the upstream's contract, as in
            a run.

    Returns:
        The rows published and quarantined. A contract that lets nothing pass is an outcome, too;
        see ``failed``.

    Raises:
        UsageError: The function is no asset; a frame is missing, or is none that it asks for.
        DefinitionError: The options of the asset have mistakes.
        AssetError: The frame that the function returned cannot be computed, or does not fit the
            contract. What the function itself raises comes through as it is.

    Examples:
        >>> import dataframely as dy
        >>> import polars as pl
        >>> from polster import silver
        >>> class Orders(dy.Schema):
        ...     id = dy.Int64(primary_key=True)
        ...     amount = dy.Float64(nullable=False, min=0)
        >>> @silver(contract=Orders)
        ... def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
        ...     return bronze_orders.select("id", "amount")
        >>> outcome = run_asset(
        ...     orders, bronze_orders=pl.DataFrame({"id": [1, 2], "amount": [9.5, -1.0]})
        ... )
        >>> outcome.published.rows()
        [(1, 9.5)]
        >>> outcome.quarantined.rows()
        [(2, -1.0, ['amount|min'])]
    """
    targets = references or {}
    _check_kinds(function, run, {**targets, **frames})
    _check_frames(function, frames)
    asset = _asset(function)
    asset = replace(asset, options=replace(asset.options, expect=Expect()))  # of few rows
    with shared_process(Path.cwd()):
        typed = as_published(asset, _project_of(function), frames)
    handed = {name: Handed(name, frame) for name, frame in typed.items()}
    raised: list[BaseException] = []

    def call(loaded: LoadedAsset, _: object, context: RunContext, root: Path) -> Returned:
        try:
            return call_for_rows(loaded, handed, context, root)
        except AssetError as error:
            raised.append(error.__cause__ or error)
            raise

    with TemporaryDirectory(prefix="polster-test-") as folder:
        lakehouse = Lakehouse(Store(folder))
        work = Workplace(
            Path.cwd(),
            lakehouse,
            run,
            Gate(),
            call=call,
            load=lambda asset: LoadedAsset(asset, function),
        )
        referred, unchecked = publish_targets(asset, targets, lakehouse)
        job = Job(asset, {}, Fingerprint("tested"), ("it is tested",), None, references=referred)
        with shared_process(work.root):
            record = build(job, work).record
        record = replace(record, notes=(*record.notes, *unchecked))
        work.discard_leftovers()
        if raised:
            raise raised[0]
        return _outcome(lakehouse, asset.key, record)


def _outcome(lakehouse: Lakehouse, key: AssetKey, record: AssetRecord) -> Outcome:
    failure = record.error
    if failure is not None and failure.code not in REFUSALS:
        raise _raised(failure)
    table = lakehouse.pin(key)
    kept = lakehouse.quarantine(key).scan()
    return Outcome(
        pl.DataFrame() if table is None else _of_the_source(table.scan()),
        pl.DataFrame() if kept is None else _of_the_source(kept),
        dict(record.rules_broken),
        None if failure is None else failure.message,
        record.notes,
    )


def _of_the_source(frame: pl.LazyFrame) -> pl.DataFrame:
    return frame.drop(NOT_OF_THE_SOURCE, strict=False).collect()


def _raised(failure: Failure) -> AssetError:
    return AssetError(
        failure.message,
        code=failure.code,
        hint=failure.hint,
        place=failure.place,
        trace=failure.trace,
    )


def _check_kinds(function: object, run: object, frames: Mapping[str, object]) -> None:
    if not isinstance(function, AssetFunction):
        raise UsageError(
            f"`{getattr(function, '__name__', function)}` is no asset",
            code="POL106",
            hint="hand over what the decorator made, as its file is imported",
        )
    if not isinstance(run, RunContext):
        raise UsageError(
            f"`run` is a {type(run).__name__}, not a polster.RunContext", code="POL106"
        )
    for name, frame in frames.items():
        if not isinstance(frame, pl.LazyFrame | pl.DataFrame):
            raise UsageError(
                f"`{name}` is a {type(frame).__name__}, not a frame of Polars",
                code="POL106",
                hint="wrap it: pl.DataFrame(…)",
            )


def _check_frames(
    function: AssetFunction[..., Any], frames: Mapping[str, pl.LazyFrame | pl.DataFrame]
) -> None:
    asked = asked_by(_asset(function), function.function)
    wanted = [name for name, each in asked.items() if each.kind is not Kind.RUN]
    name = function.function.__name__
    for given in frames:
        if given not in wanted:
            close = nearest(given, wanted)
            raise UsageError(
                f"`{name}` has no parameter `{given}`",
                code="POL106",
                hint=f"did you mean `{close}`?" if close else f"it reads: {', '.join(wanted)}",
            )
    missing = [each for each in wanted if each not in frames]
    if missing:
        named = ", ".join(f"`{each}`" for each in missing)
        raise UsageError(
            f"`{name}` reads {named}, which the test does not give",
            code="POL106",
            hint=f"run_asset({name}, {', '.join(f'{each}=…' for each in wanted)})",
        )


def _asset(function: AssetFunction[..., Any]) -> Asset:
    """Return what the source says of an asset: in its file, or where else it is written."""
    code = function.function.__code__
    file = Path(code.co_filename)
    found: Asset | Options | list[Any]
    root = _project_of(function)
    if root is not None:
        found = read_asset_file(file, root)
    else:
        source = inspect.getsource(function.function)
        found = read_options(source, file.name, function.layer)
    if isinstance(found, list):
        raise DefinitionError(found)
    if isinstance(found, Asset):
        return found
    key = AssetKey(function.layer, function.function.__name__)
    return Asset(key, file.name, code.co_firstlineno, function.function.__module__, (), found)


def _project_of(function: AssetFunction[..., Any]) -> Path | None:
    """Return the folder of the project that an asset's file lies in, if it lies in one."""
    file = Path(function.function.__code__.co_filename)
    is_asset = file.is_file() and file.parent.as_posix().endswith(f"/{ASSET_FOLDER}")
    return file.parents[2] if is_asset else None
