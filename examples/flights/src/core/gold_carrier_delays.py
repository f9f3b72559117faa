"""How late is which airline, month by month?"""

import dataframely as dy
import polars as pl
from polster import gold


class CarrierDelays(dy.Schema):
    """One row per carrier and month; delays in minutes, early departures and arrivals negative."""

    carrier = dy.String(primary_key=True)
    month = dy.Date(primary_key=True, resolution="1mo")
    name = dy.String()
    flights = dy.Int64(min=1)  # scheduled, so with the cancelled ones
    mean_departure_delay = dy.Float64(nullable=True, min=-60, max=2880)  # of those that left
    p95_arrival_delay = dy.Float64(nullable=True, min=-180, max=2880)  # of those that landed
    share_cancelled = dy.Float64(min=0, max=1)


@gold(contract=CarrierDelays, owner="punctuality")
def carrier_delays(flights: pl.LazyFrame, airlines: pl.LazyFrame) -> pl.LazyFrame:
    """Flights, delays and cancellations per carrier and month, with the airline's name."""
    months = flights.group_by("carrier", month=pl.col("flight_date").dt.truncate("1mo")).agg(
        flights=pl.len().cast(pl.Int64),
        mean_departure_delay=pl.col("dep_delay").mean(),
        p95_arrival_delay=pl.col("arr_delay").quantile(0.95, interpolation="linear"),
        share_cancelled=(pl.col("status") == "cancelled").mean(),
    )
    return (
        months.join(airlines, on="carrier", how="left")
        .with_columns(pl.col("name").fill_null(pl.col("carrier")))  # not in the register
        .select(CarrierDelays.column_names())
        .sort("carrier", "month")
    )


if __name__ == "__main__":
    carrier_delays.run()
