"""gold.example sums what customers kept."""

from datetime import date

import polars as pl

from core.gold_example import example


def test_returned_orders_bring_no_revenue() -> None:
    orders = pl.LazyFrame(
        {
            "order_id": [1, 2, 3],
            "customer": ["Anna", "Anna", "Bela"],
            "status": ["paid", "returned", "shipped"],
            "amount": [10.0, 4.0, 7.5],
            "ordered_on": [date(2025, 1, 2), date(2025, 1, 3), date(2025, 1, 4)],
        }
    )

    returned = example(orders).collect()

    assert returned.select("customer", "orders", "returns", "revenue").rows() == [
        ("Anna", 2, 1, 10.0),
        ("Bela", 1, 0, 7.5),
    ]
