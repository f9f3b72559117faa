"""The overview: the pipeline as three columns, and what needs attention."""

from __future__ import annotations

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.drawing import state_class
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import follow
from polster.dashboard.links import run_address
from polster.dashboard.pages.overview_attention import attention_key, draw_attention
from polster.dashboard.pages.overview_pipeline import show_pipeline
from polster.dashboard.view import View
from polster.dashboard.words import duration, number
from polster.model.record import RunSummary
from polster.operations.overview import count_conditions
from polster.operations.runs import list_runs


async def show_overview(board: Board) -> None:
    """Show it: totals, what needs attention, and the pipeline."""
    view = View.parse(ui.context.client.request.query_params)
    Tag("h1", "Overview", classes="unseen")
    totals = Tag("section", classes="card totals", aria_label="Totals")
    with totals:
        follow(board, lambda: _totals(board, totals), key=lambda: _totals_of(board))
        await show_answer(
            lambda: board.ask(list_runs, limit=1),
            _last_run,
            key=lambda: board.snapshot.overview,
            wait=lambda: None,
        )
    follow(board, lambda: draw_attention(board), key=lambda: attention_key(board))
    show_pipeline(board, view)


def _totals_of(board: Board) -> object:
    overview = board.snapshot.overview
    if overview is None:
        return None
    counts = tuple(count_conditions(board.snapshot.conditions).items())
    return counts, overview.rows, overview.quarantined


def _totals(board: Board, card: Tag) -> None:
    overview = board.snapshot.overview
    card.set_visibility(bool(overview and overview.assets))
    if overview is None:
        return
    with Tag("div", classes="figures"):
        with Tag("div", classes="figure"):
            Tag("span", number(len(overview.assets)), classes="value")
            Tag("span", "asset" if len(overview.assets) == 1 else "assets", classes="label")
        with Tag("ul", classes="states", aria_label="Assets by state"):
            for condition, count in count_conditions(board.snapshot.conditions).items():
                with Tag("li"), Tag("a", href=View(condition=condition).address):
                    Tag("span", f"{count:,} {condition}", classes=f"state {state_class(condition)}")
        with Tag("div", classes="figure"):
            Tag("span", number(overview.rows), classes="value")
            Tag("span", "rows published", classes="label")
        with Tag("a", classes="figure", href="/quarantine"):
            Tag("span", number(overview.quarantined), classes="value")
            Tag("span", "rows quarantined", classes="label")


def _last_run(runs: list[RunSummary]) -> None:
    for run in runs[:1]:
        with Tag("div", classes="figure last-run"):
            with Tag("a", classes="value", href=run_address(run.run_id)):
                Tag("span", run.status, classes=f"state {run.status}")
            with Tag("span", classes="label"):
                Tag("span", "last run, ")
                Moment(run.started_at)
                Tag("span", f", in {duration(run.seconds)}")
