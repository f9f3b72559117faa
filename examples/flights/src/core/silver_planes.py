"""Planes by tail number.

The register was matched by tail number, and some airlines report a fleet number instead, which
belongs to somebody else's plane: a two-seater from 1959 did not fly passengers to Chicago. A plane
without a turbine, or with fewer than ten seats, is such a wrong match. It is quarantined, so
that its flights show no maker rather than a false one.
"""

import dataframely as dy
import polars as pl
from polster import silver

from core.text import whole


class Planes(dy.Schema):
    """One row per plane that an airline can have flown."""

    tailnum = dy.String(primary_key=True, regex="^N[0-9A-Z]{1,5}$")
    year = dy.Int16(nullable=True, min=1950, max=2013)  # of manufacture
    type = dy.String(regex="^(Fixed wing (single|multi) engine|Rotorcraft)$")
    manufacturer = dy.String(min_length=1)
    model = dy.String(min_length=1)
    engines = dy.Int16(min=1, max=4)
    seats = dy.Int16(min=10, max=853)  # an A380 in one class
    speed = dy.Int16(nullable=True, min=50, max=700)  # miles an hour
    engine = dy.String(regex="^Turbo-(fan|jet|prop)$")


@silver(contract=Planes)
def planes(bronze_planes: pl.LazyFrame) -> pl.LazyFrame:
    """Planes with numeric year, engines, seats and speed."""
    return bronze_planes.select(
        "tailnum",
        whole("year"),
        "type",
        "manufacturer",
        "model",
        whole("engines"),
        whole("seats"),
        whole("speed"),
        "engine",
    )


if __name__ == "__main__":
    planes.run()
