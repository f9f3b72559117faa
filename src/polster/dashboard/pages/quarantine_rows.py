"""The quarantined rows of one asset, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.row_pages import RowPage, RowPages
from polster.dashboard.elements.tag import Tag
from polster.model.asset import AssetKey
from polster.operations.quarantine import quarantined_rows

PAGE_ROWS = 50
RULES = "_rules"
SOON_SECONDS = 0.01


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

    async def read(offset: int) -> RowPage:
        found = await board.ask(
            quarantined_rows,
            str(asset),
            offset=offset,
            limit=PAGE_ROWS,
            rule=rule,
            run_id=run_id,
        )
        return RowPage(
            {name: "" if name == RULES else kind for name, kind in found.columns.items()},
            [(", ".join(rules), *values) for rules, *values in found.rows],
            found.total,
            is_last=offset + len(found.rows) >= found.total,
        )

    with Tag("section", classes="card"):
        with Tag("div", classes="row between"):
            Tag("h2", f"Rows kept out of {asset}")
            with Tag("div", classes="row", role="group", aria_label="Download these rows"):
                for name, address in downloads.items():
                    Tag("a", f"Download {name}", href=address, classes="button", download="")
        pages = RowPages(f"Rows kept out of {asset}", read, page_rows=PAGE_ROWS, tall=True)
        ui.timer(SOON_SECONDS, pages.turn, once=True)
