"""Rows to test with, from a contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import polars as pl

from polster.contracts.rules import contract_columns, contract_rules
from polster.errors import PolsterError, UsageError, nearest
from polster.rehearsal.sampling import CannotSampleError, sample_contract

if TYPE_CHECKING:
    import dataframely as dy


def sample_input(
    contract: type[dy.Schema], /, rows: int = 10, *, seed: int = 0, **overrides: Any
) -> pl.DataFrame:
    """Sample rows that keep every rule of ``contract``, but for the values given.

    Args:
        contract: A schema of dataframely, such as the contract of an upstream.
        rows: How many; what an override with several values says if there is one.
        seed: The same seed samples the same rows.
        overrides: By column: one value for all rows, or one a row. The other columns are sampled
            to fit; values that break a rule are put in place all the same, to test with bad rows.

    Raises:
        UsageError: There is no such contract; an override is no column of it, or they differ in
            length.
        PolsterError: No rows were found that keep all rules.

    Examples:
        >>> import dataframely as dy
        >>> class Orders(dy.Schema):
        ...     id = dy.Int64(primary_key=True)
        ...     status = dy.Enum(["new", "paid"])
        >>> orders = sample_input(Orders, status=["paid", "new", "new"])
        >>> orders["status"].to_list(), orders["id"].n_unique()
        (['paid', 'new', 'new'], 3)
        >>> sample_input(Orders, rows=1, id=None)["id"].to_list()
        [None]
    """
    if not (isinstance(contract, type) and hasattr(contract, "columns")):
        raise UsageError(
            f"sample_input takes a contract, and got a {type(contract).__name__}",
            code="POL106",
            hint="hand over the class itself, as its file is imported",
        )
    if rows < 0:
        raise UsageError(f"{rows} rows cannot be sampled", code="POL106")
    columns = contract_columns(contract)
    for name in overrides:
        if name not in columns:
            close = nearest(name, columns)
            raise UsageError(
                f"{contract.__name__} has no column `{name}`",
                code="POL106",
                hint=f"did you mean `{close}`?" if close else f"it has: {', '.join(columns)}",
            )
    lists = {name: value for name, value in overrides.items() if _is_list(value)}
    lengths = {len(value) for value in lists.values()}
    if len(lengths) > 1:
        raise UsageError(f"the overrides {', '.join(lists)} have different lengths", code="POL106")
    height = lengths.pop() if lengths else rows
    given = {
        name: value if name in lists else [value] * height for name, value in overrides.items()
    }
    try:
        if _keeps_rules(contract, given):
            with suppress(CannotSampleError):
                return sample_contract(contract, height, seed=seed, given=given)
        sampled = sample_contract(contract, height, seed=seed)
    except CannotSampleError as error:
        raise PolsterError(
            f"{contract.__name__} cannot be sampled: {error}",
            code="POL805",
            hint=f"give more columns, or say in {contract.__name__}._sampling_overrides how they "
            "follow from others",
        ) from error
    types = {name: columns[name].dtype for name in given}
    return sampled.with_columns(pl.DataFrame(given, schema=types).get_columns())


def _keeps_rules(contract: type[dy.Schema], given: Mapping[str, Any]) -> bool:
    """Tell whether the values given keep the rules that read no other column."""
    columns = contract_columns(contract)
    frame = pl.DataFrame(given, schema={name: columns[name].dtype for name in given})
    return all(
        frame.select(rule.holds.fill_null(True).all()).item()
        for rule in contract_rules(contract).rows
        if rule.columns and set(rule.columns) <= given.keys()
    )


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence | pl.Series) and not isinstance(value, str | bytes)
