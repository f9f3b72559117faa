"""Airlines, exactly as shipped: text, with ``NA`` as it stands in the file."""

import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze
def airlines() -> pl.LazyFrame:
    """One row per carrier code; two text columns."""
    return pl.scan_csv(csv_file("airlines"), infer_schema=False)


if __name__ == "__main__":
    airlines.run()
