"""Cleaning in bronze, which keeps what arrived as it arrived."""

from __future__ import annotations

from collections.abc import Iterator

from polster.checks.habits.known import CLEANS_FRAMES, CLEANS_VALUES
from polster.checks.habits.sighting import Sighting, Use
from polster.model.finding import Severity
from polster.model.layer import Layer

COLUMNS = frozenset({"polars.col", "polars.all", "polars.nth", "polars.first", "polars.last"})


def cleaning(use: Use) -> Iterator[Sighting]:
    """Yield what bronze should leave to silver: POL621; only where a frame is certain."""
    method = use.method
    if method is None or method not in CLEANS_FRAMES | CLEANS_VALUES:
        return
    origin = use.origin
    if origin is None or not origin.startswith("polars."):
        return
    if origin in COLUMNS or "selectors" in origin:
        kinds = CLEANS_VALUES
    elif _is_frame(origin):
        kinds = CLEANS_FRAMES
    else:
        return
    if method in kinds:
        yield Sighting(
            "POL621",
            *use.place,
            f"cleans with `{use.written}`",
            "return what arrived, and do this in a silver asset",
            Severity.WARNING,
            frozenset({Layer.BRONZE}),
        )


def _is_frame(origin: str) -> bool:
    last = origin.rpartition(".")[2]
    return last in ("LazyFrame", "DataFrame", "SQLContext") or last.startswith(
        ("read_", "scan_", "from_", "concat", "collect_all", "sql")
    )
