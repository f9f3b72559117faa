"""Exchange rates of the central bank."""

import dataframely as dy
import polars as pl
from polster import bronze


class RatesFile(dy.Schema):
    """One row per day and currency."""

    day = dy.Date()
    currency = dy.String()
    per_euro = dy.Float64(nullable=True)


@bronze(contract=RatesFile, load="append", source="landing/rates.parquet")
def rates() -> pl.LazyFrame:
    return pl.scan_parquet("landing/rates.parquet")
