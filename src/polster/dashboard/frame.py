"""What every page has around it: the heading, the way to the others, and what runs now."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.start_run import offer_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import run_address
from polster.dashboard.runs_view import Moving, moving
from polster.dashboard.words import counted, number
from polster.errors import DefinitionError, PolsterError

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
    await board.newest()
    with client.layout:  # beside the <main> of the content, so that it is a banner
        skip = Tag("a", "Skip to the content", classes="skip", href="#content")
        heading = Tag("header", classes="top")
        with heading:
            _heading(board, at)
        skip.move(target_index=0)
        heading.move(target_index=1)
    with Tag("div", classes="page", id="content", tabindex="-1"):
        ahead = Tag("div", classes="ahead")
        follow(
            board,
            lambda: _problem(board, at),
            inside=ahead,
            key=lambda: (repr(board.snapshot.problem), board.snapshot.overview is None),
        )
        try:
            yield
        except PolsterError as error:
            if error is not board.snapshot.problem:  # which stands at the top already
                show_problem(error)


def answer_missing() -> None:
    """Answer with the status of a page that there is not; what stands on it is shown all the same.

    Has an effect only before anything else is waited for, since the heading's timers send the page.
    """
    ui.context.client.status_code = 404


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
            if address == "/health":
                _count_findings(board, link)
            if address == at:
                link.props["aria-current"] = "page"
    with Tag("div", classes="now"):
        _follow_runs(board)
        offer_run(board)


def _count_findings(board: Board, link: Tag) -> None:
    """Show beside the link to *Health* how much ``validate`` finds, and does not look into."""
    with link:
        chip = Tag("span", classes="chip count")

    def look() -> None:
        checked = board.checker.newest
        if checked is None:
            chip.set_visibility(False)
            return
        if isinstance(checked, PolsterError):
            said, means = "!", "the source could not be checked"
        else:
            found = [counted(len(checked.findings), "finding")] if checked.findings else []
            if checked.unseen:
                found.append(f"{counted(len(checked.unseen), 'asset')} not fully checked")
            total = len(checked.findings) + len(checked.unseen)
            said, means = number(total) if total else "", ", ".join(found)
        chip.set_text(said)
        chip.props["title"] = means
        chip.props["aria-label"] = means
        chip.set_visibility(bool(said))

    look()
    ui.timer(LOOK_SECONDS, look)


def _moving(board: Board) -> tuple[list[Moving], int]:
    """Return the runs in progress, lost ones left out, and how many wait."""
    now = datetime.now(UTC)
    found = moving(board.snapshot.live, board.runner.requests)
    running = [each for each in found if not each.is_queued and not each.is_lost(now)]
    return running, sum(each.is_queued for each in found)


def _follow_runs(board: Board) -> None:
    """Show what runs and what waits; the links stay, so that a click never misses them."""
    with Tag("div"):
        live = Tag("a", classes="live")
        with live:
            Tag("span", classes="pulse", aria_hidden="true")
            text = Tag("span")
        waiting = Tag("a", classes="queued", href="/runs")
    shown: object = None

    def look() -> None:
        nonlocal shown
        running, queued = _moving(board)
        said, address = "", "/runs"
        if len(running) == 1:
            said = _progress(running[0])
            if running[0].live is not None:
                address = run_address(running[0].live.run_id)
        elif running:
            said = f"{len(running)} runs in progress"
        if (said, address, queued) == shown:
            return
        shown = said, address, queued
        text.set_text(said)
        live.props["href"] = address
        live.set_visibility(bool(said))
        waiting.set_text(f"{queued} queued")
        waiting.set_visibility(bool(queued))

    look()
    ui.timer(LOOK_SECONDS, look)


def _progress(run: Moving) -> str:
    state = run.state(datetime.now(UTC))
    return f"{state}: {run.done} of {run.total}" if run.total else state


def _problem(board: Board, at: str) -> None:
    problem = board.snapshot.problem
    if problem is None:
        return
    show_problem(problem, mistakes=at != "/health")  # where each is a finding
    if board.snapshot.overview is not None and at != "/health":
        said = "What is shown below is the last state that could be read."
        if isinstance(problem, DefinitionError):
            said += " The tables are as they were, and nothing runs until the mistakes are mended."
        Tag("p", said, classes="soft small")
