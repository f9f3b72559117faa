"""Flights out of New York City, exactly as shipped, a file a month.

Every column stays text, ``NA`` included. A reader that turned ``NA`` into null in all columns
would also erase a carrier or a state that is called NA, and one that guessed types would stop the
load at the first odd value: the raw record has to survive both. Silver gives types, column by
column. Each file lands once, known by its content; a month that arrives later lands alone.
"""

from polster import bronze
from polster.sources import Source, files

from core.nycflights import FLIGHTS, land_months


@bronze(load="append")
def flights() -> Source:
    """One row per scheduled flight; 19 text columns."""
    if not FLIGHTS.exists():
        land_months()
    return files("landing/flights/*.csv")


if __name__ == "__main__":
    flights.run()
