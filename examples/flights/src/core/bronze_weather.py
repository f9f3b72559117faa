"""Hourly weather, exactly as shipped: text, with ``NA`` as it stands in the file."""

import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze
def weather() -> pl.LazyFrame:
    """One row per airport and hour; 15 text columns."""
    return pl.scan_csv(csv_file("weather"), infer_schema=False)


if __name__ == "__main__":
    weather.run()
