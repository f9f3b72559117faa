"""Bringing a table of bronze and a staged batch together: who of the two gets other types."""

from __future__ import annotations

import polars as pl

from polster.lakehouse.rewriting import Rewrite
from polster.lakehouse.store import reaching
from polster.lakehouse.table import Table, TableVersion
from polster.lakehouse.types import is_stored_as
from polster.model.asset import Asset
from polster.runtime.gate import Gate
from polster.runtime.landing import LandingPlan, plan_landing, settle_landing
from polster.runtime.stage import Staged


def settle(
    asset: Asset, arriving: pl.Schema, plan: LandingPlan, table: TableVersion, staged: Staged
) -> LandingPlan:
    """Let the values decide what the types have left open, and fit the staged files to it.

    Args:
        asset: Whose batch it is.
        arriving: Columns as the function returned them.
        plan: How the batch was to be landed.
        table: The table that it goes to.
        staged: The batch; its files are written once more if they get other types.

    Raises:
        AssetError: No type holds the values of a column and those that the table has.
        LakehouseError: What the table holds cannot be read.
    """
    with reaching(table.uri):
        if plan.undecided:
            rows = staged.staging.scan(staged.files, staged.schema)
            plan = settle_landing(asset, arriving, plan, table, rows)
        if plan.file_schema != staged.schema:
            staged.refit(plan.file_schema)
    return plan


def settle_again(
    asset: Asset,
    arriving: pl.Schema,
    plan: LandingPlan,
    table: TableVersion,
    staged: Staged,
    batch: str,
) -> LandingPlan:
    """Fit a staged batch to a table whose columns another run has changed meanwhile.

    Args:
        asset: As for :func:`settle`, like the next four.
        arriving: Columns as the function returned them.
        plan: How the batch was to be landed in the table as it was.
        table: The table as it is now.
        staged: The batch.
        batch: Its identifier.
    """
    if table.stored_schema == plan.existing:
        return plan
    as_staged = {
        name: dtype if is_stored_as(dtype, staged.schema[name]) else staged.schema[name]
        for name, dtype in arriving.items()
    }
    planned = plan_landing(asset, pl.Schema(as_staged), table, batch)
    return settle(asset, arriving, planned, table, staged)


def widen(
    plan: LandingPlan, table: Table, current: TableVersion, *, run_id: str, gate: Gate
) -> TableVersion:
    """Give the columns of a table the wider types that a batch needs, if it needs any.

    Raises:
        ConflictError: Another writer committed meanwhile.
        InterruptedRunError: The run was interrupted.
        LakehouseError: The table cannot be read or written.
    """
    if not plan.widened:
        return current
    stored = {**current.stored_schema, **plan.widened, **plan.grown}
    schema = pl.Schema({name: stored[name] for name in current.stored_schema})
    types = pl.Schema({**schema, **current.schema, **plan.types})
    rewrite = Rewrite(table, current, schema, types, run_id=run_id, check=gate.check)
    try:
        rewrite.stage()
        with gate.open():
            return rewrite.commit("; ".join(plan.changes))
    finally:
        rewrite.discard()
