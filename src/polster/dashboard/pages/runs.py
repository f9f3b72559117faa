"""The list of runs: what waits and what runs, what came to nothing, and what is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import follow
from polster.dashboard.links import run_address
from polster.dashboard.run_view import WORST_FIRST
from polster.dashboard.runner import RunRequest
from polster.dashboard.runs_view import Listed, Moving, asked_for, ending, moving, unrecorded
from polster.dashboard.shared import Itself
from polster.dashboard.words import ADD_ASSET, counted, duration, number
from polster.model.record import RunStatus, RunSummary
from polster.operations.runs import list_runs, recorded_of

RUNS_SHOWN = 30
LOG_LINES = 100
COLUMNS = ("state", "started", "took", "asked for", "assets", "rows published", "quarantined")
COUNTS = ("took", "rows published", "quarantined")


async def show_runs(board: Board) -> None:
    """Show it; ``?before=`` with a run's identifier shows those older than that run."""
    before = ui.context.client.request.query_params.get("before") or None
    Tag("h1", "Older runs" if before else "Runs")
    if not before:
        _offer_selection(board)
    now = Tag("div", classes="part")
    listed = Listed()

    async def ask() -> Listed:
        nonlocal listed
        ended = [each for each in board.runner.requests if each.is_over]
        found = await board.ask(list_runs, limit=RUNS_SHOWN + 1, before=before)
        ids = [each.run_id for each in ended if each.run_id]
        known = await board.ask(recorded_of, ids) if ids else ()
        live = {run.run_id for run in board.snapshot.live}
        shown = [
            run
            for run in found[:RUNS_SHOWN]
            if run.status is not RunStatus.UNKNOWN or run.run_id not in live
        ]
        over = frozenset(each.number for each in ended)
        listed = Listed(tuple(shown), len(found) > RUNS_SHOWN, over, frozenset(known))
        return listed

    await show_answer(
        ask,
        lambda answer: _draw_recorded(board, answer, before),
        key=lambda: (
            Itself(board.snapshot.overview),
            tuple(each.number for each in board.runner.requests if each.is_over),
        ),
    )
    if before:
        return

    def key() -> object:
        entries = [(each.identity, each.is_killed) for each in _moving(board)]
        return entries, [each.number for each in unrecorded(board.runner.requests, listed)]

    follow(board, lambda: _draw_now(board, listed), inside=now, key=key)


def _offer_selection(board: Board) -> None:
    """Offer to run what one writes as for ``polster run``; a mistake in it is told below."""

    def ask() -> None:
        terms = (field.value or "").split()
        field.value = ""
        if terms:
            ask_for_run(board, *terms)

    with Tag("div", classes="row"):
        field = ui.input("Selection", placeholder="silver.orders+ layer:gold tag:daily")
        field.props("dense outlined").classes("selection").on("keydown.enter", ask)
        Button("Run selection", ask, title="runs what of it changed")


def _moving(board: Board) -> list[Moving]:
    return moving(board.snapshot.live, board.runner.requests)


def _draw_now(board: Board, listed: Listed) -> None:
    found = _moving(board)
    killed = [entry for entry in found if entry.is_killed]
    if entries := [entry for entry in found if not entry.is_killed]:
        with Tag("section", classes="card", aria_labelledby="in-progress"):
            Tag("h2", "In progress", id="in-progress")
            with Tag("ul", classes="moving"):
                for entry in entries:
                    _draw_moving(board, entry)
    missing = unrecorded(board.runner.requests, listed)
    if killed or missing:
        with Tag("section", classes="card", aria_labelledby="unrecorded"):
            Tag("h2", "Ended without a record", id="unrecorded")
            with Tag("ul", classes="moving"):
                for entry in killed:
                    _draw_moving(board, entry)
                for request in missing:
                    _draw_unrecorded(board, request)


def _draw_moving(board: Board, entry: Moving) -> None:
    """Draw one that moves on by itself; its button stays, so that a click never misses it."""
    request = entry.request

    def newest() -> Moving:
        found = (each for each in _moving(board) if each.identity == entry.identity)
        return next(found, entry)

    def key() -> object:
        now, moment = newest(), datetime.now(UTC)
        run_id = now.live.run_id if now.live else None
        state = now.state(moment), now.silence(moment)
        ahead = board.runner.ahead_of(request) if request else 0
        return run_id, state, now.done, now.total, now.failed, ahead

    with Tag("li"):
        place = Tag("div", classes="row")
        if request is not None:
            command = request.command
            said = "Withdraw" if entry.is_queued else "Cancel"

            def cancel() -> None:
                board.runner.cancel(request, address=ui.context.client.ip)
                button.enabled = False

            button = Button(said, cancel, title=f"{said.lower()}: {command}")
            button.enabled = not request.is_stopping
        follow(board, lambda: _details(board, newest()), inside=place, key=key)


