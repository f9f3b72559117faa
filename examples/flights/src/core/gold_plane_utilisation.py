"""How hard does each plane work?"""

import dataframely as dy
import polars as pl
from polster import gold


class PlaneUtilisation(dy.Schema):
    """One row per plane that left New York at least once."""

    tailnum = dy.String(primary_key=True)
    manufacturer = dy.String(nullable=True)  # null: not in the register
    model = dy.String(nullable=True)
    seats = dy.Int16(nullable=True, min=10, max=853)
    flights = dy.Int64(min=1)
    hours_in_the_air = dy.Float64(min=0, max=8760)
    miles = dy.Int64(min=0)
    days_active = dy.Int64(min=1, max=366)
    first_flight = dy.Date()
    last_flight = dy.Date()

    @dy.rule()
    def active_between_first_and_last_flight(cls) -> pl.Expr:
        """No more active days than flights, or than days from the first to the last."""
        span = (pl.col("last_flight") - pl.col("first_flight")).dt.total_days() + 1
        return pl.col("days_active") <= pl.min_horizontal(span, "flights")

    @dy.rule()
    def airborne_at_most_all_day(cls) -> pl.Expr:
        """A day has 24 hours."""
        return pl.col("hours_in_the_air") <= pl.col("days_active") * 24


@gold(contract=PlaneUtilisation, owner="fleet")
def plane_utilisation(flights: pl.LazyFrame, planes: pl.LazyFrame) -> pl.LazyFrame:
    """Flights, hours, miles and active days per plane, with its make and seats.

    Only flights that left count. Hours and miles are those of flights that landed where they were
    meant to: of a diverted flight neither is known.
    """
    landed = pl.col("status") == "landed"
    work = (
        flights.filter(pl.col("status") != "cancelled")
        .group_by("tailnum")
        .agg(
            flights=pl.len().cast(pl.Int64),
            hours_in_the_air=pl.col("air_time").cast(pl.Int64).sum() / 60,
            miles=pl.col("distance").filter(landed).cast(pl.Int64).sum(),
            days_active=pl.col("flight_date").n_unique().cast(pl.Int64),
            first_flight=pl.col("flight_date").min(),
            last_flight=pl.col("flight_date").max(),
        )
    )
    makes = planes.select("tailnum", "manufacturer", "model", "seats")
    return (
        work.join(makes, on="tailnum", how="left")
        .select(PlaneUtilisation.column_names())
        .sort("tailnum")
    )


if __name__ == "__main__":
    plane_utilisation.run()
