"""Hourly weather at the three airports.

The hour is ``time_hour`` in UTC. By the local clock 2013-11-03 01:00 happened twice, when summer
time ended: with the local hour as key, three true readings would be thrown away as duplicates.
"""

import dataframely as dy
import polars as pl
from polster import silver

from core.text import decimal, utc, whole


class Weather(dy.Schema):
    """One row per airport and hour; Fahrenheit, miles an hour, inches, millibars, miles."""

    origin = dy.String(primary_key=True, regex="^(EWR|JFK|LGA)$")
    time_hour = dy.Datetime(primary_key=True, time_zone="UTC", resolution="1h")
    temp = dy.Float64(nullable=True, min=-40, max=120)
    dewp = dy.Float64(nullable=True, min=-60, max=90)
    humid = dy.Float64(nullable=True, min=0, max=100)
    wind_dir = dy.Int16(nullable=True, min=0, max=360)  # null when it varies
    wind_speed = dy.Float64(nullable=True, min=0, max=150)  # no more was ever felt in New York
    wind_gust = dy.Float64(nullable=True, min=0, max=200)
    precip = dy.Float64(min=0, max=12)  # the wettest hour on record anywhere
    pressure = dy.Float64(nullable=True, min=870, max=1085)  # the records of the world
    visib = dy.Float64(min=0, max=10)  # the instruments end at ten miles

    @dy.rule()
    def dew_point_below_temperature(cls) -> pl.Expr:
        """Air cannot hold more water than at its dew point."""
        return pl.col("dewp") <= pl.col("temp")

    @dy.rule()
    def gusts_exceed_the_wind(cls) -> pl.Expr:
        """A gust is a peak of the wind that it belongs to."""
        return pl.col("wind_gust") >= pl.col("wind_speed")


@silver(contract=Weather)
def weather(bronze_weather: pl.LazyFrame) -> pl.LazyFrame:
    """Weather with numeric readings, by airport and UTC hour."""
    return bronze_weather.select(
        "origin",
        utc("time_hour"),
        decimal("temp"),
        decimal("dewp"),
        decimal("humid"),
        whole("wind_dir"),
        decimal("wind_speed"),
        decimal("wind_gust"),
        decimal("precip"),
        decimal("pressure"),
        decimal("visib"),
    )


if __name__ == "__main__":
    weather.run()
