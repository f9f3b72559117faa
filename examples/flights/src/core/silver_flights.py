"""Flights out of New York City, typed, in UTC.

- **Key**: the local day, carrier, flight number and origin, as the industry names one leg. Without
  the origin it is not unique: one number may fly two legs a day.
- **Times**: ``time_hour`` is true UTC, so the scheduled departure is that hour plus the minute, and
  the departure is the schedule plus the delay. That also carries departures over midnight to the
  right day, which the clock alone (``5``, for five past twelve) does not.
- **24:00** is how the source writes a midnight that ends a day. It is right, and becomes 0.
- **No departure** means cancelled; no arrival delay means diverted. Both are kept, and ``status``
  says so: they are the flights that passengers remember.
- **No tail number** is kept for a cancelled flight, which may never have been given a plane. A
  flight that left must have one, and American ones begin with N.
- **Arrival** stays a clock time at the destination. The time zones in the airport table are wrong
  or missing for some of them.
- **Too fast**: more than 600 miles an hour from take-off to landing is beyond these planes on these
  routes. One of the numbers is wrong, nobody knows which: quarantined.
"""

import dataframely as dy
import polars as pl
from polster import silver

from core.text import known, utc, whole


class Flights(dy.Schema):
    """One row per scheduled flight."""

    flight_date = dy.Date(primary_key=True)  # local day of the scheduled departure
    carrier = dy.String(primary_key=True, regex="^[0-9A-Z]{2}$")
    flight = dy.Int16(primary_key=True, min=1, max=9999)
    origin = dy.String(primary_key=True, regex="^(EWR|JFK|LGA)$")
    dest = dy.String(regex="^[0-9A-Z]{3}$")
    tailnum = dy.String(nullable=True, regex="^N[0-9A-Z]{1,5}$")
    status = dy.String(regex="^(landed|diverted|cancelled)$")
    time_hour = dy.Datetime(time_zone="UTC", resolution="1h")  # joins the weather
    scheduled_departure = dy.Datetime(time_zone="UTC")
    departure = dy.Datetime(nullable=True, time_zone="UTC")
    dep_time = dy.Int16(nullable=True, min=0, max=2359)  # local clock, HHMM
    dep_delay = dy.Int16(nullable=True, min=-60, max=2880)  # minutes, up to two days
    sched_arr_time = dy.Int16(min=0, max=2359)  # clock at the destination, HHMM
    arr_time = dy.Int16(nullable=True, min=0, max=2359)
    arr_delay = dy.Int16(nullable=True, min=-180, max=2880)
    air_time = dy.Int16(nullable=True, min=10, max=900)  # minutes
    distance = dy.Int16(min=10, max=5100)  # miles; Honolulu is the farthest

    @dy.rule()
    def departed_with_a_tail_number(cls) -> pl.Expr:
        """A flight that left was flown by some plane."""
        return pl.col("departure").is_null() | pl.col("tailnum").is_not_null()

    @dy.rule()
    def scheduled_on_its_day(cls) -> pl.Expr:
        """The day, in local time, is that of the scheduled departure."""
        return _local("scheduled_departure").dt.date() == pl.col("flight_date")

    @dy.rule()
    def clock_agrees_with_delay(cls) -> pl.Expr:
        """The recorded clock time is the schedule plus the delay."""
        departure = _local("departure")
        clock = departure.dt.hour().cast(pl.Int16) * 100 + departure.dt.minute()
        return clock == pl.col("dep_time")

    @dy.rule()
    def clocks_have_sixty_minutes(cls) -> pl.Expr:
        """HHMM ends at 59."""
        clocks = pl.col("dep_time", "sched_arr_time", "arr_time")
        return pl.all_horizontal((clocks % 100 < 60).fill_null(True))

    @dy.rule()
    def arrives_only_after_departing(cls) -> pl.Expr:
        """A cancelled flight has no arrival."""
        return pl.col("departure").is_not_null() | pl.col("arr_time").is_null()

    @dy.rule()
    def landed_with_an_air_time(cls) -> pl.Expr:
        """Arrival delay and time in the air are known together."""
        return pl.col("arr_delay").is_null() == pl.col("air_time").is_null()

    @dy.rule()
    def no_faster_than_600_miles_an_hour(cls) -> pl.Expr:
        """Ten miles a minute at most, from take-off to landing."""
        return pl.col("distance") <= pl.col("air_time").cast(pl.Int32) * 10


@silver(contract=Flights)
def flights(bronze_flights: pl.LazyFrame) -> pl.LazyFrame:
    """Flights with their status and their times in UTC."""
    return (
        bronze_flights.select(
            pl.date(whole("year"), whole("month"), whole("day")).alias("flight_date"),
            "carrier",
            whole("flight"),
            "origin",
            "dest",
            known("tailnum"),
            utc("time_hour"),
            whole("minute"),
            whole("dep_time") % 2400,
            whole("dep_delay"),
            whole("sched_arr_time") % 2400,
            whole("arr_time") % 2400,
            whole("arr_delay"),
            whole("air_time"),
            whole("distance"),
        )
        .with_columns(
            status=pl.when(pl.col("dep_delay").is_null())
            .then(pl.lit("cancelled"))
            .when(pl.col("arr_delay").is_null())
            .then(pl.lit("diverted"))
            .otherwise(pl.lit("landed")),
            scheduled_departure=pl.col("time_hour") + pl.duration(minutes="minute"),
        )
        .with_columns(
            departure=pl.col("scheduled_departure") + pl.duration(minutes="dep_delay"),
        )
        .select(Flights.column_names())
    )


def _local(column: str) -> pl.Expr:
    return pl.col(column).dt.convert_time_zone("America/New_York")


if __name__ == "__main__":
    flights.run()
