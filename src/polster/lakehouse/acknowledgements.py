"""Acknowledgements: the standing warnings that somebody has seen, in one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import polars as pl

from polster.lakehouse.own_rows import append_rows, scan_rows
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import Table
from polster.model.asset import AssetKey
from polster.model.standing import Acknowledgement, StandingWarning

KEY = ("asset", "code", "subject", "run_id")
SCHEMA = pl.Schema(
    {
        **dict.fromkeys(KEY, pl.String()),
        "message": pl.String(),
        "acknowledged_by": pl.String(),
        "acknowledged_at": pl.Datetime("us", "UTC"),
    }
)


class Acknowledgements:
    """The acknowledgements of one lakehouse."""

    def __init__(self, store: Store) -> None:
        place = store.uri("_polster", "acknowledgements")
        self.table = Table(store, place, known_by=frozenset(SCHEMA))

    def write(self, warnings: Sequence[StandingWarning], *, by: str, at: datetime) -> None:
        """Record that ``warnings`` were seen, in one commit; those known already are left out.

        Raises:
            ConflictError: Others were faster again and again.
            LakehouseError: The table cannot be written.
        """
        rows = [
            {
                **dict(zip(KEY, warning.identity, strict=True)),
                "message": warning.message,
                "acknowledged_by": by,
                "acknowledged_at": at,
            }
            for warning in warnings
        ]
        frame = pl.DataFrame(rows, schema=SCHEMA)
        append_rows(self.table, frame, run_id=warnings[0].run_id, key=KEY)

    def of(
        self, warnings: Mapping[AssetKey, Sequence[StandingWarning]]
    ) -> dict[AssetKey, tuple[StandingWarning, ...]]:
        """Return ``warnings``, each with its acknowledgement if there is one.

        Nothing is read where there are no warnings, which is nearly always.

        Raises:
            LakehouseError: The table cannot be read.
        """
        if not any(warnings.values()):
            return {}
        with reaching(self.table.uri):
            rows = scan_rows(self.table, SCHEMA).drop("message").collect()
        known = {row[:4]: Acknowledgement(*row[4:]) for row in rows.iter_rows()}
        return {
            key: tuple(
                replace(warning, acknowledged=known.get(warning.identity)) for warning in each
            )
            for key, each in warnings.items()
            if each
        }
