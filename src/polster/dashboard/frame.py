"""What every page has around it: the heading, the way to the others, and what runs now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.start_run import offer_run
from polster.dashboard.elements.tag import Tag
from polster.errors import PolsterError

PAGES = {
    "/": "Overview",
    "/runs": "Runs",
    "/quarantine": "Quarantine",
    "/releases": "Releases",
    "/health": "Health",
}
LOOK_SECONDS = 1.0
STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf-8")


@asynccontextmanager
async def framed(board: Board, title: str, *, at: str) -> AsyncIterator[None]:
    """Build the page around what the body builds; an error of Polster there is shown in it.

    Args:
        board: What is shown.
        title: Of the page.
        at: The address in :data:`PAGES` that the page belongs to.
    """
    client = ui.context.client
    client.on_connect(lambda: _count(board, 1))
    client.on_disconnect(lambda: _count(board, -1))
    ui.page_title(f"{title} · {board.root.name} · Polster")
    ui.add_css(STYLE)
    ui.add_head_html('<meta name="color-scheme" content="light dark">')
    await board.current()
    with Tag("a", "Skip to the content", classes="skip", href="#content"):
        pass
    with Tag("header", classes="top"):
        _heading(board, at)
    with Tag("main", classes="page", id="content", tabindex="-1"):
        ahead = Tag("div", classes="ahead")
        follow(
            board, lambda: _problem(board), inside=ahead, key=lambda: repr(board.snapshot.problem)
        )
        try:
            yield
        except PolsterError as error:
            show_problem(error)


def follow(
    board: Board,
    build: Callable[[], None],
    *,
    inside: ui.element | None = None,
    key: Callable[[], object] | None = None,
) -> None:
    """Build a part of the page now, and again whenever ``key`` changes.

    Args:
        board: What is shown.
        build: Builds the part; quick, since it runs in the thread that serves all pages.
        inside: Where; by default a new element here.
        key: What the part depends on; by default the whole snapshot.
    """
    place = inside or Tag("div")
    ask = key or (lambda: board.snapshot.revision)
    shown = ask()
    with place:
        build()

    def look() -> None:
        nonlocal shown
        now = ask()
        if now != shown:
            shown = now
            place.clear()
            with place:
                build()

    ui.timer(LOOK_SECONDS, look)


def _count(board: Board, change: int) -> None:
    board.viewers = max(0, board.viewers + change)


def _heading(board: Board, at: str) -> None:
    with Tag("a", classes="brand", href="/"):
        for layer in ("gold", "silver", "bronze"):
            Tag("span", classes=f"bar {layer}", aria_hidden="true")
        Tag("span", board.root.name, classes="project")
    snapshot = board.snapshot
    if snapshot.overview:
        Tag("span", snapshot.overview.environment, classes="environment", title="environment")
    with Tag("nav", aria_label="Pages"):
        for address, name in PAGES.items():
            link = Tag("a", name, href=address)
            if address == at:
                link.props["aria-current"] = "page"
    with Tag("div", classes="now"):
        follow(board, lambda: _running(board), key=lambda: _now(board))
        offer_run(board)


def _now(board: Board) -> object:
    live = [(run.run_id, len(run.finished)) for run in board.snapshot.live]
    return live, len(board.runner.queued), board.runner.current and board.runner.current.state


def _running(board: Board) -> None:
    for run in board.snapshot.live[:1]:
        total = len(run.waiting) + len(run.running) + len(run.finished)
        with Tag("a", classes="live", href=f"/runs/{run.run_id}"):
            Tag("span", classes="pulse", aria_hidden="true")
            Tag("span", f"running: {len(run.finished)} of {total}")
    if board.runner.queued:
        Tag("a", f"{len(board.runner.queued)} queued", classes="queued", href="/runs")


def _problem(board: Board) -> None:
    if board.snapshot.problem is not None:
        show_problem(board.snapshot.problem)
