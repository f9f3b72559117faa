"""The values that the expression of a rule names."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import polars as pl

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e-?\d+)?")
TEXT = re.compile(r'"([^"]*)"')
DAY = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d)?")


def named_values(rule: pl.Expr) -> list[Any]:
    """Return the texts, times and numbers in the text of an expression, as Polars shows it.

    >>> named_values(pl.col("status").is_in(["new", "paid"]) & (pl.col("n") > 7))
    ['status', 'new', 'paid', 'n', 7.0]
    """
    text = str(rule)
    words = TEXT.findall(text)
    days = [datetime.fromisoformat(day) for day in DAY.findall(text)]
    bare = DAY.sub(" ", TEXT.sub(" ", text))
    return [*words, *days, *(float(number) for number in NUMBER.findall(bare))]
