"""The rows of an asset's table, a page at a time."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.row_pages import RowPage, RowPages
from polster.dashboard.elements.tag import Tag
from polster.model.asset import AssetKey
from polster.operations.preview import Preview, preview

PAGE_ROWS = 20


async def first_rows(board: Board, key: AssetKey) -> Preview | None:
    """Read the first rows; None if there is no table.

    Raises:
        LakehouseError: The table cannot be read.
    """
    overview = (await board.current()).overview
    entry = overview.assets.get(key) if overview else None
    if entry is not None and entry.state.version is None:
        return None
    return await _rows_at(board, key, 0)


async def _rows_at(board: Board, key: AssetKey, offset: int, version: int | None = None) -> Preview:
    """Read a page of rows; one row more than is shown says that there is a next page.

    Raises:
        PolsterError: The table cannot be read.
    """
    return await board.ask(
        preview,
        str(key),
        rows=PAGE_ROWS + 1,
        offset=offset,
        version=version,
    )


def draw_rows(board: Board, key: AssetKey, first: Preview | None) -> None:
    """Show the first page, and the way to the others of the same version."""
    if first is None:
        Tag("p", "There are no rows yet: it was never built. Run it first.", classes="soft")
        return
    if not first.sample.columns:
        Tag("p", "The table has no columns.", classes="soft")
        return
    version = first.version  # pages of one version fit each other while runs go on

    async def read(offset: int) -> RowPage:
        return _page(await _rows_at(board, key, offset, version))

    pages = RowPages(f"Rows of {key}", read, page_rows=PAGE_ROWS, of_what=f"version {version}")
    pages.show(_page(first))


def _page(found: Preview) -> RowPage:
    sample = found.sample
    return RowPage(
        sample.columns,
        sample.rows[:PAGE_ROWS],
        sample.total,
        is_last=len(sample.rows) <= PAGE_ROWS,
    )
