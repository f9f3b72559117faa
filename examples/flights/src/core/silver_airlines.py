"""Airlines by carrier code."""

import dataframely as dy
import polars as pl
from polster import silver


class Airlines(dy.Schema):
    """One row per airline."""

    carrier = dy.String(primary_key=True, regex="^[0-9A-Z]{2}$")
    name = dy.String(min_length=1)


@silver(contract=Airlines)
def airlines(bronze_airlines: pl.LazyFrame) -> pl.LazyFrame:
    """Airlines with their two-character code."""
    return bronze_airlines.select("carrier", "name")


if __name__ == "__main__":
    airlines.run()
