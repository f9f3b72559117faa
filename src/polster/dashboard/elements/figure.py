"""A number with what it counts below it."""

from __future__ import annotations

from polster.dashboard.elements.tag import Tag


def show_figure(value: str, label: str, *, state: str = "") -> Tag:
    """Show a figure, and return the element of its value.

    Args:
        value: As people read it; empty if it is built inside the element that is returned.
        label: What it counts.
        state: The label's class in ``style.css``, if it is a state.
    """
    with Tag("div", classes="figure"):
        place = Tag("span", value, classes="value")
        Tag("span", label, classes=f"label state {state}" if state else "label")
    return place
