"""One run: what ran when, what came of it, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.figure import show_figure
from polster.dashboard.elements.log_lines import LogLines
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.elements.timeline import Timeline
from polster.dashboard.frame import LOOK_SECONDS, answer_missing, follow
from polster.dashboard.links import release_address
from polster.dashboard.pages.run_assets import draw_assets, draw_failures
from polster.dashboard.run_view import RunShown, bars, of_live, of_recorded, span, ticks
from polster.dashboard.runner import RunRequest
from polster.dashboard.runs_view import asked_for
from polster.dashboard.shared import Itself
from polster.dashboard.words import counted, duration, number
from polster.errors import PolsterError, UsageError
from polster.model.live import LiveRun
from polster.model.record import AssetStatus, cancellation
from polster.operations.runs import recorded_run

LOG_LINES = 500
SEEK_SECONDS = 3.0
LOOKS = {"stopping": "interrupted", "killed": "failed", "vanished": "failed"}
SAID = {
    "lost": "It gave no sign of life for a while: it was probably killed. What it published stays, "
    "and the next run records it.",
    "killed": "Its process was ended from outside. What it published stays, and the next run "
    "records it.",
    "vanished": "Its process ended without a word, as a later run found out. What it published "
    "before stays, and what it was building counts as failed.",
    "unknown": "It was killed before it could say how it ended; a later run recorded what it "
    "published.",
}


@dataclass(frozen=True, slots=True)
class SoughtRun:
    """A run that is looked for.

    Attributes:
        watched: What is known of it, once it was found.
        looking: Ends when it was found; raises UsageError if there is none.
    """

    watched: WatchedRun
    looking: asyncio.Task[None]


async def seek_run(board: Board, run_id: str) -> SoughtRun:
    """Look for a run, and say with the page's status if there is none.

    To be asked before anything of the page is built: its first part that moves by itself sends
    the page, and the status with it. A lakehouse that takes its time answers on the page itself.
    """
    watched = WatchedRun(board, run_id)
    await board.newest()
    looking = asyncio.create_task(watched.refresh())
    await asyncio.wait([looking], timeout=SEEK_SECONDS)
    if looking.done() and isinstance(looking.exception(), UsageError):
        answer_missing()
    return SoughtRun(watched, looking)


async def show_run(board: Board, sought: SoughtRun) -> None:
    """Show a run in progress, which moves by itself, or a recorded one.

    Raises:
        UsageError: There is no such run.
    """
    await sought.looking
    watched = sought.watched
    shown = watched.shown
    ui.timer(LOOK_SECONDS, watched.refresh)
    follow(board, watched.draw_heading, inside=Tag("div"), key=watched.heading_key)
    follow(
        board,
        lambda: draw_failures(watched.shown.records),
        inside=Tag("div", classes="part"),
        key=lambda: watched.shown.count(AssetStatus.FAILED),
    )
    with Tag("section", classes="card"):
        Tag("h2", "What ran when")
        told = Tag("p", classes="soft small")
        timeline = Timeline()
    drawn: object = None

    def move() -> None:
        nonlocal drawn
        if watched.shown == drawn:
            return
        drawn = watched.shown
        found = bars(watched.shown)
        seconds = span(watched.shown, found)
        timeline.show(found, seconds=seconds, ticks=ticks(seconds))
        told.set_text("" if found else "Nothing took time: every asset was as it should be.")

    move()
    if not shown.is_over:
        ui.timer(LOOK_SECONDS, move)
    follow(
        board,
        lambda: draw_assets(watched.shown),
        inside=Tag("div", classes="part"),
        key=lambda: _progress(watched.shown),
    )
    _draw_log(watched)


def _progress(shown: RunShown) -> tuple[object, ...]:
    staged = shown.live.staged if shown.live else {}
    return shown.records, shown.running.keys(), shown.waiting, staged


class WatchedRun:
    """A run that is looked at again and again until it is recorded."""

    shown: RunShown

    def __init__(self, board: Board, run_id: str) -> None:
        self.board = board
        self.run_id = run_id
        self.problem: PolsterError | None = None
        self._asked: object = None
        self._is_recorded = False

    @property
    def request(self) -> RunRequest | None:
        """Return the request of this server that the run answers, if it is one."""
        live = self._live()
        return self.board.runner.request_of(live if live is not None else self.run_id)

    def _live(self) -> LiveRun | None:
        found = (run for run in self.board.snapshot.live if run.run_id == self.run_id)
        return next(found, None)

    async def refresh(self) -> None:
        """Look again.

        Raises:
            UsageError: At the first look there was no such run.
        """
        if self._is_recorded:
            return
        live = self._live()
        if live is not None:
            self.shown = of_live(live, self.request, datetime.now(UTC))
            return
        key = Itself(self.board.snapshot.overview)
        if key == self._asked:
            return
        self._asked = key
        try:
            found = await self.board.ask(recorded_run, self.run_id)
        except PolsterError as error:
            if not hasattr(self, "shown"):
                raise
            self.problem = error
            return
        self.problem = None
        self._is_recorded = True
        self.shown = of_recorded(found)

    def heading_key(self) -> object:
        """Return what the heading depends on but its figures, so that its buttons stay in place."""
        request = self.request
        stopping = request is not None and request.is_stopping
        return self.shown.status, stopping, self.problem

    def draw_heading(self) -> None:
        """Show how the run stands, and what can be done about it."""
        shown = self.shown
        with Tag("section", classes="card run-heading"):
            with Tag("div", classes="row between"):
                with Tag("div", classes="row"):
                    Tag("h1", f"Run {shown.run_id}")
                    looks = LOOKS.get(shown.status, shown.status)
                    Tag("span", shown.status, classes=f"state {looks}")
                with Tag("div", classes="row"):
                    self._actions()
            with Tag("p", classes="row small"):
                Tag("span", asked_for(shown.selection), classes="mono" if shown.selection else "")
                if shown.full_refresh:
                    Tag("span", "full refresh", classes="chip")
                Moment(shown.started_at, "date").classes("soft")
                Tag("span", shown.environment, classes="chip", title="environment")
                if shown.release:
                    Tag("a", "its release", href=release_address(shown.release))
            if shown.status in SAID:
                Tag("p", SAID[shown.status], classes="small note")
            if said := cancellation(shown.records):
                Tag("p", f"It was {said}. What it published before stays.", classes="small note")
            if self.problem is not None:
                show_problem(self.problem)
            follow(
                self.board,
                self._draw_figures,
                inside=Tag("div", classes="figures"),
                key=lambda: (len(self.shown.records), int(self.shown.seconds)),
            )

    def _draw_figures(self) -> None:
        shown = self.shown
        show_figure(duration(shown.seconds), "so far" if shown.live else "took")
        if shown.live:
            total = len(shown.records) + len(shown.running) + len(shown.waiting)
            show_figure(f"{number(len(shown.records))} of {number(total)}", "assets done")
        for status in (AssetStatus.FAILED, AssetStatus.SKIPPED, AssetStatus.PUBLISHED):
            if count := shown.count(status):
                show_figure(number(count), status.value, state=status.value)
        if count := shown.count(AssetStatus.UNCHANGED):
            show_figure(number(count), "unchanged")
        show_figure(number(sum(each.rows_published for each in shown.records)), "rows published")
        kept_out = sum(each.rows_quarantined for each in shown.records)
        show_figure(number(kept_out), "rows quarantined")

    def _actions(self) -> None:
        shown, request = self.shown, self.request
        if request is not None and request.is_running:

            def cancel() -> None:
                self.board.runner.cancel(request, address=ui.context.client.ip)

            button = Button("Cancel", cancel, title="stops it as Ctrl-C does")
            button.enabled = not request.is_stopping
            return
        if shown.live is not None and shown.status == "running":
            place = f"process {shown.live.process_id} on {shown.live.host}"
            Tag("span", f"started elsewhere: {place}", classes="soft small")
            return
        if again := shown.to_retry:
            Button(
                f"Retry {counted(len(again), 'asset')}",
                lambda: ask_for_run(self.board, *again, leads=True),
                primary=True,
                title="what failed, and what was skipped for it",
            )
        if (selection := shown.selection) is not None:
            Button(
                "Run it again",
                lambda: ask_for_run(
                    self.board, *selection, full_refresh=shown.full_refresh, leads=True
                ),
                title=f"asks once more for {asked_for(selection)}",
            )


def _draw_log(watched: WatchedRun) -> None:
    with Tag("section", classes="card"):
        Tag("h2", "Log")
        if watched.request is None:
            Tag(
                "p",
                "What it wrote is where it was started: in that terminal, or with its scheduler. "
                "Of runs started from these pages the log is shown here.",
                classes="soft small",
            )
            return
        told = Tag("p", classes="soft small")
        lines = LogLines()
    written = -1

    def look() -> None:
        nonlocal written
        request = watched.request
        if request is None or request.log.written == written:
            return
        written = request.log.written
        kept: Sequence[str] = request.log.lines[-LOG_LINES:]
        dropped = written - len(kept)
        told.set_text(f"{counted(dropped, 'earlier line')} not shown" if dropped else "")
        lines.show(kept)

    look()
    ui.timer(LOOK_SECONDS, look)
