"""Text in the form that the functions of silver read, found by trying.

Bronze often keeps everything as text. Which of its columns hold dates or numbers, and how these are
written, only the functions know that cast them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import settle_terms
from polster.model.asset import AssetKey
from polster.model.context import RunContext
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.project.load import LoadedAsset
from polster.project.shared_process import ReachedOutsideError
from polster.rehearsal.sampling import CannotSampleError, sample_contract
from polster.rehearsal.sources import Drawn, as_landed
from polster.rehearsal.verdicts import broken_row_rules
from polster.runtime.call import Handed, call_function

if TYPE_CHECKING:
    import dataframely as dy

TRIED_ROWS = 6
FIRST = datetime(2024, 1, 1, 1, 1, 1, tzinfo=UTC)
STEP = timedelta(days=29, hours=1, minutes=1)
FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%d %H:%M:%S",
    "%H:%M:%S",
    "%H:%M",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y%m%d",
)
NAMED_FORMAT = re.compile(r'"([^"]*%[a-zA-Z][^"]*)"')
"""A format of dates in the text of a plan."""


def fit_text(
    graph: AssetGraph,
    loaded: Mapping[AssetKey, LoadedAsset],
    drawn: Drawn,
    run: RunContext,
    root: Path,
    *,
    seed: int,
) -> None:
    """Give text columns of bronze the form that the silver asset which reads them expects.

    Rows of a fixture stay as they are, and so does a column that no form suits better.

    Args:
        graph: The project's assets.
        loaded: Those that are rehearsed.
        drawn: Changed where a form is found.
        run: Handed to functions that ask for it.
        root: The project's folder.
        seed: The same seed gives the same values.
    """
    for key, asset in loaded.items():
        upstream = graph.upstream(key)
        if key.layer is not Layer.SILVER or len(upstream) != 1:
            continue
        (bronze,) = upstream
        if bronze in drawn.rows and bronze not in drawn.fixtures:
            (name,) = graph.inputs[key]
            call = partial(_called, asset, name, bronze, run, root)
            fitted = _fitted(drawn.rows[bronze], asset, call, seed)
            if fitted is not drawn.rows[bronze]:
                drawn.rows[bronze] = fitted
                drawn.origins[bronze] = f"sampled in the form that {key} reads"


def _called(
    asset: LoadedAsset, name: str, bronze: AssetKey, run: RunContext, root: Path, rows: pl.DataFrame
) -> pl.LazyFrame:
    return call_function(asset, {name: Handed(str(bronze), rows.lazy())}, run, root)


def _fitted(
    rows: pl.DataFrame,
    asset: LoadedAsset,
    returned: Callable[[pl.DataFrame], pl.LazyFrame],
    seed: int,
) -> pl.DataFrame:
    if not rows.height:
        return rows
    before = _score(rows.head(TRIED_ROWS), asset, returned)
    if before is not None and before >= 0:
        return rows
    forms = list(_forms(rows, asset, returned, seed))
    empty = rows.clear(TRIED_ROWS)
    fitted = rows
    for name in [name for name, dtype in rows.schema.items() if dtype == pl.String]:
        candidates = [rows[name], *(form.alias(name) for form in forms)]
        scores = [
            _score(empty.with_columns(each.head(TRIED_ROWS)), asset, returned)
            for each in candidates
        ]
        known = [score for score in scores if score is not None]
        if known and scores[0] != max(known):
            fitted = fitted.with_columns(candidates[scores.index(max(known))])
    return fitted


def _score(
    rows: pl.DataFrame, asset: LoadedAsset, returned: Callable[[pl.DataFrame], pl.LazyFrame]
) -> int | None:
    """Count the rules that rows break, as a negative number; None if the function fails."""
    with suppress(Exception, pl.exceptions.PanicException, ReachedOutsideError):
        frame = returned(rows).collect()
        terms = settle_terms(asset.asset, asset.function.contract, frame.schema)
        broken = broken_row_rules(terms, frame)
        return -sum(int(column.sum()) for column in broken)
    return None


def _forms(
    rows: pl.DataFrame,
    asset: LoadedAsset,
    returned: Callable[[pl.DataFrame], pl.LazyFrame],
    seed: int,
) -> Iterator[pl.Series]:
    """Yield texts as they may be meant: numbers, times, and what the contract holds."""
    numbers = range(rows.height)
    yield pl.Series([str(1 + number % 12) for number in numbers])
    yield pl.Series([f"{number}.5" for number in numbers])
    moments = [FIRST + STEP * (number % 1000) for number in numbers]
    for form in dict.fromkeys([*_named_formats(rows, returned), *FORMATS]):
        yield pl.Series([moment.strftime(form) for moment in moments])
    yield pl.Series(["true" if number % 2 else "false" for number in numbers])
    contract: type[dy.Schema] | None = asset.function.contract
    if contract is not None:
        with suppress(CannotSampleError):
            for column in sample_contract(contract, rows.height, seed=seed):
                text = as_landed(column, pl.String())
                if text is not None:
                    yield text


def _named_formats(
    rows: pl.DataFrame, returned: Callable[[pl.DataFrame], pl.LazyFrame]
) -> list[str]:
    with suppress(Exception, pl.exceptions.PanicException, ReachedOutsideError):
        return NAMED_FORMAT.findall(returned(rows.clear()).explain(optimized=False))
    return []
