"""Which address shows which page."""

from __future__ import annotations

from fastapi import Request
from fastapi.responses import PlainTextResponse
from nicegui import app, ui

from polster.dashboard.board import Board
from polster.dashboard.frame import framed
from polster.dashboard.pages.asset import show_asset
from polster.dashboard.pages.health import show_health
from polster.dashboard.pages.overview import show_overview
from polster.dashboard.pages.quarantine import add_download, show_quarantine
from polster.dashboard.pages.quarantine_files import add_file_download
from polster.dashboard.pages.releases import show_releases
from polster.dashboard.pages.run import seek_run, show_run
from polster.dashboard.pages.runs import show_runs

ANSWER_SECONDS = 30.0
"""How long a page may take: a lakehouse in an object store can be slow."""


def add_routes(board: Board) -> None:
    """Make the pages of ``board`` answer; called once a process."""

    @ui.page("/", response_timeout=ANSWER_SECONDS)
    async def overview() -> None:
        async with framed(board, "Overview", at="/"):
            await show_overview(board)

    @ui.page("/asset/{name}", response_timeout=ANSWER_SECONDS)
    async def asset(name: str) -> None:
        async with framed(board, name, at="/"):
            await show_asset(board, name)

    @ui.page("/quarantine", response_timeout=ANSWER_SECONDS)
    async def quarantine(asset: str = "", rule: str = "", run: str = "") -> None:
        async with framed(board, "Quarantine", at="/quarantine"):
            await show_quarantine(board, asset or None, rule or None, run or None)

    @ui.page("/runs", response_timeout=ANSWER_SECONDS)
    async def runs() -> None:
        async with framed(board, "Runs", at="/runs"):
            await show_runs(board)

    @ui.page("/runs/{run_id}", response_timeout=ANSWER_SECONDS)
    async def run(run_id: str) -> None:
        sought = await seek_run(board, run_id)
        async with framed(board, f"Run {run_id}", at="/runs"):
            await show_run(board, sought)

    @ui.page("/releases", response_timeout=ANSWER_SECONDS)
    async def releases(release: str = "", since: str = "") -> None:
        async with framed(board, "Releases", at="/releases"):
            await show_releases(board, release or None, since or None)

    @ui.page("/health", response_timeout=ANSWER_SECONDS)
    async def health() -> None:
        async with framed(board, "Health", at="/health"):
            await show_health(board)

    add_download(board)
    add_file_download(board)

    @app.exception_handler(404)
    async def missing(_request: Request, _error: Exception) -> PlainTextResponse:
        return PlainTextResponse("there is no such page", 404)
