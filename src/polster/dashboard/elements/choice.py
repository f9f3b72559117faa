"""Choosing one of several."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nicegui.element import Element
from nicegui.events import GenericEventArguments


@dataclass(frozen=True, slots=True)
class Option:
    """One of several.

    Attributes:
        value: What is chosen; empty stands for no choice.
        text: As it is shown.
        at: Shown before the text, in the viewer's zone; timezone-aware.
    """

    value: str
    text: str
    at: datetime | None = None


class Choice(Element, component="choice.js"):
    """A labelled list to choose from.

    Args:
        label: What is chosen.
        options: In the order in which they are shown.
        value: The one that is chosen already.
        on_choose: Told the new value; never one that is not among the options.
    """

    def __init__(
        self,
        label: str,
        options: Sequence[Option],
        value: str,
        on_choose: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.props["label"] = label
        self.props["value"] = value
        self.props["options"] = [
            {
                "value": option.value,
                "text": option.text,
                "at": option.at.astimezone(UTC).isoformat() if option.at else None,
            }
            for option in options
        ]
        known = {option.value for option in options}

        def chosen(event: GenericEventArguments) -> None:
            if event.args in known:
                self.props["value"] = event.args
                on_choose(event.args)

        self.on("chosen", chosen)
