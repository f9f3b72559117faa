"""Which columns of a table may hold personal data, for whoever is about to tell of its rows."""

from __future__ import annotations

from collections.abc import Callable

from polster.checks.examine import Examination, examine
from polster.checks.personal import personal_columns
from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.operations.open_project import Session


def personal(opened: Callable[[], Session], key: AssetKey) -> frozenset[str] | None:
    """Return the columns of an asset that may hold personal data, as ``validate`` finds them.

    Its function, and those that it stands on, are called over zero rows.

    Args:
        opened: Returns the project.
        key: The asset.

    Returns:
        None if nobody knows.
    """
    try:
        session = opened()
        graph = session.graph
        keys = {key, *graph.ancestors([key])}
        place = session.environment
        asked = Examination(session.root, graph, keys, environment=place, lineage=True)
        return personal_columns(graph, examine(asked), key)
    except (PolsterError, OSError):
        return None
