"""Contracts, as a text can tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ContractColumn:
    """One column of a contract.

    Attributes:
        dtype: As Polars writes it, such as ``Int64``.
        rules: Every rule of the column but nullability and key, written out: ``min`` to ``0``.
        pii: Whether the contract marks it with ``metadata={"pii": True}``.
        masked: The reason given with ``metadata={"masked": True, "reason": "…"}``; empty if it
            gives none; None if the column is not marked as masked.
        fields: The same of the fields of a struct, or of a list of structs, in which something is
            marked; none if the column itself is.
    """

    name: str
    dtype: str
    nullable: bool
    primary_key: bool
    rules: Mapping[str, str] = field(default_factory=dict)
    pii: bool = False
    masked: str | None = None
    fields: tuple[ContractColumn, ...] = ()
