"""A button that opens a list of things to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicegui.element import Element
from nicegui.events import GenericEventArguments


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to do.

    Attributes:
        text: What it does.
        note: More about it, shown below.
        choose: Does it.
    """

    text: str
    note: str
    choose: Callable[[], None]


class Menu(Element, component="menu.js"):
    """A button that opens a list of things to do; the arrow keys and Escape work in it.

    Args:
        label: Of the button.
        items: In the order in which they are shown.
    """

    def __init__(self, label: str, items: Sequence[Item]) -> None:
        super().__init__()
        self.props["label"] = label
        self.props["items"] = [{"text": item.text, "note": item.note} for item in items]

        def chosen(event: GenericEventArguments) -> None:
            if isinstance(event.args, int) and 0 <= event.args < len(items):
                items[event.args].choose()

        self.on("chosen", chosen)
