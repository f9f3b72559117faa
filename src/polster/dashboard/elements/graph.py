"""The pipeline as a graph."""

from __future__ import annotations

from collections.abc import Callable

from nicegui.element import Element
from nicegui.events import GenericEventArguments

from polster.dashboard.drawing import Drawing


class Graph(Element, component="graph.js"):
    """A graph that moves in place: what is focused stays so, and nothing flickers.

    Args:
        drawing: What is drawn at first.
        on_act: Told what is wanted of which node: ``menu`` or ``focus`` with an asset's key,
            ``fold`` with a layer's name.
    """

    def __init__(self, drawing: Drawing, on_act: Callable[[str, str], None]) -> None:
        super().__init__()
        self._drawing = drawing
        self.props["plan"] = drawing.plan
        self.props["faces"] = list(drawing.faces)
        self.on("act", lambda event: _tell(event, on_act))

    def show(self, drawing: Drawing) -> None:
        """Draw something else; only what differs is sent."""
        show_changes(self, self._drawing, drawing)
        self._drawing = drawing


class AssetTable(Element, component="asset_table.js"):
    """The same as a table, for narrow windows and for those who listen to pages.

    Args:
        drawing: What is shown at first.
        on_act: Told what is wanted of which asset: ``menu``.
    """

    def __init__(self, drawing: Drawing, on_act: Callable[[str, str], None]) -> None:
        super().__init__()
        self._drawing = drawing
        self.props["plan"] = drawing.plan
        self.props["faces"] = list(drawing.faces)
        self.on("act", lambda event: _tell(event, on_act))

    def show(self, drawing: Drawing) -> None:
        """Show something else; only what differs is sent."""
        show_changes(self, self._drawing, drawing)
        self._drawing = drawing


def show_changes(element: Element, before: Drawing, now: Drawing) -> None:
    """Bring an element that shows ``before`` to show ``now``."""
    changes = now.changes_since(before)
    if changes == []:
        return
    with element.props.suspend_updates():
        element.props["plan"] = now.plan
        element.props["faces"] = list(now.faces)
    if changes is None:
        element.update()
    else:
        element.run_method("patch", changes)


def _tell(event: GenericEventArguments, on_act: Callable[[str, str], None]) -> None:
    """Pass on what the browser said, if it makes sense."""
    said = event.args
    if isinstance(said, dict):
        kind, key = said.get("kind"), said.get("key")
        if isinstance(kind, str) and isinstance(key, str):
            on_act(kind, key)
