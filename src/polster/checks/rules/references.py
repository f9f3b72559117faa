"""Rules about references between tables: found by comparing columns and contracts."""

from __future__ import annotations

from polster.model.finding import Severity
from polster.model.rule import Rule

_PRODUCTS = '''\
# src/core/bronze_products.py
"""Products of the shop, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class ProductsExport(dy.Schema):
    """One row per product."""

    product_id = dy.String()
    name = dy.String(nullable=True)


@bronze(contract=ProductsExport)
def products() -> pl.LazyFrame:
    return pl.scan_csv("landing/products.csv", infer_schema=False)
# src/core/silver_products.py
"""Products, unique."""

import dataframely as dy
import polars as pl
from polster import silver


class Products(dy.Schema):
    """One row per product."""

    product_id = dy.String(primary_key=True)
    name = dy.String(nullable=True)


@silver(contract=Products)
def products(bronze_products: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_products.select("product_id", "name")
'''
_LINES = '''\
# src/core/bronze_order_lines.py
"""Lines of orders, as exported."""

import dataframely as dy
import polars as pl
from polster import bronze


class LinesExport(dy.Schema):
    """One row per order line."""

    line_id = dy.String()
    product_id = dy.String(nullable=True)


@bronze(contract=LinesExport)
def order_lines() -> pl.LazyFrame:
    return pl.scan_csv("landing/order_lines.csv", infer_schema=False)
# src/core/silver_order_lines.py
"""Lines of orders, each of a product that there is."""

import dataframely as dy
import polars as pl
from polster import silver


class OrderLines(dy.Schema):
    """One row per order line."""

    line_id = dy.String(primary_key=True)
    product_id = dy.String(nullable=True)


@silver(contract=OrderLines, references={"product_id": "products.product_id"})
def order_lines(bronze_order_lines: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_order_lines.select("line_id", "product_id")
'''
_ALL = _PRODUCTS + _LINES


def _mended(old: str, new: str) -> tuple[str, str]:
    if old not in _ALL:
        raise ValueError(f"the example does not hold {old!r}")
    return _ALL.replace(old, new), _ALL


RULES = (
    Rule(
        "POL236",
        "reference-to-no-key",
        Severity.WARNING,
        "a reference names columns that do not tell the rows of their table apart",
        "A reference says which row is meant. Where a value occurs in several rows, a join by it "
        "makes several rows of one.",
        *_mended('"products.product_id"', '"products.name"'),
    ),
    Rule(
        "POL334",
        "reference-to-no-column",
        Severity.ERROR,
        "a reference names a column that is not there",
        "Nothing can be looked up by it: the asset stops at its next run.",
        *_mended('"products.product_id"', '"products.product"'),
    ),
    Rule(
        "POL335",
        "reference-of-another-type",
        Severity.ERROR,
        "a reference joins columns of two types",
        'The text "7" and the number 7 are not equal, and to turn one into the other would have '
        'to guess about " 7" and "07". The asset stops at its next run.',
        *_mended(
            "    line_id = dy.String(primary_key=True)\n    product_id = dy.String(nullable=True)",
            "    line_id = dy.String(primary_key=True)\n    product_id = dy.Int64(nullable=True)",
        ),
    ),
)
