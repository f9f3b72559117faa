"""What a test says of an outcome."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from polars.testing import assert_frame_equal

from polster.testing.running import Outcome

ROWS_SHOWN = 10


def assert_published(
    outcome: Outcome, expected: pl.DataFrame | Mapping[str, Sequence[Any]]
) -> None:
    """Assert that exactly the rows ``expected`` are published, in any order.

    Args:
        outcome: Of :func:`run_asset`.
        expected: A frame, whose types count, or values by column, which take the table's types.

    Raises:
        AssertionError: They are not; the message shows the rows that are.

    Examples:
        >>> published = pl.DataFrame({"id": [1, 2]}, schema={"id": pl.Int16})
        >>> assert_published(Outcome(published, pl.DataFrame()), {"id": [2, 1]})
    """
    __tracebackhide__ = True
    if outcome.failed is not None:
        raise AssertionError(f"nothing is published: {outcome.failed}")
    published = outcome.published
    if not isinstance(expected, pl.DataFrame):
        types = {name: published.schema.get(name) for name in expected}
        expected = pl.DataFrame(dict(expected), schema=types)
    try:
        assert_frame_equal(published, expected, check_row_order=False, check_column_order=False)
    except AssertionError as error:
        raise AssertionError(f"{error}\n\npublished:\n{_shown(published)}") from None


def assert_quarantined(outcome: Outcome, expected: Mapping[str, int]) -> None:
    """Assert how many rows are set apart under which rules, and under no others.

    Args:
        outcome: Of :func:`run_asset`.
        expected: Rows by rule; a row that breaks two rules counts under both. Empty if no row
            is to be set apart.

    Raises:
        AssertionError: They are not; the message shows the rows that are.

    Examples:
        >>> kept = pl.DataFrame({"id": [None], "_rules": [["id|nullability"]]})
        >>> assert_quarantined(Outcome(pl.DataFrame(), kept), {"id|nullability": 1})
    """
    __tracebackhide__ = True
    kept = outcome.quarantined
    found = Counter(rule for rules in kept["_rules"] for rule in rules) if kept.width else Counter()
    if found == Counter(expected):
        return
    raise AssertionError(
        f"rows in quarantine, by rule: {dict(sorted(found.items()))}\n"
        f"               expected: {dict(sorted(expected.items()))}\n\nquarantined:\n"
        f"{_shown(kept)}"
    )


def _shown(frame: pl.DataFrame) -> str:
    with pl.Config(tbl_rows=ROWS_SHOWN, tbl_cols=-1, fmt_str_lengths=40):
        return str(frame)
