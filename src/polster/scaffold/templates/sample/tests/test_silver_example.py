"""silver.example: a plain function, and a contract that can be asked directly."""

from datetime import date

import polars as pl

from core.silver_example import Example, example

ORDERS = pl.LazyFrame(
    {
        "order_id": ["1", "2", "3"],
        "customer": ["Anna", "Bela", None],
        "status": ["paid", "shiped", "new"],
        "amount": ["10.50", "-1.00", "7.00"],
        "ordered_on": ["2025-01-02", "2025-01-03", "2025-01-04"],
    }
)


def test_dates_are_read() -> None:
    returned = example(ORDERS).collect()

    assert returned["ordered_on"].to_list() == [
        date(2025, 1, 2),
        date(2025, 1, 3),
        date(2025, 1, 4),
    ]


def test_the_contract_keeps_bad_rows_out() -> None:
    good, bad = Example.filter(example(ORDERS).collect(), cast=True)

    assert good["order_id"].to_list() == [1]
    assert bad.counts() == {
        "amount|min": 1,
        "customer|nullability": 1,
        "known_status": 1,
    }
