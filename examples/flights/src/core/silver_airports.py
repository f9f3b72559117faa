"""Airports of the United States.

The source has three wrong places: two airports that lost the minus sign of their longitude, and so
lie in China, time zone included, and one whose latitude and longitude changed places. They are
quarantined; guessing the right place is not this pipeline's business.
"""

import dataframely as dy
import polars as pl
from polster import silver

from core.text import decimal, known, whole


class Airports(dy.Schema):
    """One row per airport, by its FAA code."""

    faa = dy.String(primary_key=True, regex="^[0-9A-Z]{3}$")
    name = dy.String(min_length=1)
    lat = dy.Float64(min=18, max=72)  # Hawaii to the north coast of Alaska
    lon = dy.Float64(min=-180, max=180)
    alt = dy.Int16(min=-300, max=10_000)  # feet; Furnace Creek lies below the sea
    tz = dy.Int16(min=-10, max=-5)  # hours from UTC in winter
    dst = dy.String(regex="^[ANU]$")  # United States rule, none, unknown
    tzone = dy.String(nullable=True)

    @dy.rule()
    def in_the_western_hemisphere(cls) -> pl.Expr:
        """West of Maine, or on the Aleutian islands beyond the date line."""
        return (pl.col("lon") <= -66) | (pl.col("lon") >= 172)


@silver(contract=Airports)
def airports(bronze_airports: pl.LazyFrame) -> pl.LazyFrame:
    """Airports with numeric position, altitude in feet and hours from UTC."""
    return bronze_airports.select(
        "faa",
        "name",
        decimal("lat"),
        decimal("lon"),
        whole("alt"),
        whole("tz"),
        "dst",
        known("tzone"),
    )


if __name__ == "__main__":
    airports.run()
