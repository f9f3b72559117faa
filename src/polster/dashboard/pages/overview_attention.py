"""What needs attention, worst first; that all is well only where nothing does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.checker import Check
from polster.dashboard.drawing import quarantine_words, state_class
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.served import show_served
from polster.dashboard.elements.standing import show_standing
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import asset_address, quarantine_address, run_address
from polster.dashboard.view import LIST, QUARANTINED, View
from polster.dashboard.words import ADD_ASSET, counted
from polster.errors import PolsterError
from polster.model.finding import Finding, Severity
from polster.model.live import LiveRun
from polster.model.record import AssetStatus
from polster.operations.overview import (
    Condition,
    Overview,
    OverviewAsset,
    Standing,
    attention,
    standings,
)

WORST_SHOWN = 5
FINDINGS_SHOWN = 3
REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Attention:
    """What of a pipeline needs attention at one moment.

    Attributes:
        assets: Worst first, each with how it stands.
        lost: Runs that ended without a word, newest first.
        findings: Of the newest ``validate``.
        unseen: Assets that ``validate`` could not look into, though no finding says why.
        problem: Why the source could not be checked.
        is_checked: Whether ``validate`` judged what is there now.
        is_moving: Whether a run is in progress.
        is_readable: Whether the pipeline could be read at the last look.
    """

    assets: Sequence[tuple[OverviewAsset, Standing]]
    lost: Sequence[LiveRun]
    findings: Sequence[Finding]
    unseen: Sequence[str]
    problem: PolsterError | None
    is_checked: bool
    is_moving: bool
    is_readable: bool

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing is known that needs attention."""
        known = (self.assets, self.lost, self.findings, self.unseen)
        return not any(known) and self.problem is None

    @property
    def is_well(self) -> bool:
        """Tell whether nothing needs attention, and nothing is still to be found out."""
        return self.is_empty and self.is_checked and self.is_readable and not self.is_moving


def attention_of(board: Board, overview: Overview) -> Attention:
    """Return what needs attention now."""
    found = standings(overview, board.snapshot.live)
    now = datetime.now(UTC)
    moving = (Condition.RUNNING, Condition.WAITING)
    newest = board.checker.newest
    checked = newest if isinstance(newest, Check) else None
    wanting = [] if overview.was_never_run else attention(overview, found)
    return Attention(
        [(entry, found[entry.key]) for entry in wanting],
        [run for run in board.snapshot.live if run.is_lost(now)],
        checked.findings if checked else (),
        checked.unseen if checked else (),
        newest if isinstance(newest, PolsterError) else None,
        board.is_checked,
        any(standing.condition in moving for standing in found.values()),
        board.snapshot.problem is None,
    )


def attention_key(board: Board) -> object:
    """Return what the part depends on, as it is shown."""
    overview = board.snapshot.overview
    if overview is None:
        return None
    found = attention_of(board, overview)
    shown = [
        (
            (entry.key, standing, quarantine_words(entry), entry.notes, entry.stands_in),
            entry.state.open_warnings,
        )
        for entry, standing in found.assets[:WORST_SHOWN]
    ]
    return (
        shown,
        len(found.assets),
        [run.run_id for run in found.lost],
        (found.findings, found.unseen, repr(found.problem)),
        (found.is_checked, found.is_moving, found.is_readable),
        (overview.was_never_run, len(overview.assets)),
    )


def draw_attention(board: Board) -> None:
    """Show what needs attention, and what is to be done first where nothing ran yet."""
    overview = board.snapshot.overview
    if overview is None:
        return
    if not overview.assets:
        _no_assets()
        return
    found = attention_of(board, overview)
    if overview.was_never_run and not found.is_moving:
        _never_run(board, overview)
    if not found.is_empty:
        _draw(board, found)
    elif not overview.was_never_run and found.is_readable:
        Tag("p", _calm(found), classes="calm", role="status")


def _calm(found: Attention) -> str:
    if found.is_moving:
        return "Nothing needs attention so far; a run is in progress."
    if not found.is_well:
        return "Nothing needs attention so far; the source is being checked."
    return (
        "All is well: every asset is published, nothing is quarantined, "
        "and polster validate finds nothing."
    )


