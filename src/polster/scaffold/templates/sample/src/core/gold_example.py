"""Revenue per customer: what was ordered, less what came back."""

import dataframely as dy
import polars as pl
from polster import gold


class Example(dy.Schema):
    """One row per customer."""

    customer = dy.String(primary_key=True)
    orders = dy.Int64(min=1)
    returns = dy.Int64(min=0)
    revenue = dy.Float64()
    last_order_on = dy.Date()


@gold(contract=Example)
def example(silver_example: pl.LazyFrame) -> pl.LazyFrame:
    returned = pl.col("status") == "returned"
    kept = pl.when(returned).then(0.0).otherwise(pl.col("amount"))
    return (
        silver_example.group_by("customer")
        .agg(
            orders=pl.len().cast(pl.Int64),
            returns=returned.sum().cast(pl.Int64),
            revenue=kept.sum().round(2),
            last_order_on=pl.col("ordered_on").max(),
        )
        .sort("customer")
    )


if __name__ == "__main__":
    example.run()
