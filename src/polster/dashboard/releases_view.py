"""What the page of releases says of the tables in them, as text."""

from __future__ import annotations

from collections.abc import Sequence

from polster.dashboard.elements.change_table import Column, Row
from polster.dashboard.links import asset_address
from polster.dashboard.words import NOTHING, number
from polster.model.release import ReleaseChange, ReleasedTable

CHANGED = (
    Column("what changed"),
    Column("rows before", is_count=True),
    Column("rows", is_count=True),
    Column("difference", is_count=True),
    Column("version before", is_count=True),
    Column("version", is_count=True),
)
HELD = (Column("rows", is_count=True), Column("version", is_count=True))


def changed_rows(tables: Sequence[ReleaseChange]) -> list[Row]:
    """Return a row of :data:`CHANGED` for each table."""
    return [
        _row(
            table,
            what_changed(table),
            _rows(table.before),
            _rows(table.after),
            difference(table),
            _version(table.before),
            _version(table.after),
        )
        for table in tables
    ]


def held_rows(tables: Sequence[ReleaseChange]) -> list[Row]:
    """Return a row of :data:`HELD` for each table, as it is in the later release."""
    return [_row(table, _rows(table.after), _version(table.after)) for table in tables]


def what_changed(table: ReleaseChange) -> str:
    """Say why a table is another one than before.

    >>> from polster.model.asset import AssetKey
    >>> from polster.model.layer import Layer
    >>> key = AssetKey(Layer.GOLD, "revenue")
    >>> what_changed(ReleaseChange(key, ReleasedTable(3, 10), ReleasedTable(4, 10)))
    'the ledger does not know why'
    """
    if table.after is None:
        return "gone"
    if table.before is None:
        return "new"
    return "; ".join(table.reasons) or "the ledger does not know why"


def difference(table: ReleaseChange) -> str:
    """Write how many rows there are more, or fewer; a dash where one cannot say.

    >>> from polster.model.asset import AssetKey
    >>> from polster.model.layer import Layer
    >>> key = AssetKey(Layer.GOLD, "revenue")
    >>> difference(ReleaseChange(key, ReleasedTable(3, 1200), ReleasedTable(4, 10)))
    '-1,190'
    >>> difference(ReleaseChange(key, ReleasedTable(3, 10), ReleasedTable(4, 10)))
    '0'
    """
    before, after = table.before, table.after
    if before is None or after is None or before.rows is None or after.rows is None:
        return NOTHING
    changed = after.rows - before.rows
    return f"{changed:+,}" if changed else "0"


def _row(table: ReleaseChange, *cells: str) -> Row:
    return Row(str(table.asset), asset_address(table.asset), cells)


def _rows(table: ReleasedTable | None) -> str:
    return number(table.rows if table else None)


def _version(table: ReleasedTable | None) -> str:
    return number(table.version if table else None)