def _draw(board: Board, found: Attention) -> None:
    with Tag("section", classes="card attention", aria_labelledby="attention"):
        Tag("h2", "Needs attention", id="attention")
        with Tag("ol"):
            for run in found.lost[:WORST_SHOWN]:
                _lost(run)
            for entry, standing in found.assets[:WORST_SHOWN]:
                _asset(board, entry, standing)
            if found.findings:
                _findings(found.findings)
            if found.problem is not None:
                _item("error", "not checked", "/health", "validate", found.problem.message)
            elif found.unseen:
                said = f"the columns of {counted(len(found.unseen), 'asset')} "
                said += f"could not be looked at: {', '.join(found.unseen)}"
                _item("warning", "not checked", "/health", "validate", said)
        if rest := found.assets[WORST_SHOWN:]:
            more = f"and {counted(len(rest), 'more asset')}"
            Tag("a", more, href=_view_of(rest).address, classes="small")


def _view_of(rest: Sequence[tuple[OverviewAsset, Standing]]) -> View:
    """Return the view that shows these assets: of one state, if they are of one."""
    states = {standing.condition for _, standing in rest}
    if states == {Condition.PUBLISHED}:
        all_kept_out = all(entry.quarantined for entry, _ in rest)
        return View(condition=QUARANTINED if all_kept_out else None, shown=LIST)
    return View(condition=states.pop() if len(states) == 1 else None, shown=LIST)


def _item(looks: str, word: str, address: str, name: str, why: str) -> None:
    with Tag("li"):
        Tag("span", word, classes=f"state {looks}")
        Tag("a", name, href=address)
        with Tag("span", classes="why"):
            Tag("span", why[:REASON_LENGTH])


def _lost(run: LiveRun) -> None:
    with Tag("li"):
        Tag("span", "killed" if run.is_killed else "lost", classes="state failed")
        Tag("a", f"run {run.run_id}", href=run_address(run.run_id), classes="mono")
        with Tag("span", classes="why"), Tag("span"):
            at = f" at {', '.join(map(str, run.running))}" if run.running else ""
            Tag("span", f"it ended without a word{at}; last sign of life ")
            Moment(run.updated_at)


def _findings(findings: Sequence[Finding]) -> None:
    """Show one line for all that ``validate`` found, the worst of it in words."""
    worst = sorted(findings, key=lambda each: each.severity is not Severity.ERROR)
    counts = [
        counted(count, severity.value)
        for severity in Severity
        if (count := sum(each.severity is severity for each in findings))
    ]
    with Tag("li"):
        severity = worst[0].severity
        Tag("span", severity.value, classes=f"state {severity.value}")
        Tag("a", "Health", href="/health")
        with Tag("span", classes="why"):
            Tag("span", f"polster validate: {', '.join(counts)}")
            for each in worst[:FINDINGS_SHOWN]:
                about = f"{each.asset}: " if each.asset and each.asset not in each.message else ""
                Tag("span", f"{each.code} {about}{each.message}"[:REASON_LENGTH])
            if len(worst) > FINDINGS_SHOWN:
                Tag("a", f"and {len(worst) - FINDINGS_SHOWN} more", href="/health")


def _asset(board: Board, entry: OverviewAsset, standing: Standing) -> None:
    with Tag("li"):
        looks, word = state_class(standing.condition), standing.condition.value
        if standing.condition is Condition.PUBLISHED:
            looks = "warning"
            word = _word(entry)
        Tag("span", word, classes=f"state {looks}")
        Tag("a", str(entry.key), href=asset_address(entry.key), classes="mono")
        with Tag("span", classes="why"):
            if standing.reasons:
                Tag("span", "; ".join(standing.reasons)[:REASON_LENGTH])
            if kept := quarantine_words(entry):
                Tag("a", kept, href=quarantine_address(entry.key))
            for note in entry.notes:
                Tag("span", f"note: {note}"[:REASON_LENGTH])
            show_served(entry)
            show_standing(board, entry)


def _word(entry: OverviewAsset) -> str:
    """Say in a word what needs attention about an asset that is published."""
    if entry.state.open_warnings:
        return "warning"
    if entry.quarantined:
        return QUARANTINED
    return "skipped" if entry.state.last_status is AssetStatus.SKIPPED else "noted"


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
