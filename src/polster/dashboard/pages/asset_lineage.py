"""Column lineage: what a column is made of, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.tag import Tag
from polster.dashboard.lineage_view import Stop, Way, way_of
from polster.dashboard.links import asset_address
from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.model.lineage import ColumnRef, Lineage
from polster.operations.lineage import lineage_of, recorded_lineage

LEGEND = (
    "Values go in; influences decide which rows or groups there are, or which value is taken: "
    "filters, keys of joins and groups, conditions."
)
COLUMNS_SHOWN = 40
"""Columns of one asset that are named on a way."""


@dataclass(slots=True)
class Chosen:
    """What the viewer chose to see; it outlives a redraw.

    Attributes:
        column: None if none was chosen yet.
        said: What the source says; None if what the runs recorded is shown.
    """

    column: str | None = None
    said: Lineage | None = None


async def recorded(board: Board) -> Lineage:
    """Return the lineage that the runs recorded; no code is run.

    Raises:
        PolsterError: It cannot be read.
    """
    return await board.ask(recorded_lineage)


class LineagePart:
    """The lineage of one asset on its page.

    Args:
        board: Whose project.
        key: The asset.
        column: The one that the address names, if it names one.
    """

    def __init__(self, board: Board, key: AssetKey, column: str | None) -> None:
        self.board, self.key = board, key
        self.chosen = Chosen(column)

    def draw(self, lineage: Lineage) -> None:
        """Show the choice of a column, and its way once one is chosen."""
        place = Tag("div", classes="part")
        self._draw(place, self.chosen.said or lineage, lineage)

    def _draw(self, place: Tag, shown: Lineage, kept: Lineage) -> None:
        place.clear()
        columns = shown.columns(self.key)
        entry = shown.assets.get(self.key)
        with place:
            if self.chosen.said is None:
                self._offer_source(place, kept, nothing=not columns or entry is None)
            else:
                self._offer_recorded(place, kept)
            if entry is not None and entry.unknown:
                Tag("p", f"Its lineage is unknown: {entry.unknown}", classes="note")
            if not columns:
                return
            way = Tag("div", classes="part", aria_live="polite")

            def choose(value: str) -> None:
                self.chosen.column = columns[int(value)] if value else None
                address = asset_address(self.key, "lineage", column=self.chosen.column)
                ui.navigate.history.replace(address)
                show()

            def show() -> None:
                way.clear()
                with way:
                    if self.chosen.column is None:
                        Tag("p", "Choose a column to see its way.", classes="soft small")
                    elif self.chosen.column not in columns:
                        Tag("p", f"It has no column {self.chosen.column}.", classes="note")
                    else:
                        _way(way_of(shown, ColumnRef(self.key, self.chosen.column)))

            options = [Option("", "choose one"), *_options(columns)]
            at = columns.index(self.chosen.column) if self.chosen.column in columns else None
            choice = Choice("Column", options, "" if at is None else str(at), choose)
            choice.move(target_index=0)
            show()

    def _offer_source(self, place: Tag, kept: Lineage, *, nothing: bool) -> None:
        with Tag("div", classes="row"):
            if nothing:
                Tag("p", "No run recorded it: it was never built.")
            else:
                Tag("p", "as recorded with the published versions", classes="soft small")
            Button(
                "Ask the source" if nothing else "Ask the source as it is now",
                lambda: self._ask_source(place, kept, problem),
                title="calls the functions over zero rows; no data is read",
            )
        problem = Tag("div")

    def _offer_recorded(self, place: Tag, kept: Lineage) -> None:
        def back() -> None:
            self.chosen.said = None
            self._draw(place, kept, kept)

        with Tag("div", classes="row"):
            Tag("p", "as the source says now; no data was read", classes="soft small")
            Button("Show what the runs recorded", back)

    async def _ask_source(self, place: Tag, kept: Lineage, problem: Tag) -> None:
        problem.clear()
        try:
            answer = await self.board.ask(lineage_of, str(self.key))
        except PolsterError as error:
            if not problem.is_deleted:
                with problem:
                    show_problem(error)
            return
        if not place.is_deleted:
            self.chosen.said = answer.lineage
            self._draw(place, answer.lineage, kept)


def _options(columns: Sequence[str]) -> list[Option]:
    return [Option(str(place), name) for place, name in enumerate(columns)]


def _way(way: Way) -> None:
    for asset, why in way.doubts:
        Tag("p", f"unknown at {asset}: {why}", classes="note small")
    Tag("p", LEGEND, classes="soft small")
    with Tag("div", classes="way"):
        with Tag("div"):
            Tag("h3", "Made of")
            if way.upstream:
                _stops(way.upstream)
            else:
                Tag("p", _origin(way), classes="soft small")
        with Tag("div"):
            Tag("h3", "Goes into")
            if way.downstream:
                _stops(way.downstream)
            else:
                Tag("p", "No column that is published is made of it.", classes="soft small")


def _origin(way: Way) -> str:
    if way.doubts:
        return "Unknown: see above."
    if way.ref.asset.layer == "bronze":
        return "It comes from the source, outside the lakehouse."
    return "No column: it is the same whatever the inputs hold, or counts their rows."


def _stops(stops: Sequence[Stop]) -> None:
    with Tag("ol", classes="stops"):
        for stop in stops:
            with Tag("li", classes=f"stop {stop.asset.layer}"):
                with Tag("div", classes="row"):
                    Tag("a", str(stop.asset), href=asset_address(stop.asset))
                    steps = "1 step" if stop.steps == 1 else f"{stop.steps} steps"
                    Tag("span", steps, classes="soft small")
                _columns(stop, "values", stop.values)
                _columns(stop, "influences", stop.influences)


def _columns(stop: Stop, how: str, names: Sequence[str]) -> None:
    if not names:
        return
    with Tag("div", classes="row passed"):
        Tag("span", how, classes="soft small")
        for name in names[:COLUMNS_SHOWN]:
            address = asset_address(stop.asset, "lineage", column=name)
            with Tag("a", name, href=address, classes=f"chip {how}"):
                if name in stop.uncertain:
                    Tag("span", " perhaps", classes="soft")
        if len(names) > COLUMNS_SHOWN:
            Tag("span", f"and {len(names) - COLUMNS_SHOWN} more", classes="soft small")
