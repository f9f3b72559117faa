"""Orders that can be trusted: typed, one row per order, every rule kept."""

import dataframely as dy
import polars as pl
from polster import silver

STATUSES = ["new", "paid", "shipped", "returned"]


class Example(dy.Schema):
    """One row per order; rows that break a rule go to quarantine, with its name."""

    order_id = dy.Int64(primary_key=True)
    customer = dy.String(min_length=1)
    status = dy.String()
    amount = dy.Float64(min=0)
    ordered_on = dy.Date()

    @dy.rule()
    def known_status(cls) -> pl.Expr:
        return cls.status.col.is_in(STATUSES)


@silver(contract=Example)
def example(bronze_example: pl.LazyFrame) -> pl.LazyFrame:
    # The contract turns text into numbers by itself; how dates are written, we say.
    return bronze_example.with_columns(pl.col("ordered_on").str.to_date(strict=False))


if __name__ == "__main__":
    example.run()
