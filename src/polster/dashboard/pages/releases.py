"""The releases, and what changed between two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import asset_address, run_address
from polster.dashboard.shared import Itself
from polster.dashboard.words import NOTHING, counted, number
from polster.lakehouse.releases import Release
from polster.operations.releases import (
    ReleaseComparison,
    ReleasedTable,
    TableChange,
    compare_releases,
    list_releases,
)

RELEASES_SHOWN = 100
COUNTS = ("version", "rows", "before", "rows before", "difference")


@dataclass(frozen=True, slots=True)
class Answer:
    """What is shown.

    Attributes:
        releases: Newest first.
        compared: None while there is no release.
    """

    releases: Sequence[Release]
    compared: ReleaseComparison | None


async def show_releases(board: Board, release: str | None, since: str | None) -> None:
    """Show one release beside an earlier one, by default the newest beside the one before.

    Raises:
        UsageError: There is no such release.
    """
    Tag("h1", "Releases")

    async def ask() -> Answer:
        releases = await board.ask(
            list_releases, environment=board.environment, limit=RELEASES_SHOWN
        )
        if not releases and release is None:
            return Answer((), None)
        compared = await board.ask(
            compare_releases, release, before=since, environment=board.environment
        )
        return Answer(releases, compared)

    await show_answer(ask, _draw, key=lambda: Itself(board.snapshot.overview))


def _draw(answer: Answer) -> None:
    compared = answer.compared
    if compared is None:
        with Tag("section", classes="card empty"):
            Tag("strong", "There is no release yet")
            Tag("p", "A run that succeeds and publishes something writes one: the versions of all")
            Tag("p", "tables that belong together. Run the pipeline to make the first.")
        return
    _choices(answer.releases, compared)
    changed = [table for table in compared.tables if table.is_change]
    same = [table for table in compared.tables if not table.is_change]
    with Tag("section", classes="card"):
        with Tag("div", classes="row between"):
            if compared.before:
                Tag("h2", f"{counted(len(changed), 'table')} changed, {number(len(same))} did not")
            else:
                Tag("h2", f"The first release, of {counted(len(changed), 'table')}")
            with Tag("p", classes="small soft"):
                Tag("a", "the run that made it", href=run_address(compared.after.id))
        if changed:
            _tables(changed)
        else:
            Tag("p", "Both releases hold the same versions of all tables.", classes="soft")
    if same and compared.before:
        with Tag("section", classes="card"):
            Tag("h2", "Unchanged in this release")
            _tables(same)
    with Tag("section", classes="card"):
        Tag("h2", "All releases")
        _list(answer.releases, compared)


def _choices(releases: Sequence[Release], compared: ReleaseComparison) -> None:
    def options(*shown: Release) -> list[Option]:
        named = {each.id: each for each in (*releases, *shown)}
        return [
            Option(each.id, counted(len(each.versions), "table"), each.created_at)
            for each in sorted(named.values(), key=lambda each: each.created_at, reverse=True)
        ]

    after, before = compared.after, compared.before
    with Tag("div", classes="row choices"):
        Choice(
            "Release",
            options(after),
            after.id,
            lambda chosen: _go(chosen, None),
        )
        if before is not None:
            Choice(
                "beside",
                options(before),
                before.id,
                lambda chosen: _go(after.id, chosen),
            )


def _address(release: str, since: str | None) -> str:
    asked = {"release": release} | ({"since": since} if since else {})
    return f"/releases?{urlencode(asked)}"


def _go(release: str, since: str | None) -> None:
    ui.navigate.to(_address(release, since))


def _tables(tables: Sequence[TableChange]) -> None:
    names = ("table", "version", "rows", "before", "rows before", "difference", "what changed")
    with Tag("div", classes="scroll"), Tag("table", classes="plain"):
        with Tag("thead"), Tag("tr"):
            for name in names:
                Tag("th", name, scope="col", classes="count" if name in COUNTS else "")
        with Tag("tbody"):
            for table in tables:
                _table(table)


def _table(table: TableChange) -> None:
    with Tag("tr"):
        with Tag("td"):
            Tag("a", str(table.asset), href=asset_address(table.asset), classes="mono")
        for released in (table.after, table.before):
            version, rows = _version(released)
            Tag("td", version, classes="count")
            Tag("td", rows, classes="count")
        Tag("td", _difference(table), classes="count")
        what = "; ".join(table.reasons)
        if table.after is None:
            what = "gone"
        elif table.before is None:
            what = "new"
        Tag("td", what)


def _version(table: ReleasedTable | None) -> tuple[str, str]:
    return (NOTHING, NOTHING) if table is None else (str(table.version), number(table.rows))


def _difference(table: TableChange) -> str:
    before, after = table.before, table.after
    if before is None or after is None or before.rows is None or after.rows is None:
        return NOTHING
    return f"{after.rows - before.rows:+,}" if after.rows != before.rows else "0"


def _list(releases: Sequence[Release], compared: ReleaseComparison) -> None:
    with Tag("div", classes="scroll"), Tag("table", classes="plain"):
        with Tag("thead"), Tag("tr"):
            for name in ("created", "release", "tables"):
                Tag("th", name, scope="col", classes="count" if name == "tables" else "")
        with Tag("tbody"):
            for release in releases:
                with Tag("tr", classes="chosen" if release.id == compared.after.id else ""):
                    with Tag("td"):
                        Moment(release.created_at, "date")
                    with Tag("td"):
                        Tag("a", release.id, href=_address(release.id, None), classes="mono")
                    Tag("td", number(len(release.versions)), classes="count")
    if len(releases) == RELEASES_SHOWN:
        Tag("p", "Older ones: polster releases --limit 1000", classes="soft small")
