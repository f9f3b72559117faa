"""A button of HTML."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from polster.dashboard.elements.tag import Tag


class Button(Tag):
    """A button that does one thing at a time.

    One that is not :attr:`enabled` keeps the focus of the keyboard, does nothing and says so.

    Args:
        text: What it does.
        press: Does it; what is pressed meanwhile is not done again.
        primary: Whether it is what one mostly wants here.
        title: Said when one points at it.
    """

    def __init__(
        self,
        text: str,
        press: Callable[[], Awaitable[None] | None],
        *,
        primary: bool = False,
        title: str = "",
    ) -> None:
        super().__init__("button", text, classes="button primary" if primary else "button")
        self.props["type"] = "button"
        if title:
            self.props["title"] = title
        self._press = press
        self._busy = False
        self._enabled = True
        self.on("click", self._pressed, [])

    @property
    def enabled(self) -> bool:
        """Tell whether pressing it does anything."""
        return self._enabled

    @enabled.setter
    def enabled(self, enabled: bool) -> None:
        self._enabled = enabled
        self._show()

    async def _pressed(self) -> None:
        if self._busy or not self._enabled:
            return
        self._busy = True
        try:
            done = self._press()
            if done is not None:
                self._show()
                await done
        finally:
            self._busy = False
            if not self.is_deleted:
                self._show()

    def _show(self) -> None:
        self.props["aria-disabled"] = "false" if self._enabled else "true"
        self.props["aria-busy"] = "true" if self._busy else "false"
