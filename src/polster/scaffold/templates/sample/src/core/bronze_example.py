"""Orders of a small shop, exactly as they were exported, mistakes included."""

import polars as pl
from polster import bronze

FILE = "landing/orders.csv"  # seen from the project's folder


@bronze(source=FILE)
def example() -> pl.LazyFrame:
    # Every column as text: bronze keeps what arrived, silver gives it types.
    return pl.scan_csv(FILE, infer_schema=False)


if __name__ == "__main__":
    example.run()
