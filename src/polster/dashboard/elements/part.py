"""A part of a page with a title and an address, filled when it first comes into view."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from nicegui.element import Element

from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.tag import Tag
from polster.errors import PolsterError

Answer = TypeVar("Answer")


class Part(Element, component="part.js"):
    """A card with a heading.

    Args:
        anchor: Its address on the page, behind ``#``.
        title: Of the part.
        waits: Whether it is filled later, by :meth:`fill`; otherwise with what is built in it.
    """

    def __init__(self, anchor: str, title: str, *, waits: bool = True) -> None:
        super().__init__()
        self.classes("card titled")
        self.props["id"] = anchor
        self.props["aria-label"] = title
        with self:
            Tag("h2", title)
            if waits:
                self._body = Tag("div", classes="body")
                with self._body:
                    _wait()

    def fill(
        self,
        ask: Callable[[], Awaitable[Answer]],
        draw: Callable[[Answer], None],
        *,
        key: Callable[[], object],
    ) -> None:
        """Show an answer as soon as the part comes into view, and again when there is another.

        Args:
            ask: May take its time.
            draw: Builds the part.
            key: What the answer depends on.
        """

        async def seen() -> None:
            self._body.clear()
            with self._body:
                await show_answer(lambda: _told(ask), draw, key=key, wait=_wait)

        self.on("seen", seen, [])


def _wait() -> None:
    Tag("p", "reading \N{HORIZONTAL ELLIPSIS}", classes="soft small waiting", role="status")


async def _told(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask; whatever goes wrong is shown in the part, and leaves the others as they are."""
    try:
        return await ask()
    except PolsterError:
        raise
    except Exception as error:
        raise PolsterError(
            f"this part cannot be shown: {type(error).__name__}",
            code="POL900",
            hint="this is a mistake of Polster: please report it",
        ) from error
