"""Plain elements of HTML; their text is text, whatever is in it."""

from __future__ import annotations

from nicegui.elements.mixins.text_element import TextElement

from polster.model.secrets import without_secrets


class Tag(TextElement):
    """An element of HTML with text, or with what is built inside ``with``.

    Args:
        tag: Such as ``p``.
        text: Shown as it is, but for credentials in URLs.
        classes: Names of classes in ``style.css``.
        attributes: Attributes; an underscore stands for a hyphen, as in ``aria_label``.
    """

    def __init__(self, tag: str, text: str = "", *, classes: str = "", **attributes: str) -> None:
        super().__init__(tag=tag, text=without_secrets(text))
        if classes:
            self.classes(classes)
        for name, value in attributes.items():
            self.props[name.rstrip("_").replace("_", "-")] = value
