"""Rows that a condition of the user chooses, where they can be judged without the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from polster.contracts.judge import Terms
from polster.contracts.rules import is_local
from polster.errors import AssetError
from polster.model.asset import Asset
from polster.plans.where import Where, read_where


def judged_alone(
    asset: Asset,
    sql: str,
    terms: Terms,
    columns: Iterable[str],
    refuse: Callable[[Asset, str], AssetError],
) -> Where:
    """Return a condition, if the rows for which it holds can be judged without the others.

    Args:
        asset: Whose table.
        sql: The condition.
        terms: How its rows are judged.
        columns: What it may look at.
        refuse: Says that it cannot be done, and why.

    Raises:
        AssetError: It cannot.
    """
    try:
        where = read_where(sql, {name: terms.schema[name] for name in columns})
    except ValueError as error:
        raise refuse(asset, str(error)) from error
    for name in where.columns:
        if name not in terms.returned:
            raise refuse(asset, f"its function does not return `{name}`")
    for rule in terms.rules.tables:
        if not all(is_local(rule, name, terms.schema) for name in where.columns):
            raise refuse(asset, f"its rule `{rule.name}` looks at rows beside these")
    if terms.ages or asset.options.expect.null_share:
        raise refuse(asset, "what is expected of its nulls or its newest row is asked of all")
    if any(rule.target is None for rule in terms.rules.references):
        raise refuse(asset, "it refers to its own rows")
    return where
