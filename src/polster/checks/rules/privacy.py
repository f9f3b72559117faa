"""Rules about personal data."""

from __future__ import annotations

from polster.model.finding import Severity
from polster.model.rule import Rule

_PEOPLE = '''\
# src/core/bronze_people.py
"""People who signed up, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class PeopleExport(dy.Schema):
    """One row per person."""

    id = dy.String()
    email = dy.String(metadata={"pii": True})
    city = dy.String()


@bronze(contract=PeopleExport)
def people() -> pl.LazyFrame:
    return pl.scan_csv("landing/people.csv", infer_schema=False)
# src/core/silver_people.py
"""People who signed up, one row per person."""

import dataframely as dy
import polars as pl
from polster import silver


class People(dy.Schema):
    """One row per person."""

    id = dy.String(primary_key=True)
    email = dy.String(nullable=False)
    city = dy.String(nullable=False)


@silver(contract=People)
def people(bronze_people: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_people.select("id", "email", "city")
# src/core/gold_audience.py
"""Whom the newsletter reaches, and where."""

import dataframely as dy
import polars as pl
from polster import gold


class Audience(dy.Schema):
    """One row per person."""

    id = dy.String(primary_key=True)
'''
_READ = """    city = dy.String(nullable=False)


@gold(contract=Audience, owner="marketing")
def audience(people: pl.LazyFrame) -> pl.LazyFrame:
    return people.select("id", contact=pl.col("email"), city=pl.col("city"))
"""
_HASHED = """    city = dy.String(nullable=False)


@gold(contract=Audience, owner="marketing")
def audience(people: pl.LazyFrame) -> pl.LazyFrame:
    domain = pl.col("email").str.split("@").list.last()
    return people.select("id", contact=domain, city=pl.col("city"))
"""
_OPEN = "    contact = dy.String(nullable=True)\n"
_MASKED = '    contact = dy.String(nullable=True, metadata={"masked": True})\n'
_REASONED = """\
    contact = dy.String(
        nullable=True, metadata={"masked": True, "reason": "only the domain is left"}
    )
"""

RULES: tuple[Rule, ...] = (
    Rule(
        code="POL731",
        name="pii-in-gold",
        severity=Severity.ERROR,
        summary="personal data reaches gold, and no contract says that it is masked",
        reason=(
            "Gold is what many people read and export. A column whose contract says "
            '`metadata={"pii": True}` is followed through the pipeline by value, renamed or '
            "computed with, until a contract declares what masks it."
        ),
        bad=_PEOPLE + _OPEN + _READ,
        good=_PEOPLE + _REASONED + _HASHED,
    ),
    Rule(
        code="POL732",
        name="masked-without-reason",
        severity=Severity.ERROR,
        summary="a column is declared masked without a word on what masks it",
        reason=(
            "The declaration ends the search for personal data, so whoever audits it has to "
            "read what was done to the values, such as a salted hash or a coarser unit."
        ),
        bad=_PEOPLE + _MASKED + _HASHED,
        good=_PEOPLE + _REASONED + _HASHED,
    ),
)
