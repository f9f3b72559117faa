"""A field to search in."""

from __future__ import annotations

from collections.abc import Callable

from nicegui.element import Element

LENGTH = 200


class Search(Element, component="search.js"):
    """A field that tells what is looked for once the typing rests.

    Args:
        label: Its name.
        hint: Shown while it is empty.
        value: What stands in it at first.
        on_search: Told what is looked for.
    """

    def __init__(
        self, label: str, *, hint: str, value: str, on_search: Callable[[str], None]
    ) -> None:
        super().__init__()
        self.props["label"] = label
        self.props["hint"] = hint
        self.props["value"] = value
        self.on("searched", lambda event: on_search(str(event.args)[:LENGTH]))

    def fill(self, value: str) -> None:
        """Write something into the field."""
        self.props["value"] = value
