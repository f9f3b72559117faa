"""Rows of a table, a page at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from polster.dashboard.elements.button import Button
from polster.dashboard.elements.problem import show_problem
from polster.dashboard.elements.rows import RowGrid
from polster.dashboard.elements.tag import Tag
from polster.dashboard.words import number
from polster.errors import PolsterError


@dataclass(frozen=True, slots=True)
class RowPage:
    """Some rows, and how far they go.

    Attributes:
        columns: Dtype by name.
        rows: Python values in the order of ``columns``.
        total: Rows of all pages.
        is_last: Whether none come after these.
    """

    columns: Mapping[str, str]
    rows: Sequence[Sequence[Any]]
    total: int
    is_last: bool


class RowPages:
    """A grid with the way to the next and the previous page.

    Args:
        label: What the rows are, for one who does not see them.
        read: Reads the page that begins behind so many rows.
        page_rows: Rows a page.
        tall: As for :class:`RowGrid`.
        of_what: Said behind the count, such as ``version 3``.
    """

    def __init__(
        self,
        label: str,
        read: Callable[[int], Awaitable[RowPage]],
        *,
        page_rows: int,
        tall: bool = False,
        of_what: str = "",
    ) -> None:
        self._read = read
        self._behind = f", {of_what}" if of_what else ""
        self._offset = 0
        self._problem = Tag("div")
        self._grid = RowGrid(label, tall=tall)
        with Tag("div", classes="row between"):
            self._told = Tag("p", classes="soft small", aria_live="polite")
            with Tag("div", classes="row", role="group", aria_label="Pages of rows"):
                self._back = Button("Previous", lambda: self.turn(-page_rows))
                self._on = Button("Next", lambda: self.turn(page_rows))

    async def turn(self, by: int = 0) -> None:
        """Read and show the rows that many further."""
        offset = max(0, self._offset + by)
        self._problem.clear()
        try:
            found = await self._read(offset)
        except PolsterError as error:
            if not self._problem.is_deleted:
                with self._problem:
                    show_problem(error)
            return
        if not self._grid.is_deleted:
            self._offset = offset
            self.show(found)

    def show(self, page: RowPage) -> None:
        """Show a page that was read."""
        self._grid.show(page.columns, page.rows, first=self._offset + 1)
        self._back.enabled = self._offset > 0
        self._on.enabled = not page.is_last
        self._told.set_text(self._span(page) + self._behind)

    def _span(self, page: RowPage) -> str:
        if page.rows:
            first, last = self._offset + 1, self._offset + len(page.rows)
            return f"rows {number(first)} to {number(last)} of {number(page.total)}"
        return "no rows so far back" if self._offset else f"no rows of {number(page.total)}"
