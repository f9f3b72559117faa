"""The rows of an asset's table, a page at a time."""

from __future__ import annotations

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.rows import RowGrid
from polster.dashboard.elements.tag import Tag
from polster.dashboard.words import number
from polster.errors import PolsterError
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
    return await rows_at(board, key, 0)


async def rows_at(board: Board, key: AssetKey, offset: int, version: int | None = None) -> Preview:
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
        environment=board.environment,
    )


def draw_rows(board: Board, key: AssetKey, first: Preview | None) -> None:
    """Show the first page, and the way to the others of the same version."""
    if first is None:
        Tag("p", "There are no rows yet: it was never built. Run it first.", classes="soft")
        return
    if not first.sample.columns:
        Tag("p", "The table has no columns.", classes="soft")
        return
    _Pages(board, key, first)


class _Pages:
    """Which rows are shown, of one version, so that pages fit each other while runs go on."""

    def __init__(self, board: Board, key: AssetKey, first: Preview) -> None:
        self.board, self.key, self.version = board, key, first.version
        self.offset = 0
        self.problem = Tag("div")
        self.grid = RowGrid(f"Rows of {key}")
        with Tag("div", classes="row between"):
            self.told = Tag("p", classes="soft small", aria_live="polite")
            with Tag("div", classes="row", role="group", aria_label="Pages of rows"):
                self.back = Button("Previous", lambda: self.turn(-PAGE_ROWS))
                self.on = Button("Next", lambda: self.turn(PAGE_ROWS))
        self.show(first)

    async def turn(self, by: int) -> None:
        """Show the rows that many further."""
        offset = max(0, self.offset + by)
        self.problem.clear()
        try:
            found = await rows_at(self.board, self.key, offset, self.version)
        except PolsterError as error:
            if not self.problem.is_deleted:
                with self.problem:
                    show_problem(error)
            return
        if not self.grid.is_deleted:
            self.offset = offset
            self.show(found)

    def show(self, found: Preview) -> None:
        """Show a page that was read."""
        sample = found.sample
        rows = sample.rows[:PAGE_ROWS]
        self.grid.show(sample.columns, rows, first=self.offset + 1)
        self.back.enabled = self.offset > 0
        self.on.enabled = len(sample.rows) > PAGE_ROWS
        span = (
            f"rows {number(self.offset + 1)} to {number(self.offset + len(rows))}"
            if rows
            else "no rows"
        )
        self.told.set_text(
            f"{span} of {number(sample.total)}, version {self.version}"
            if rows or not self.offset
            else f"{span} so far back, version {self.version}"
        )
