"""Whether the rows that are staged go without keys that the table has."""

from __future__ import annotations

import polars as pl

from polster.contracts.judge import Terms
from polster.contracts.vanishing import Keys, Vanished, count_vanished
from polster.lakehouse.store import reaching
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import from_storage
from polster.runtime.slice import Slice
from polster.runtime.stage import Staged
from polster.runtime.writes.kept import kept_rows


def lost_keys(
    terms: Terms, keys: Keys, staged: Staged, last: TableVersion, part: Slice | None
) -> Vanished | None:
    """Count the keys that the table has and will not have.

    Args:
        terms: How the rows were judged.
        keys: What counts.
        staged: What is to be published.
        last: The table as its readers get it, with the columns of the keys.
        part: Which rows of it these take the place of; None if of all.

    Returns:
        None if the table has no such keys, or none of its rows goes.

    Raises:
        LakehouseError: The table cannot be read.
    """
    every = kept_rows(last, terms)
    if every is None or (part is not None and not part.columns):  # nothing goes
        return None
    before, beside = every, None
    if part is not None:  # whose columns have the types of the contract
        rows = last.scan()
        before, beside = rows.filter(part.published), rows.filter(~part.published)
    after = from_storage(staged.staging.scan(staged.files, staged.schema), terms.schema)
    with reaching(last.uri):
        count = keys.of(every).select(pl.len()).collect(engine="streaming").item()
        if not count:
            return None
        seen = last.rows + staged.rows
        gone = count_vanished(keys, before, after, rows=seen, beside=beside)
    return Vanished(gone, count, keys.are_current)
