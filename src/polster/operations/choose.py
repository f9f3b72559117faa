"""Choosing the assets that a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph
from polster.model.selection import select


def select_or_raise(graph: AssetGraph, selection: Sequence[str]) -> set[AssetKey]:
    """Return the keys that ``selection`` means.

    Raises:
        UsageError: A term of it selects nothing.
    """
    chosen = select(graph, selection)
    if isinstance(chosen, Finding):
        raise UsageError(chosen.message, code=chosen.code, hint=chosen.hint)
    return chosen
