"""What is known of a table that others read, also as a text that tells one from another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from polster.lakehouse.dtypes import dtype_text, read_dtype


@dataclass(frozen=True, slots=True)
class Upstream:
    """What is known of a table that others read.

    Attributes:
        schema: Its columns as readers get them; None if unknown.
        why: Why it is unknown, as a clause.
        not_null: Columns in which no null is published.
        limits: Columns whose values its contract limits, and to how many; 0 if nobody knows.
        keys: Columns whose values together occur once.
    """

    schema: pl.Schema | None
    why: str = ""
    not_null: frozenset[str] = frozenset()
    limits: Mapping[str, int] = field(default_factory=dict)
    keys: tuple[tuple[str, ...], ...] = ()


def upstream_text(upstream: Upstream) -> str | None:
    """Write ``upstream`` out, the same text for equal ones; None if it has an unknown type.

    >>> upstream_text(Upstream(pl.Schema({"day": pl.Date()}), not_null=frozenset({"day"})))
    '[[["day","Date"]],"",["day"],{},[]]'
    """
    columns: list[list[str]] | None = None
    if upstream.schema is not None:
        texts = {name: dtype_text(dtype) for name, dtype in upstream.schema.items()}
        columns = [[name, text] for name, text in texts.items() if text is not None]
        if len(columns) < len(texts):
            return None
    limits = dict(sorted(upstream.limits.items()))
    told = [columns, upstream.why, sorted(upstream.not_null), limits, upstream.keys]
    return json.dumps(told, separators=(",", ":"))


def upstream_from_text(told: str) -> Upstream:
    """Read what :func:`upstream_text` wrote.

    Raises:
        ValueError: It did not.
    """
    try:
        columns, why, not_null, limits, keys = json.loads(told)
        types = [(name, read_dtype(text)) for name, text in columns or ()]
        schema = None if columns is None else pl.Schema(types)
        return Upstream(schema, why, frozenset(not_null), limits, tuple(map(tuple, keys)))
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an upstream: {told}") from error
