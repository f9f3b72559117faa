"""Order lines: typed, unique, with known states."""

import dataframely as dy
import polars as pl
from polster import silver

from core.reading import code, day, number

STATES = ["new", "paid", "sent", "back"]


class Orders(dy.Schema):
    """One row per order line."""

    order_id = dy.Int64(primary_key=True)
    line = dy.Int64(primary_key=True, min=1)
    customer_id = dy.Int64(nullable=True)
    sku = dy.String(min_length=3)
    ordered_on = dy.Date(nullable=True)
    amount = dy.Float64(nullable=True, min=0)
    currency = dy.String(regex="^[A-Z]{3}$")
    status = dy.String(nullable=True)

    @dy.rule()
    def known_state(cls) -> pl.Expr:
        return pl.col("status").is_in(STATES)


@silver(contract=Orders, owner="shop")
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select(
        "order_id",
        "line",
        "customer_id",
        code("sku"),
        day("ordered_on"),
        number("amount"),
        code("currency").fill_null("EUR"),
        "status",
    )
