"""Customers, as the CRM answers."""

import json
from urllib.request import urlopen

import dataframely as dy
import polars as pl
from polster import bronze

ADDRESS = "https://crm.example.com/v1/customers"


class CustomersAnswer(dy.Schema):
    """One row per customer."""

    id = dy.Int64()
    name = dy.String(nullable=True)
    email = dy.String(nullable=True, metadata={"pii": True})
    country = dy.String(nullable=True)
    joined = dy.String(nullable=True)


@bronze(contract=CustomersAnswer, source=ADDRESS)
def customers() -> pl.LazyFrame:
    with urlopen(ADDRESS, timeout=30) as answer:
        return pl.LazyFrame(json.load(answer))
