"""Customers that can be written to."""

import dataframely as dy
import polars as pl
from polster import silver

from core.reading import code


class Customers(dy.Schema):
    """One row per customer."""

    customer_id = dy.Int64(primary_key=True)
    name = dy.String(nullable=True)
    email = dy.String(nullable=True, regex="@", metadata={"pii": True})
    country = dy.String()
    joined_on = dy.Date(nullable=True)


@silver(contract=Customers)
def customers(bronze_customers: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_customers.select(
        pl.col("id").alias("customer_id"),
        "name",
        pl.col("email").str.to_lowercase(),
        code("country").fill_null("UNKNOWN"),
        pl.col("joined").str.to_date(strict=False).alias("joined_on"),
    )
