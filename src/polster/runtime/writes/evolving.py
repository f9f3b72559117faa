"""Bringing a table of bronze and a staged batch together: who of the two gets other types."""

from __future__ import annotations

import polars as pl

from polster.lakehouse.dtypes import dtype_text
from polster.lakehouse.rewriting import Rewrite
from polster.lakehouse.store import reaching
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import is_stored_as
from polster.model.asset import Asset
from polster.runtime.gate import Gate
from polster.runtime.stage import Staged
from polster.runtime.writes.landing import LandingPlan, plan_landing, settle_landing


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
    types = pl.Schema(
        {
            name: dtype if is_stored_as(dtype, schema[name]) else schema[name]
            for name, dtype in current.remembered_schema.items()
        }
    )
    rewrite = Rewrite(table, current, schema, types, run_id=run_id, check=gate.check)
    try:
        rewrite.stage()
        with gate.open():
            return rewrite.commit("; ".join(plan.changes))
    finally:
        rewrite.discard()


def evolve(
    table: Table, current: TableVersion, plan: LandingPlan, *, newest_wins: bool
) -> TableVersion:
    """Give a table the columns that a batch brings, and types that are true of every batch.

    Args:
        table: A table of bronze.
        current: Its version that the batch was fitted to.
        plan: How the batch is landed.
        newest_wins: Whether readers get the newest batch alone; then its types come with it, and
            the table keeps those that the batches before it have.

    Raises:
        ConflictError: Another writer committed meanwhile.
    """
    stored, remembered = current.stored_schema, current.remembered_schema
    new = pl.Schema({n: d for n, d in plan.grown.items() if stored.get(n) != d})
    if new:
        of_their_own = {n: d for n, d in remembered.items() if d != stored[n]}
        as_before = {n: of_their_own.get(n, d) for n, d in new.items() if n in stored}
        current = table.add_columns(current, new, pl.Schema({**plan.types, **as_before}))
        remembered = current.remembered_schema
    if newest_wins:
        return current
    types = {n: d for n, d in plan.types.items() if n in stored and remembered[n] != d}
    return table.set_types(current, pl.Schema(types)) if types else current


def types_of_batch(table: TableVersion, plan: LandingPlan) -> dict[str, str]:
    """Return the types of a batch that are not those that its table remembers, as text.

    They are kept in the commit that lands the batch, so that no failure in between leaves the
    batch before it with types that are not its own.
    """
    remembered = table.remembered_schema
    return {
        name: text
        for name, dtype in plan.types.items()
        if remembered.get(name) != dtype and (text := dtype_text(dtype)) is not None
    }
