"""The part of a table that the user names with ``--where``; the other rows stay as they are."""

from __future__ import annotations

from polster.contracts.judge import Terms
from polster.errors import AssetError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset, AssetKey
from polster.model.record import Fingerprint, RunStatus
from polster.model.scope import ScopeKind
from polster.runtime.named_rows import judged_alone
from polster.runtime.slice import Slice


def part_by_where(
    asset: Asset, sql: str, terms: Terms, base: TableVersion | None, *, is_damaged: bool
) -> Slice:
    """Return the part for which a condition holds.

    Args:
        asset: Whose table.
        sql: The condition.
        terms: How its rows are judged.
        base: The newest version of its table; None if there is none.
        is_damaged: Whether that cannot be read.

    Raises:
        AssetError: The part alone cannot be made, or not be judged.
    """
    if base is None or is_damaged:
        raise refused(asset, "it was never built" if base is None else "its table is damaged")
    where = judged_alone(asset, sql, terms, terms.schema, refused)
    for name in where.columns:
        if base.schema.get(name) != terms.schema[name]:
            raise refused(asset, f"its table holds `{name}` in another type than its contract")
    casts = {cast.column: cast for cast in terms.casts if cast.column in where.columns}
    return Slice(ScopeKind.WHERE, base, where=where, casts=casts)


def refused(asset: Asset, why: str) -> AssetError:
    """Say that ``--where`` is not possible."""
    return AssetError(
        f"its rows cannot be made anew by `--where`: {why}",
        code="POL354",
        place=asset.place,
        hint=f"make all of it: polster run {asset.key}",
    )


def stopped_after(
    lakehouse: Lakehouse, key: AssetKey, sql: str, fingerprint: Fingerprint
) -> str | None:
    """Return the run that made a part of today's code and inputs and did not succeed.

    Args:
        lakehouse: Where its table lies.
        key: Whose.
        sql: The condition.
        fingerprint: What the part would be made from now.
    """
    table = lakehouse.pin(key)
    for published in lakehouse.publications(table) if table else ():
        scope, then = published.record.scope, published.record.fingerprint
        if scope is None or scope.kind is not ScopeKind.WHERE or then is None:
            return None
        if then.of_all != fingerprint:
            return None
        if scope.why == sql:
            run = lakehouse.ledger.run(published.run_id)
            ended_well = run is not None and run.status is RunStatus.SUCCEEDED
            return None if ended_well else published.run_id
    return None
