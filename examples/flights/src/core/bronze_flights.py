"""Flights out of New York City, exactly as shipped.

Every column stays text, ``NA`` included. A reader that turned ``NA`` into null in all columns
would also erase a carrier or a state that is called NA, and one that guessed types would stop the
load at the first odd value: the raw record has to survive both. Silver gives types, column by
column. It costs next to nothing: text loads as fast as guessed types do and takes the same space.
"""

import polars as pl
from polster import bronze

from core.nycflights import csv_file


@bronze
def flights() -> pl.LazyFrame:
    """One row per scheduled flight; 19 text columns."""
    return pl.scan_csv(csv_file("flights"), infer_schema=False)


if __name__ == "__main__":
    flights.run()
