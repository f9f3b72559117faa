"""What would make rows of bronze count twice: the same batch again, or another way of loading."""

from __future__ import annotations

from polster.errors import AssetError
from polster.lakehouse.lakehouse import Published
from polster.lakehouse.ledger import Ledger
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import BATCH_COLUMN, Asset, AssetKey, Load
from polster.model.record import AssetStatus, RunStatus

LOOKED_AT = (AssetStatus.PUBLISHED, AssetStatus.UNCHANGED)


def other_load(asset: Asset, table: TableVersion, published: Published | None) -> Load | None:
    """Return how the table of ``asset`` was loaded, if that is another way than it loads now.

    Args:
        asset: A bronze asset.
        table: Its table as it is.
        published: What the newest commit of Polster says; None if another program wrote since.
    """
    if published is not None:
        was = Load.SNAPSHOT if published.batch else Load.APPEND
    elif BATCH_COLUMN in table.delta.metadata().partition_columns:
        was = Load.SNAPSHOT
    else:
        return None
    return None if asset.options.load is was else was


def check_load(asset: Asset, table: TableVersion, published: Published | None) -> None:
    """Refuse bronze that loads otherwise than its table was loaded; arguments as above.

    Raises:
        AssetError: It does.
    """
    was = other_load(asset, table, published)
    if was is None:
        return
    effect = (
        "the rows of all its batches would count at once"
        if was is Load.SNAPSHOT
        else "the rows of all batches but the next would be gone"
    )
    raise AssetError(
        f'its table was loaded with load="{was}"; with load="{asset.options.load}", {effect}',
        code="POL332",
        place=asset.place,
        hint=f'write load="{was}" again; to load otherwise, give it a table of its own: rename the '
        f"asset and its file, or move {table.uri} away",
    )


def repeated(asset: Asset, rows: int) -> AssetError:
    """Say that bronze which appends was given the batch that it landed last once more."""
    return AssetError(
        f"the batch is the one that landed last, and landing it again would double its {rows} "
        f"{'row' if rows == 1 else 'rows'}",
        code="POL331",
        place=asset.place,
        hint="let the function return new records only; if its source may deliver a batch twice, "
        'write repeated_batch="skip"; if the same rows are new ones, repeated_batch="land"',
    )


def forgotten(asset: Asset, table: TableVersion, why: str) -> AssetError:
    """Say that the table does not tell any more what of a source is in it.

    Args:
        asset: Bronze that appends what its source says is new.
        table: Its table.
        why: A clause; empty if nothing is known at all.
    """
    since = f": {why}" if why else ""
    return AssetError(
        f"nobody knows what of its source its table holds{since}",
        code="POL361",
        place=asset.place,
        hint="bring the table back as it was; or, to land all that the source has once more, move "
        f"{table.uri} away",
    )


def was_cut_short(ledger: Ledger, asset: AssetKey, published: Published) -> bool:
    """Tell whether no run has ended well since, and with, the load of the newest batch.

    Then the same batch again is the same load again: the run was killed before it could record
    anything, or something else in it failed, or it was interrupted.

    Raises:
        LakehouseError: The ledger cannot be read.
    """
    records = ledger.records(asset)
    if published.run_id not in {run_id for run_id, _ in records}:
        return True
    for run_id, record in records:  # the newest first
        run = ledger.run(run_id) if record.status in LOOKED_AT else None
        if run is not None and run.status is RunStatus.SUCCEEDED:
            return False
        if run_id == published.run_id:
            break
    return True
