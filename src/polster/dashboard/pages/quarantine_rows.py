"""The quarantined rows of one asset, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.rows import RowGrid
from polster.dashboard.elements.tag import Tag
from polster.dashboard.words import number
from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.operations.preview import Sample
from polster.operations.quarantine import quarantined_rows

PAGE_ROWS = 50
RULES = "_rules"


def draw_rows(
    board: Board,
    asset: AssetKey,
    rule: str | None,
    run_id: str | None,
    downloads: Mapping[str, str],
) -> None:
    """Show the rows, those of the newest run first, and where to have them as a file.

    Args:
        board: What is shown.
        asset: Whose rows.
        rule: Only rows that broke it.
        run_id: Only rows of that run.
        downloads: Address by name of the format.
    """
    with Tag("section", classes="card"):
        with Tag("div", classes="row between"):
            Tag("h2", f"Rows kept out of {asset}")
            with Tag("div", classes="row", role="group", aria_label="Download these rows"):
                for name, address in downloads.items():
                    Tag("a", f"Download {name}", href=address, classes="button", download="")
        _Pages(board, asset, rule, run_id)


class _Pages:
    """Which rows are shown."""

    def __init__(self, board: Board, asset: AssetKey, rule: str | None, run_id: str | None) -> None:
        self.board, self.asset, self.rule, self.run_id = board, asset, rule, run_id
        self.offset = 0
        self.problem = Tag("div")
        self.grid = RowGrid(f"Rows kept out of {asset}", tall=True)
        with Tag("div", classes="row between"):
            self.told = Tag("p", "reading", classes="soft small", aria_live="polite")
            with Tag("div", classes="row", role="group", aria_label="Pages of rows"):
                self.back = Button("Previous", lambda: self.turn(-PAGE_ROWS))
                self.on = Button("Next", lambda: self.turn(PAGE_ROWS))
        ui.timer(0.01, lambda: self.turn(0), once=True)

    async def turn(self, by: int) -> None:
        """Show the rows that many further."""
        offset = max(0, self.offset + by)
        self.problem.clear()
        try:
            found = await self.board.ask(
                quarantined_rows,
                str(self.asset),
                offset=offset,
                limit=PAGE_ROWS,
                rule=self.rule,
                run_id=self.run_id,
                environment=self.board.environment,
            )
        except PolsterError as error:
            if not self.problem.is_deleted:
                with self.problem:
                    show_problem(error)
            return
        if not self.grid.is_deleted:
            self.offset = offset
            self.show(found)

    def show(self, found: Sample) -> None:
        """Show a page that was read."""
        rows = [(", ".join(rules), *values) for rules, *values in found.rows]
        columns = {name: "" if name == RULES else kind for name, kind in found.columns.items()}
        self.grid.show(columns, rows, first=self.offset + 1)
        end = self.offset + len(found.rows)
        self.back.enabled = self.offset > 0
        self.on.enabled = end < found.total
        self.told.set_text(
            f"rows {number(self.offset + 1)} to {number(end)} of {number(found.total)}"
            if found.rows
            else "no such rows"
        )
