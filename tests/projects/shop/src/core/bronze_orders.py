"""Orders, as the shop's backend exports them every night."""

import dataframely as dy
import polars as pl
from polster import bronze

FILES = "landing/orders_*.csv"


class OrdersExport(dy.Schema):
    """One row per order line; everything is text."""

    order_id = dy.String()
    line = dy.String()
    customer_id = dy.String(nullable=True)
    sku = dy.String()
    ordered_on = dy.String()
    amount = dy.String(nullable=True)
    currency = dy.String(nullable=True)
    status = dy.String(nullable=True)


@bronze(contract=OrdersExport, source=FILES)
def orders() -> pl.LazyFrame:
    return pl.scan_csv(FILES, infer_schema=False)
