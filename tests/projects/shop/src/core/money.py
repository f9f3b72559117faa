"""Everything is reported in euros."""

import polars as pl


def in_euros(orders: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    """Add ``euros``: the amount in euros; null where the day has no rate."""
    return orders.join(
        rates, left_on=["ordered_on", "currency"], right_on=["day", "currency"], how="left"
    ).with_columns(euros=pl.col("amount") / pl.col("per_euro"))
