"""The releases, and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.change_table import ChangeTable
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import release_address, run_address
from polster.dashboard.releases_view import CHANGED, HELD, changed_rows, held_rows
from polster.dashboard.shared import Itself
from polster.dashboard.words import counted, number
from polster.errors import UsageError
from polster.model.release import Release, ReleaseComparison, ReleaseSummary
from polster.operations.releases import compare_releases, summarise_releases

COLUMNS = {"created": "", "tables": "count", "run": "", "shown above": ""}
RELEASES_SHOWN = 100
HELD_SHOWN = 20
"""More tables that did not change are folded away at first."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown.

    Attributes:
        releases: Newest first.
        compared: None while there is no release.
        problem: Why nothing could be compared.
    """

    releases: Sequence[ReleaseSummary]
    compared: ReleaseComparison | None = None
    problem: UsageError | None = None


async def show_releases(board: Board, release: str | None, since: str | None) -> None:
    """Show one release beside an earlier one, by default the newest beside the one before."""
    Tag("h1", "Releases")

    async def ask() -> Answer:
        releases = await board.ask(summarise_releases, limit=RELEASES_SHOWN)
        if not releases and not (release or since):
            return Answer(())
        try:
            compared = await board.ask(compare_releases, release, before=since)
        except UsageError as error:
            return Answer(releases, problem=error)
        return Answer(releases, compared)

    await show_answer(ask, _draw, key=lambda: Itself(board.snapshot.overview))


def _draw(answer: Answer) -> None:
    if answer.problem:
        show_problem(answer.problem)
    if answer.compared:
        _choices(answer.releases, answer.compared)
        _compared(answer.compared)
    if answer.releases:
        _list(answer.releases, answer.compared)
    elif not answer.problem:
        with Tag("section", classes="card empty"):
            Tag("strong", "There is no release yet")
            Tag(
                "p",
                "A release says which versions of all tables belong together. "
                "Run the pipeline: a run that succeeds and publishes something makes one.",
            )


def _choices(releases: Sequence[ReleaseSummary], compared: ReleaseComparison) -> None:
    after, before = compared.after, compared.before

    def options(shown: Release) -> list[Option]:
        named = {each.id: each for each in (*releases, _summary(shown))}
        return [
            Option(each.id, counted(each.tables, "table"), each.created_at)
            for each in sorted(
                named.values(), key=lambda each: (each.created_at, each.id), reverse=True
            )
        ]

    with Tag("div", classes="row choices"):
        Choice("Release", options(after), after.id, lambda chosen: _go(chosen, None))
        if before is not None:
            Choice(
                "compared with",
                options(before),
                before.id,
                lambda chosen: _go(after.id, chosen),
            )


def _compared(compared: ReleaseComparison) -> None:
    changed = [table for table in compared.tables if table.is_change]
    held = [table for table in compared.tables if not table.is_change]
    if compared.before is None:
        with _card(f"The first release, of {counted(len(changed), 'table')}", compared.after):
            ChangeTable("Tables of the release", HELD, held_rows(changed))
        return
    with _card(f"{counted(len(changed), 'table')} changed", compared.after):
        if changed:
            ChangeTable("Tables that changed", CHANGED, changed_rows(changed))
        else:
            Tag("p", "Both releases hold the same versions of all tables.", classes="soft")
    if held:
        title = f"{counted(len(held), 'table')} did not change"
        with Tag("section", classes="card"), Tag("details") as details:
            if len(held) <= HELD_SHOWN:
                details.props["open"] = True
            with Tag("summary"):
                Tag("h2", title)
            ChangeTable("Tables that did not change", HELD, held_rows(held))


def _card(title: str, release: Release) -> Tag:
    with Tag("section", classes="card") as card, Tag("div", classes="row between"):
        Tag("h2", title)
        Tag("a", "The run that made it", href=run_address(release.id), classes="small")
    return card


def _list(releases: Sequence[ReleaseSummary], compared: ReleaseComparison | None) -> None:
    shown = _shown(compared)
    with Tag("section", classes="card"):
        Tag("h2", "All releases")
        with Tag("div", classes="scroll"), Tag("table", classes="plain releases"):
            with Tag("thead"), Tag("tr"):
                for name, classes in COLUMNS.items():
                    Tag("th", name, scope="col", classes=classes)
            with Tag("tbody"):
                for release in releases:
                    part = shown.get(release.id, "")
                    with Tag("tr", classes="chosen" if part else ""):
                        with Tag("td"), Tag("a", href=release_address(release.id)):
                            Moment(release.created_at, "date")
                        Tag("td", number(release.tables), classes="count tables")
                        with Tag("td"):
                            Tag("a", release.id, href=run_address(release.id), classes="mono")
                        Tag("td", part, classes="which")
        if len(releases) == RELEASES_SHOWN:
            with Tag("p", classes="soft small"):
                Tag("span", "Older ones are listed by ")
                Tag("code", "polster releases --limit 1000")


def _shown(compared: ReleaseComparison | None) -> dict[str, str]:
    """Say of the releases that are compared which is which."""
    if compared is None:
        return {}
    before = {compared.before.id: "compared with"} if compared.before else {}
    return {**before, compared.after.id: "release"}


def _summary(release: Release) -> ReleaseSummary:
    return ReleaseSummary(release.id, release.created_at, len(release.versions))


def _go(release: str, since: str | None) -> None:
    ui.navigate.to(release_address(release, since))
