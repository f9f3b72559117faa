"""What a consumer asks of its upstream: a parameter annotated ``dy.LazyFrame[Contract]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.rules import contract_columns
from polster.errors import AssetError
from polster.model.asset import Asset

if TYPE_CHECKING:
    import dataframely as dy


def satisfies(asset: Asset, upstream: str, columns: pl.Schema, contract: type[dy.Schema]) -> None:
    """Check that the columns of ``upstream`` are what ``asset`` states that it needs.

    Only names and types are compared: the rows were judged when they were published.

    Raises:
        AssetError: A column is missing or has another type.
    """
    problems = []
    for name, column in contract_columns(contract).items():
        if name not in columns:
            problems.append(f"`{name}` is missing")
        elif not column.validate_dtype(columns[name]):
            problems.append(f"`{name}` is {columns[name]}, not {column.dtype}")
    if problems:
        raise AssetError(
            f"`{upstream}` is not what {contract.__name__} asks for: {'; '.join(problems)}",
            code="POL314",
            place=asset.place,
            hint=f"change the annotation of the parameter, or what `{upstream}` publishes",
        )
