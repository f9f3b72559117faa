"""How much do mist, wind and rain delay flights?"""

import dataframely as dy
import polars as pl
from polster import gold


class WeatherDelays(dy.Schema):
    """One row per kind of weather in which flights were to leave; delays in minutes."""

    visibility = dy.String(primary_key=True, regex="^(poor|hazy|clear|unknown)$")
    wind = dy.String(primary_key=True, regex="^(calm|breezy|strong|unknown)$")
    rain = dy.String(primary_key=True, regex="^(none|light|heavy|unknown)$")
    flights = dy.Int64(min=1)
    mean_departure_delay = dy.Float64(nullable=True, min=-60, max=2880)
    share_late = dy.Float64(nullable=True, min=0, max=1)
    share_cancelled = dy.Float64(min=0, max=1)


@gold(contract=WeatherDelays, owner="punctuality")
def weather_delays(flights: pl.LazyFrame, weather: pl.LazyFrame) -> pl.LazyFrame:
    """Delays by the weather at the origin in the hour of the scheduled departure.

    Visibility is poor below one mile and hazy below five. Wind is calm below 10 miles an hour and
    strong from 20. Rain, or melted snow, is heavy above a tenth of an inch in the hour. Late
    is 15 minutes or more, of the flights that left. Flights without a reading count as unknown, so
    that the rows add up to all flights.
    """
    visibility, wind, rain = pl.col("visib"), pl.col("wind_speed"), pl.col("precip")
    kinds = weather.select(
        "origin",
        "time_hour",
        visibility=pl.when(visibility < 1)
        .then(pl.lit("poor"))
        .when(visibility < 5)
        .then(pl.lit("hazy"))
        .when(visibility.is_not_null())
        .then(pl.lit("clear")),
        wind=pl.when(wind < 10)
        .then(pl.lit("calm"))
        .when(wind < 20)
        .then(pl.lit("breezy"))
        .when(wind.is_not_null())
        .then(pl.lit("strong")),
        rain=pl.when(rain > 0.1)
        .then(pl.lit("heavy"))
        .when(rain > 0)
        .then(pl.lit("light"))
        .when(rain.is_not_null())
        .then(pl.lit("none")),
    )
    return (
        flights.select("origin", "time_hour", "status", "dep_delay")
        .join(kinds, on=["origin", "time_hour"], how="left")
        .group_by("visibility", "wind", "rain")
        .agg(
            flights=pl.len().cast(pl.Int64),
            mean_departure_delay=pl.col("dep_delay").mean(),
            share_late=(pl.col("dep_delay") >= 15).mean(),
            share_cancelled=(pl.col("status") == "cancelled").mean(),
        )
        .with_columns(pl.col("visibility", "wind", "rain").fill_null("unknown"))
        .sort("visibility", "wind", "rain")
    )


if __name__ == "__main__":
    weather_delays.run()
