"""The last lines of a log, as they come."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui.element import Element


class LogLines(Element, component="log_lines.js"):
    """Shows lines, and stays at the end unless one scrolled up."""

    def show(self, lines: Sequence[str]) -> None:
        """Show these lines instead."""
        self.props["text"] = "\n".join(lines)
        self.update()