def _details(board: Board, entry: Moving) -> None:
    now = datetime.now(UTC)
    state = entry.state(now)
    looks = {"starting": "waiting", "stopping": "interrupted", "killed": "failed"}.get(state, state)
    Tag("span", state, classes=f"state {looks}")
    run_id = entry.live.run_id if entry.live else None
    _asked(entry.selection, full_refresh=entry.full_refresh, run=run_id)
    if entry.live is not None:
        with Tag("span", classes="soft small"):
            Tag("span", "began ")
            Moment(entry.live.started_at)
        if entry.place:
            Tag("span", f"on {entry.place}", classes="chip")
        if silence := entry.silence(now):
            Tag("span", silence, classes="note")
        with Tag("span", classes="row advance"):
            text = f"{number(entry.done)} of {counted(entry.total, 'asset')}"
            bar = Tag("progress", value=str(entry.done), max=str(max(1, entry.total)))
            bar.props["aria-label"] = text
            Tag("span", text, classes="small")
        if entry.failed:
            Tag("span", f"{number(entry.failed)} failed", classes="state failed")
    elif entry.is_queued and entry.request is not None:
        ahead = board.runner.ahead_of(entry.request)
        Tag("span", f"starts when {counted(ahead, 'run')} before it ended", classes="soft small")


def _draw_unrecorded(board: Board, request: RunRequest) -> None:
    word, sentence = ending(request.exit_code)

    def again() -> None:
        ask_for_run(board, *request.selection, full_refresh=request.full_refresh)

    def dismiss() -> None:
        if request in board.runner.requests:
            board.runner.requests.remove(request)

    with Tag("li", classes="unrecorded"):
        with Tag("div", classes="row"):
            looks = "interrupted" if word == "interrupted" else "failed"
            Tag("span", word, classes=f"state {looks}")
            _asked(request.selection, full_refresh=request.full_refresh)
            with Tag("span", classes="soft small"):
                Tag("span", "asked for ")
                Moment(request.asked_at)
        with Tag("div", classes="row"):
            Button("Run it again", again, title=request.command)
            Button("Dismiss", dismiss, title="take it off this list")
        Tag("p", sentence)
        lines = request.log.lines[-LOG_LINES:]
        if left_out := request.log.written - len(lines):
            Tag("p", f"{counted(left_out, 'earlier line')} left out", classes="soft small")
        if lines:
            block = Tag("pre", "\n".join(lines), classes="block", tabindex="0", role="region")
            block.props["aria-label"] = "What it wrote"
        else:
            Tag("p", "It wrote nothing.", classes="soft small")


def _asked(selection: Sequence[str] | None, *, full_refresh: bool, run: str | None = None) -> None:
    said = asked_for(selection)
    terms = Tag("a" if run else "span", said, classes="mono" if selection else "")
    if run:
        terms.props["href"] = run_address(run)
    if full_refresh:
        Tag("span", "full refresh", classes="chip")


def _draw_recorded(board: Board, listed: Listed, before: str | None) -> None:
    if not listed.runs:
        if before:
            with Tag("section", classes="card empty"):
                Tag("strong", "There are no runs older than that")
                Tag("a", "Newest runs", href="/runs")
            return
        follow(board, lambda: _nothing_yet(board), key=lambda: _empty_key(board))
        return
    with Tag("section", classes="card", aria_labelledby="recorded"):
        Tag("h2", "Recorded", id="recorded", classes="unseen" if before else "")
        with Tag("table", classes="plain runs"):
            with Tag("thead"), Tag("tr"):
                for name in COLUMNS:
                    Tag("th", name, scope="col", classes="count" if name in COUNTS else "")
            with Tag("tbody"):
                for run in listed.runs:
                    _draw_run(run)
    if before or listed.has_more:
        with Tag("nav", classes="row", aria_label="Pages of runs"):
            if before:
                Tag("a", "Newest runs", href="/runs", classes="button")
            if listed.has_more:
                address = "/runs?" + urlencode({"before": listed.runs[-1].run_id})
                Tag("a", "Older runs", href=address, classes="button")


def _draw_run(run: RunSummary) -> None:
    with Tag("tr"):
        with Tag("td"):
            Tag("span", run.status.value, classes=f"state {run.status.value}")
        with Tag("td"), Tag("a", href=run_address(run.run_id), title=f"run {run.run_id}"):
            Moment(run.started_at, "date")
        Tag("td", duration(run.seconds), classes="count", data_title="took")
        with Tag("td", data_title="asked for"), Tag("div", classes="row asked"):
            _asked(run.selection, full_refresh=run.full_refresh)
        with Tag("td", data_title="assets"), Tag("div", classes="row asked"):
            for status in WORST_FIRST:
                if count := run.assets.get(status, 0):
                    Tag("span", f"{number(count)} {status.value}", classes=f"state {status.value}")
        Tag("td", number(run.rows_published), classes="count", data_title="rows published")
        Tag("td", number(run.rows_quarantined), classes="count", data_title="quarantined")


def _empty_key(board: Board) -> object:
    overview = board.snapshot.overview
    return bool(_moving(board)), None if overview is None else len(overview.assets)


def _nothing_yet(board: Board) -> None:
    overview = board.snapshot.overview
    with Tag("section", classes="card empty"):
        if _moving(board):
            Tag("strong", "No run has ended yet")
            Tag("p", "The first one is recorded here when it ends.")
            return
        Tag("strong", "Nothing has run yet")
        if overview is None:
            Tag("p", "Mend first what is said above.")
            return
        assets = len(overview.assets)
        if not assets:
            Tag("p", "There are no assets to run. Begin with what arrives:")
            Tag("pre", ADD_ASSET, classes="block")
            return
        Tag("p", f"Run builds {'it' if assets == 1 else 'all'}: {counted(assets, 'asset')}.")
        Button("Run", lambda: ask_for_run(board), primary=True, title="polster run")
        Tag("p", "Runs from a terminal or another machine are listed here, too.", classes="small")
