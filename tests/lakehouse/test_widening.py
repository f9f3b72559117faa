"""Which type holds two, and whether values come back from another type as they were."""

from __future__ import annotations

import polars as pl
from hypothesis import given
from tests.columns import columns, is_same

from polster.lakehouse.types import storage_cast, storage_schema
from polster.lakehouse.widening import candidates, common_dtype, refitted, survives

V = pl.col("v")


@given(held=columns(), arriving=columns())
def test_values_that_survive_are_the_same_in_the_other_type(
    held: pl.DataFrame, arriving: pl.DataFrame
) -> None:
    table, batch = (
        storage_cast(frame, storage_schema(frame.schema, place="here"))
        for frame in (held, arriving)
    )
    before, returned = table.schema["v"], arriving.schema["v"]
    common = common_dtype(before, returned)

    for target in candidates(before, returned) if common is None else [common]:
        for frame, as_text in ((table, False), (batch, True)):
            dtype = frame.schema["v"]
            all_survive = frame.select(survives(V, dtype, target, as_text=as_text)).to_series()
            if all_survive.all():
                kept = frame.select(refitted(V, dtype, target).alias("v"))
                assert kept.schema["v"] == target
                assert kept.height == frame.height
                assert all(map(is_same, kept["v"].to_list(), frame["v"].to_list()))
            else:
                assert common is None
