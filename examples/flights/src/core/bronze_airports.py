"""Airports, exactly as shipped: text, with ``NA`` as it stands in the file."""

import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze
def airports() -> pl.LazyFrame:
    """One row per airport; eight text columns."""
    return pl.scan_csv(csv_file("airports"), infer_schema=False)


if __name__ == "__main__":
    airports.run()
