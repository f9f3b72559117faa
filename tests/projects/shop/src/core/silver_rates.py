"""Exchange rates, one a day and currency."""

import dataframely as dy
import polars as pl
from polster import silver


class Rates(dy.Schema):
    """One row per day and currency."""

    day = dy.Date(primary_key=True)
    currency = dy.String(primary_key=True, regex="^[A-Z]{3}$")
    per_euro = dy.Float64(min_exclusive=0)


@silver(contract=Rates)
def rates(bronze_rates: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_rates.select("day", "currency", "per_euro")
