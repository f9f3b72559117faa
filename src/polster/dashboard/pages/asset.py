"""The page of one asset: what it promises, how it is, what it holds, and where that comes from."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.part import Part
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import answer_missing
from polster.dashboard.links import asset_address
from polster.dashboard.pages.asset_contract import description_key, description_of, draw_contract
from polster.dashboard.pages.asset_heading import show_heading
from polster.dashboard.pages.asset_history import (
    LONGEST_HISTORY,
    draw_last_run,
    draw_share,
    draw_versions,
)
from polster.dashboard.pages.asset_lineage import LineagePart, recorded
from polster.dashboard.pages.asset_neighbours import show_neighbours
from polster.dashboard.pages.asset_reach import draw_reach, reach_of
from polster.dashboard.pages.asset_rows import draw_rows, first_rows
from polster.dashboard.pages.asset_source import check_of, draw_check, draw_source, source_of
from polster.dashboard.shared import Itself, Shared
from polster.errors import PolsterError, nearest
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding
from polster.model.selection import select_one
from polster.operations.history import HistoryEntry, history

PARTS = {
    "last-run": "Last run",
    "neighbours": "Neighbours",
    "contract": "Contract",
    "reach": "Made anew",
    "versions": "Versions",
    "quarantine": "Quarantine",
    "rows": "Rows",
    "lineage": "Column lineage",
    "findings": "Findings",
    "source": "Source",
}


async def show_asset(board: Board, name: str) -> None:
    """Show the asset that ``name`` means, or say that there is none.

    Args:
        board: Of the project.
        name: As everywhere: ``silver.orders``, ``silver_orders``, or ``orders`` if one is meant.
    """
    project = (await board.current()).project
    if project is None:
        raise board.snapshot.problem or PolsterError("there is no project", code="POL101")
    found = select_one(project.discovery.assets, name)
    if isinstance(found, Finding):
        _missing(found, name, [asset.key for asset in project.discovery.assets])
        return
    show_heading(board, found)
    with Tag("div", classes="asset-page"):
        with Tag("nav", classes="parts", aria_label="Parts of this page"):
            for anchor, title in PARTS.items():
                Tag("a", title, href=f"#{anchor}")
        with Tag("div", classes="asset-parts"):
            _parts(board, found)


def _missing(finding: Finding, name: str, keys: Sequence[AssetKey]) -> None:
    answer_missing()
    ui.page_title("No such asset · Polster")
    meant = [key for key in keys if key.name == name.rpartition(".")[2]]
    if not meant:
        spellings = {spelling: key for key in keys for spelling in (str(key), key.name)}
        close = nearest(name, spellings)
        meant = [spellings[close]] if close else []
    with Tag("section", classes="card empty missing", role="alert"):
        Tag("h1", "No such asset")
        Tag("p", finding.message)
        if meant:
            with Tag("p", classes="row"):
                Tag("span", "Did you mean")
                for key in meant:
                    Tag("a", str(key), href=asset_address(key))
        Tag("a", "Back to the overview", href="/")


def _parts(board: Board, asset: Asset) -> None:
    key = asset.key

    async def entries() -> list[HistoryEntry]:
        asked = str(key)
        _, found = await board.ask(history, asked, limit=LONGEST_HISTORY)
        return found

    def state() -> object:
        overview = board.snapshot.overview
        return overview.assets[key].state if overview and key in overview.assets else None

    def version() -> object:
        overview = board.snapshot.overview
        return overview.assets[key].state.version if overview and key in overview.assets else None

    def source() -> object:
        return Itself(board.snapshot.project)

    past = Shared(entries, state)
    with Tag("div", classes="columns"):
        _part("last-run").fill(past.get, draw_last_run, key=state)
        with _part("neighbours", waits=False):
            show_neighbours(board, key)
    _part("contract").fill(
        description_of(board, key).get, draw_contract, key=lambda: description_key(board, key)
    )
    _part("reach").fill(lambda: reach_of(board, asset), draw_reach, key=lambda: board.judged)
    with Tag("div", classes="columns wide"):
        _part("versions").fill(past.get, lambda found: draw_versions(asset, found), key=state)
        _part("quarantine").fill(past.get, lambda found: draw_share(asset, found), key=state)
    _part("rows").fill(
        lambda: first_rows(board, key), lambda found: draw_rows(board, key, found), key=version
    )
    column = ui.context.client.request.query_params.get("column")
    lineage = LineagePart(board, key, column)
    _part("lineage").fill(lambda: recorded(board), lineage.draw, key=version)
    _part("findings").fill(lambda: check_of(board, asset), draw_check, key=lambda: board.judged)
    _part("source").fill(lambda: source_of(board, asset), draw_source, key=source)


def _part(anchor: str, *, waits: bool = True) -> Part:
    return Part(anchor, PARTS[anchor], waits=waits)
