"""bronze.example lands the file as it is."""

import polars as pl

from core.bronze_example import example


def test_every_row_arrives_as_text() -> None:
    orders = example().collect()

    assert orders.height == 20
    assert set(orders.dtypes) == {pl.String()}
