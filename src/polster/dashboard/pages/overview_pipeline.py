"""The pipeline on the overview: what is looked at, as a graph or as a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeAlias

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.drawing import Drawing, draw, table
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.graph import AssetTable, Graph
from polster.dashboard.elements.search import Search
from polster.dashboard.elements.start_run import ask_for_run
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import LOOK_SECONDS, follow
from polster.dashboard.links import asset_address
from polster.dashboard.view import GRAPH, LIST, STATES, View
from polster.dashboard.words import counted
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.overview import Overview, standings

NARROW_PIXELS = 760
SOON_SECONDS = 0.01
Shown: TypeAlias = Graph | AssetTable


def show_pipeline(board: Board, view: View) -> None:
    """Show the pipeline as soon as there are assets, as ``view`` has it."""
    pipeline = _Pipeline(board, view)
    follow(board, pipeline.build, key=lambda: pipeline.has_assets)
    if view.shown is None:
        ui.timer(SOON_SECONDS, pipeline.suit_window, once=True)


class _Pipeline:
    """The pipeline on one viewer's page.

    Attributes:
        view: What of it is looked at; stands in the page's address.
    """

    def __init__(self, board: Board, view: View) -> None:
        self.board = board
        self.view = view
        self._shown: Shown | None = None
        self._told: object = None
        self._drawn: object = None

    @property
    def has_assets(self) -> bool:
        return bool(self._overview and self._overview.assets)

    @property
    def _overview(self) -> Overview | None:
        return self.board.snapshot.overview

    def build(self) -> None:
        """Build all of it; later only what changes is moved."""
        self._shown = self._told = None
        if not self.has_assets:
            return
        with Tag("section", classes="card pipeline", aria_labelledby="pipeline"):
            with Tag("div", classes="row between pipeline-head"):
                with Tag("div", classes="row"):
                    Tag("h2", "Pipeline", id="pipeline")
                    last = Tag("span", "as last read", classes="chip")
                    _show_if(last, lambda: self.board.snapshot.problem is not None)
                self._ways()
            self._filters = Tag("div")
            follow(self.board, self._build_filters, inside=self._filters, key=self._choices)
            self._said = Tag("div", classes="row narrowed")
            self._place = Tag("div")
            self._build_shown()
            ui.timer(LOOK_SECONDS, self._look)

    async def suit_window(self) -> None:
        """Show the table instead of the graph where the window is too narrow for it."""
        try:
            width = await ui.run_javascript("window.innerWidth", timeout=5.0)
        except TimeoutError:
            return
        if isinstance(width, int) and width < NARROW_PIXELS and self.view.shown is None:
            self._change(replace(self.view, shown=LIST))

    def _ways(self) -> None:
        with Tag("div", classes="ways", role="group", aria_label="Shown as"):
            self._buttons = {
                way: Button(title, partial(self._show_as, way))
                for way, title in ((GRAPH, "Graph"), (LIST, "List"))
            }

    def _show_as(self, way: str) -> None:
        self._change(replace(self.view, shown=way))

    def _choices(self) -> object:
        overview = self._overview
        return (overview.owners, overview.tags) if overview else None

    def _build_filters(self) -> None:
        overview = self._overview
        if overview is None:
            return
        view = self.view
        with Tag("div", classes="row filters", role="search", aria_label="Assets"):
            Search(
                "Search",
                hint="a part of a name",
                value=view.search,
                on_search=lambda text: self._change(replace(self.view, search=text)),
            )
            self._choice("Layer", [layer.value for layer in Layer], view.layer, self._set_layer)
            self._choice("State", list(map(str, STATES)), view.condition, self._set_state)
            if overview.tags or view.tag:
                self._choice("Tag", overview.tags, view.tag, self._set_tag)
            if overview.owners or view.owner:
                self._choice("Owner", overview.owners, view.owner, self._set_owner)

    def _choice(
        self, label: str, values: list[str], value: str | None, choose: Callable[[str], None]
    ) -> None:
        known = [*values, value] if value and value not in values else values
        options = [Option("", "all"), *(Option(each, each) for each in known)]
        Choice(label, options, value or "", choose)

    def _set_layer(self, name: str) -> None:
        self._change(replace(self.view, layer=Layer(name) if name else None))

    def _set_state(self, name: str) -> None:
        states = {str(state): state for state in STATES}
        self._change(replace(self.view, condition=states.get(name)))

    def _set_tag(self, name: str) -> None:
        self._change(replace(self.view, tag=name or None))

    def _set_owner(self, name: str) -> None:
        self._change(replace(self.view, owner=name or None))

    def _show_everything(self) -> None:
        self._change(View(collapsed=self.view.collapsed, shown=self.view.shown))
        self._filters.clear()
        with self._filters:
            self._build_filters()

    def _change(self, view: View) -> None:
        """Look at something else, and say so in the address."""
        other_way = _is_list(view) is not _is_list(self.view)
        self.view = view
        ui.navigate.history.replace(view.address)
        if other_way:
            self._build_shown()
        else:
            self._look()

    def _drawing(self, overview: Overview) -> Drawing:
        found = standings(overview, self.board.snapshot.live)
        return (table if _is_list(self.view) else draw)(overview, found, self.view)

    def _key(self) -> object:
        """Return what the drawing depends on."""
        now = datetime.now(UTC)
        lost = tuple(run.is_lost(now) for run in self.board.snapshot.live)
        return self.board.snapshot.revision, lost, self.view

    def _build_shown(self) -> None:
        overview = self._overview
        if overview is None:
            return
        self._drawn = self._key()
        drawing = self._drawing(overview)
        self._place.clear()
        with self._place:
            kind = AssetTable if _is_list(self.view) else Graph
            self._shown = kind(drawing, self._act)
        for way, button in self._buttons.items():
            button.props["aria-pressed"] = str((way == LIST) is _is_list(self.view)).lower()
        self._tell(overview)

    def _look(self) -> None:
        """Move what changed since it was drawn."""
        overview = self._overview
        key = self._key()
        if overview is not None and self._shown is not None and key != self._drawn:
            self._drawn = key
            self._shown.show(self._drawing(overview))
            self._tell(overview)

    def _tell(self, overview: Overview) -> None:
        """Say what is left out, and offer to show everything."""
        found = standings(overview, self.board.snapshot.live)
        chosen = len(self.view.chosen(overview, found)) if self.view.is_narrowed else None
        said = (chosen, len(overview.assets), self.view.focus)
        if said == self._told:
            return
        self._told = said
        self._said.clear()
        if chosen is None:
            return
        with self._said:
            if self.view.focus is not None:
                Tag("span", f"what belongs to {self.view.focus}", classes="chip")
            Tag("span", f"{chosen:,} of {counted(len(overview.assets), 'asset')}", role="status")
            Button("Show everything", self._show_everything)

    def _act(self, kind: str, name: str) -> None:
        """Do what the browser says, for nodes that there are."""
        layers = {layer.value: layer for layer in Layer}
        if kind == "fold" and name in layers:
            folded = self.view.collapsed ^ {layers[name]}
            self._change(replace(self.view, collapsed=folded))
            return
        key = AssetKey.parse(name)
        if self._overview is None or key not in self._overview.assets or key is None:
            return
        if kind == "focus":
            self._focus(key)
        elif kind == "menu":
            self._menu(key)

    def _focus(self, key: AssetKey) -> None:
        self._change(replace(self.view, focus=key))

    def _menu(self, key: AssetKey) -> None:
        """Ask what is to be done with an asset."""
        offers = {
            f"Run {key} alone": str(key),
            "Run it and all that stands on it": f"{key}+",
            "Run all that it stands on, and it": f"+{key}",
        }

        def run(selection: str) -> None:
            dialog.close()
            ask_for_run(self.board, selection)

        def focus() -> None:
            dialog.close()
            self._focus(key)

        with self._place.client.layout, ui.dialog() as dialog:
            dialog.props["aria-label"] = f"Actions for {key}"
            dialog.on("hide", dialog.delete)
            with ui.card(), Tag("div", classes="actions"):
                Tag("h2", str(key), classes="mono")
                for title, selection in offers.items():
                    Button(title, partial(run, selection))
                Button("Show only what belongs to it", focus)
                Tag("a", "Open its page", href=asset_address(key), classes="button")
                Button("Close", dialog.close)
        dialog.open()


def _show_if(part: Tag, is_so: Callable[[], bool]) -> None:
    part.set_visibility(is_so())
    ui.timer(LOOK_SECONDS, lambda: part.set_visibility(is_so()))


def _is_list(view: View) -> bool:
    return view.shown == LIST
