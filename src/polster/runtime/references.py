"""What an asset refers to, brought together with the tables of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import Terms
from polster.contracts.rules import ReferenceRule
from polster.errors import AssetError, nearest
from polster.lakehouse.types import storage_dtype
from polster.model.asset import Asset
from polster.model.reference import Reference

if TYPE_CHECKING:  # `validate` does without deltalake
    from polster.lakehouse.table_version import TableVersion


def refer(terms: Terms, targets: Mapping[Reference, TableVersion | None]) -> Terms:
    """Add to ``terms`` that values must stand in ``targets``; None stands for the rows judged.

    Raises:
        AssetError: A column that refers, or that is meant, is not there; or their types differ.
    """
    if not targets:
        return terms
    asset = terms.asset
    own = pl.Schema({name: terms.schema[name] for name in terms.columns})
    rules: list[ReferenceRule] = []
    for reference, table in targets.items():
        check_reference(asset, reference, own, own if table is None else table.schema)
        frame = None if table is None else table.scan_stored()
        rules.append(
            ReferenceRule(reference.rule, reference.columns, frame, reference.target_columns)
        )
    return replace(terms, rules=replace(terms.rules, references=tuple(rules)))


def check_reference(asset: Asset, reference: Reference, own: pl.Schema, target: pl.Schema) -> None:
    """Check that the columns of a reference are there and can be compared.

    Args:
        asset: Who refers.
        reference: To what.
        own: The columns of its contract.
        target: The columns of the table meant.

    Raises:
        AssetError: They are not.
    """
    for columns, schema, whose in (
        (reference.columns, own, f"`{asset.key}`"),
        (reference.target_columns, target, f"`{reference.target}`"),
    ):
        for name in columns:
            if name not in schema:
                close = nearest(name, schema)
                raise AssetError(
                    f"the reference of `{', '.join(reference.columns)}` names the column "
                    f"`{name}`, which {whose} does not have",
                    code="POL334",
                    place=asset.place,
                    hint=f"did you mean `{close}`?" if close else f"it has: {', '.join(schema)}",
                )
    for name, meant in zip(reference.columns, reference.target_columns, strict=True):
        if not can_compare(own[name], target[meant]):
            raise AssetError(
                f"`{name}` is {own[name]} and refers to `{reference.target}.{meant}`, which is "
                f"{target[meant]}: no value of one is a value of the other",
                code="POL335",
                place=asset.place,
                hint="give both columns one type in their contracts",
            )


def can_compare(one: pl.DataType, other: pl.DataType) -> bool:
    """Tell whether values of two types mean the same exactly where they are stored alike.

    >>> can_compare(pl.Int32(), pl.Int64()), can_compare(pl.String(), pl.Int64())
    (True, False)
    """
    if type(one) is not type(other) and {type(one), type(other)} & {pl.Duration, pl.Time}:
        return False  # stored as numbers and texts that are none
    stored, meant = storage_dtype(one), storage_dtype(other)
    if stored is None or meant is None:
        return False
    return stored == meant or (stored.is_integer() and meant.is_integer())
