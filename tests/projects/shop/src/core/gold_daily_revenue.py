"""What the shop earned, day by day."""

import dataframely as dy
import polars as pl
from polster import gold

from core.money import in_euros


class DailyRevenue(dy.Schema):
    """One row per day."""

    ordered_on = dy.Date(primary_key=True)
    lines = dy.Int64(min=1)
    revenue = dy.Float64(min=0)


@gold(contract=DailyRevenue, owner="finance")
def daily_revenue(silver_orders: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
    kept = silver_orders.filter(pl.col("status") != "back", pl.col("ordered_on").is_not_null())
    return (
        in_euros(kept, rates)
        .group_by("ordered_on")
        .agg(lines=pl.len().cast(pl.Int64), revenue=pl.col("euros").sum())
        .sort("ordered_on")
    )
