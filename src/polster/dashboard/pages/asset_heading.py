"""The top of an asset's page: what it is, how it is, and what one can do with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from polster.dashboard.board import Board
from polster.dashboard.drawing import state_class
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.figure import show_figure
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.served import show_served
from polster.dashboard.elements.standing import show_standing
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import follow
from polster.dashboard.links import quarantine_address, run_address
from polster.dashboard.words import NOTHING, number, share
from polster.model.asset import Asset, AssetKey
from polster.model.live import LiveRun
from polster.operations.overview import Condition, OverviewAsset

SHOWN_REASONS = 5
REASON_LENGTH = 240


def show_heading(board: Board, asset: Asset) -> None:
    """Show name, condition with its reasons, figures and actions; they move on by themselves."""
    with Tag("header", classes="card asset-heading", aria_label=str(asset.key)):
        with Tag("div", classes="row between"):
            with Tag("h1", classes="row"):
                Tag("span", asset.key.layer, classes=f"layer {asset.key.layer}")
                Tag("span", str(asset.key))
            _actions(board, asset.key)
        place = Tag("div", classes="asset-now")
        follow(board, lambda: _now(board, asset), inside=place, key=_key(board, asset))


def _key(board: Board, asset: Asset) -> Callable[[], object]:
    def key() -> object:
        snapshot = board.snapshot
        entry = snapshot.overview.assets.get(asset.key) if snapshot.overview else None
        running = [(run.run_id, run.running.get(asset.key), run.is_killed) for run in snapshot.live]
        return entry, snapshot.conditions.get(asset.key), running

    return key


def _actions(board: Board, key: AssetKey) -> None:
    with Tag("div", classes="row asset-actions", role="group", aria_label="Run"):
        _action(board, "Run it", str(key), primary=True)
        _action(board, "Run with downstream", f"{key}+")
        _action(board, "Run with upstream", f"+{key}")
        _action(board, "Full refresh", str(key), full_refresh=True)


def _action(
    board: Board, text: str, selection: str, *, primary: bool = False, full_refresh: bool = False
) -> None:
    Button(
        text,
        lambda: ask_for_run(board, selection, full_refresh=full_refresh),
        primary=primary,
        title=f"polster run {selection}{' --full-refresh' if full_refresh else ''}",
    )


def _now(board: Board, asset: Asset) -> None:
    overview = board.snapshot.overview
    entry = overview.assets.get(asset.key) if overview else None
    shown = entry.asset if entry else asset
    if shown.options.description:
        Tag("p", shown.options.description, classes="description")
    condition = board.snapshot.conditions.get(asset.key)
    if entry is None or condition is None:
        Tag("p", _why_unknown(board, asset), classes="note")
    else:
        _condition(board, entry, condition)
        _figures(entry)
        for said in entry.state.uncounted:
            Tag("p", said[0].upper() + said[1:], classes="soft small")
    _belongings(shown)


def _why_unknown(board: Board, asset: Asset) -> str:
    project = board.snapshot.project
    if project and asset.key not in {each.key for each in project.discovery.assets}:
        return "It is no longer in the project; this is what was known of it."
    return "Its state is not known, because the pipeline cannot be read."


def _condition(board: Board, entry: OverviewAsset, condition: Condition) -> None:
    with Tag("div", classes="row why"):
        Tag("span", condition, classes=f"state {state_class(condition)}")
        for run in board.snapshot.live:
            if said := said_of_run(entry, run, datetime.now(UTC)):
                Tag("a", said, href=run_address(run.run_id))
        reasons = entry.reasons if condition is entry.condition else ()
        for reason in reasons[:SHOWN_REASONS]:
            Tag("span", cut(reason), classes="reason")
        if len(reasons) > SHOWN_REASONS:
            Tag("span", f"and {len(reasons) - SHOWN_REASONS} more", classes="soft")
        show_served(entry)
        show_standing(board, entry)
        if condition is Condition.FAILED:
            Tag("a", "what went wrong", href="#last-run")
        if condition is Condition.NEVER_BUILT:
            Tag("span", "run it to build its first version", classes="soft")


def said_of_run(entry: OverviewAsset, run: LiveRun, now: datetime) -> str | None:
    """Say that a run in progress will come to an asset, or that a run was lost at it.

    A lost run is no matter any more once a later one looked at the asset.
    """
    if entry.key not in run.running and entry.key not in run.waiting:
        return None
    if not run.is_lost(now):
        return "in the run in progress"
    if entry.state.last_commit > run.ledger:
        return None
    return "in a run that was killed" if run.is_killed else "in a run without a sign of life"


def cut(text: str) -> str:
    """Shorten a reason that would push everything else down; the last run says it whole."""
    line = " ".join(text.split())
    return (
        line
        if len(line) <= REASON_LENGTH
        else line[: REASON_LENGTH - 1] + "\N{HORIZONTAL ELLIPSIS}"
    )


def _figures(entry: OverviewAsset) -> None:
    with Tag("div", classes="figures"):
        show_figure(number(entry.rows), "rows")
        with show_figure("" if entry.judged else NOTHING, "kept out"):
            if entry.judged:
                with (
                    Tag("a", href=quarantine_address(entry.key))
                    if entry.quarantined
                    else Tag("span")
                ):
                    Tag("span", share(entry.share_quarantined))
        with show_figure("" if entry.published_at else "never", "published"):
            if entry.published_at:
                Moment(entry.published_at)
        version = entry.state.version
        show_figure(NOTHING if version is None else str(version), "version")


def _belongings(asset: Asset) -> None:
    with Tag("div", classes="row small"):
        with Tag("span", classes="soft"):
            Tag("span", "owner ")
            Tag("span", asset.options.owner or "nobody named", classes="chip")
        if asset.options.tags:
            with Tag("span", classes="row tags"):
                Tag("span", "tags", classes="soft")
                for tag in asset.options.tags:
                    Tag("span", tag, classes="chip")
        if asset.options.source:
            with Tag("span", classes="soft"):
                Tag("span", "source ")
                Tag("span", asset.options.source, classes="mono")
