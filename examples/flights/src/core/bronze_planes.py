"""Planes, exactly as shipped: text, with ``NA`` as it stands in the file."""

import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze
def planes() -> pl.LazyFrame:
    """One row per tail number in the aircraft register; nine text columns."""
    return pl.scan_csv(csv_file("planes"), infer_schema=False)


if __name__ == "__main__":
    planes.run()
