"""What each customer is worth to the shop."""

import dataframely as dy
import polars as pl
from polster import gold


class CustomerValue(dy.Schema):
    """One row per customer, those without an order included."""

    customer_id = dy.Int64(primary_key=True)
    country = dy.String()
    orders = dy.Int64(min=0)
    last_order_on = dy.Date(nullable=True)
    segment = dy.String()


@gold(contract=CustomerValue, owner="marketing", tags=["weekly"])
def customer_value(customers: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
    bought = orders.group_by("customer_id").agg(
        orders=pl.col("order_id").n_unique().cast(pl.Int64),
        last_order_on=pl.col("ordered_on").max(),
    )
    return (
        customers.select("customer_id", "country")
        .join(bought, on="customer_id", how="left")
        .with_columns(pl.col("orders").fill_null(0))
        .with_columns(
            segment=pl.when(pl.col("orders") > 10)
            .then(pl.lit("regular"))
            .when(pl.col("orders") > 0)
            .then(pl.lit("occasional"))
            .otherwise(pl.lit("visitor"))
        )
    )
