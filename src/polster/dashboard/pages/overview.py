"""The overview: the pipeline as three columns, and what needs attention."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.drawing import quarantine_words, state_class
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import follow
from polster.dashboard.links import asset_address, quarantine_address, run_address
from polster.dashboard.pages.overview_pipeline import show_pipeline
from polster.dashboard.view import LIST, View
from polster.dashboard.words import ADD_ASSET, counted, duration, number
from polster.model.asset import AssetKey
from polster.model.record import RunSummary
from polster.operations.overview import (
    Condition,
    Overview,
    OverviewAsset,
    Standing,
    attention,
    count_conditions,
    standings,
)
from polster.operations.runs import list_runs

WORST_SHOWN = 5
REASON_LENGTH = 300


async def show_overview(board: Board) -> None:
    """Show it: totals, what needs attention, and the pipeline."""
    view = View.parse(ui.context.client.request.query_params)
    Tag("h1", "Overview", classes="unseen")
    totals = Tag("section", classes="card totals", aria_label="Totals")
    with totals:
        follow(board, lambda: _totals(board, totals), key=lambda: _totals_of(board))
        await show_answer(
            lambda: board.ask(list_runs, environment=board.environment, limit=1),
            _last_run,
            key=lambda: board.snapshot.overview,
            wait=lambda: None,
        )
    follow(board, lambda: _first_things(board), key=lambda: _first_things_of(board))
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


def _first_things_of(board: Board) -> object:
    """Return what the list of first things depends on, as it is shown."""
    overview = board.snapshot.overview
    if overview is None:
        return None
    found = standings(overview, board.snapshot.live)
    wanting = attention(overview, found)
    shown = [(e.key, found[e.key], quarantine_words(e)) for e in wanting[:WORST_SHOWN]]
    return shown, len(wanting), overview.was_never_run, len(overview.assets), _moves(found)


def _moves(found: Mapping[AssetKey, Standing]) -> bool:
    """Tell whether a run is in progress."""
    moving = (Condition.RUNNING, Condition.WAITING)
    return any(standing.condition in moving for standing in found.values())


def _first_things(board: Board) -> None:
    overview = board.snapshot.overview
    if overview is None:
        return
    if not overview.assets:
        _no_assets()
        return
    found = standings(overview, board.snapshot.live)
    wanting = attention(overview, found)
    if overview.was_never_run:
        if not _moves(found):
            _never_run(board, overview)
        return
    if not wanting:
        said = (
            "Nothing needs attention so far; a run is in progress."
            if _moves(found)
            else "All is well: every asset is published, and nothing is quarantined."
        )
        Tag("p", said, classes="calm", role="status")
        return
    with Tag("section", classes="card attention", aria_labelledby="attention"):
        Tag("h2", "Needs attention", id="attention")
        with Tag("ol"):
            for entry in wanting[:WORST_SHOWN]:
                _wanting(entry, found[entry.key])
        if len(wanting) > WORST_SHOWN:
            rest = {found[entry.key].condition for entry in wanting[WORST_SHOWN:]}
            only = rest.pop() if len(rest) == 1 else None
            Tag(
                "a",
                f"and {counted(len(wanting) - WORST_SHOWN, 'more asset')}",
                href=View(condition=only, shown=LIST).address,
                classes="small",
            )


def _wanting(entry: OverviewAsset, standing: Standing) -> None:
    with Tag("li"):
        if standing.condition is Condition.PUBLISHED:
            Tag("span", "quarantined", classes="state warning")
        else:
            state = state_class(standing.condition)
            Tag("span", standing.condition.value, classes=f"state {state}")
        Tag("a", str(entry.key), href=asset_address(entry.key), classes="mono")
        with Tag("span", classes="why"):
            if standing.reasons:
                Tag("span", "; ".join(standing.reasons)[:REASON_LENGTH])
            if kept := quarantine_words(entry):
                Tag("a", kept, href=quarantine_address(entry.key))


def _no_assets() -> None:
    with Tag("section", classes="card empty"):
        Tag("strong", "There are no assets yet")
        Tag("p", "An asset is one function that makes one table. Begin with what arrives:")
        Tag("pre", ADD_ASSET, classes="block")
        Tag("p", "This page shows it as soon as its file is there.", classes="small")


def _never_run(board: Board, overview: Overview) -> None:
    with Tag("section", classes="card empty"):
        Tag("strong", "Nothing has run yet")
        assets = counted(len(overview.assets), "asset")
        Tag("p", f"Run builds {'it' if len(overview.assets) == 1 else 'all'}: {assets}.")
        ui.button("Run", icon="play_arrow", on_click=lambda: ask_for_run(board)).props(
            "unelevated no-caps"
        )
