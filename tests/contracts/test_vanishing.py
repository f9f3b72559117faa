"""Keys that vanish are counted in parts, and against rows that stay."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.contracts import table_rules
from polster.contracts.vanishing import Keys, count_vanished

KEY = st.tuples(st.sampled_from([None, 1, 2, 3, 12]), st.sampled_from([None, "1", "2", "21"]))
ROWS = st.lists(st.tuples(KEY, st.booleans()), max_size=12)
SCHEMA = {"a": pl.Int64(), "b": pl.String()}
Rows = list[tuple[tuple[int | None, str | None], bool]]


def frame(rows: Rows) -> pl.LazyFrame:
    every = [(*key, is_current) for key, is_current in rows]
    return pl.LazyFrame(every, schema={**SCHEMA, "is_current": pl.Boolean()}, orient="row")


@pytest.mark.sentence(25)
@given(before=ROWS, after=ROWS, beside=ROWS, are_current=st.booleans(), once=st.booleans())
def test_keys_that_vanish_are_those_that_are_nowhere_any_more(
    before: Rows, after: Rows, beside: Rows, *, are_current: bool, once: bool
) -> None:
    keys = Keys(SCHEMA, are_current)
    had, has, stay = (
        {key for key, is_current in rows if is_current or not are_current}
        for rows in (before, after, beside)
    )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(table_rules, "BUCKET_ROWS", 100 if once else 4)
        found = count_vanished(
            keys, frame(before), frame(after), rows=len(before + after), beside=frame(beside)
        )

    assert found == len(had - has - stay)
