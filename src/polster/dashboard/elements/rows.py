"""Rows of a table in a grid: AG Grid with names, types and values that are only ever text.

How to show rows on a page::

    grid = RowGrid("the first rows of silver.orders")
    grid.show(sample.columns, sample.rows, first=offset + 1)

``show`` may be called again, for the next page of rows. The names of columns stand over their
types. A null is told apart from the text "null" and from an empty text. A value is cut at 300
characters; whoever focuses its cell, with the mouse or the arrow keys, reads the whole below the
grid.

NiceGUI takes what stands under a key that begins with a colon for JavaScript. So no name and no
value of data is a key: columns are called ``c0``, ``c1`` and so on, and their names are values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from polster.dashboard.elements.tag import Tag

CELL_LENGTH = 300
WHOLE_LENGTH = 100_000
"""Even a whole value is cut somewhere: a browser does not show hundreds of megabytes."""
SEEN_LENGTH = 45
"""What is not longer than this fits into its cell."""
NUMBERS = ("Int", "UInt", "Float", "Decimal")
CHARACTER_PIXELS = 7.7
LEAST_PIXELS, MOST_PIXELS = 84, 380

Rows = Sequence[Sequence[Any]]


class RowGrid(Tag):
    """A grid of rows, empty at first, and below it the whole of a value that was cut.

    Args:
        label: What is shown, for one who does not see it.
        tall: Whether the grid takes a fixed height and scrolls, for a hundred rows or more; by
            default it is as high as its rows.
    """

    def __init__(self, label: str, *, tall: bool = False) -> None:
        super().__init__("div", classes="rows", role="region", aria_label=label)
        self._columns: list[str] = []
        self._rows: Rows = ()
        with self:
            options = grid_options({}, (), tall=tall)
            self._grid = ui.aggrid(options, auto_size_columns=False)
            self._grid.classes("grid-tall" if tall else "grid-whole")
            self._grid.on("cellFocused", self._tell_whole, ["rowIndex", "colId"])
            self._whole = Tag("div", classes="whole", aria_live="polite")

    def show(self, columns: Mapping[str, str], rows: Rows, *, first: int = 1) -> None:
        """Show these rows instead.

        Args:
            columns: Dtype by name.
            rows: Python values in the order of ``columns``.
            first: The number of the first row.
        """
        self._columns, self._rows = list(columns), rows
        self._grid.options.update(row_options(columns, rows, first=first))
        self._grid.update()
        self._whole.clear()

    def _tell_whole(self, event: GenericEventArguments) -> None:
        self._whole.clear()
        row, column = event.args.get("rowIndex"), event.args.get("colId")
        place = _place(column)
        if not isinstance(row, int) or place is None:
            return
        if not (0 <= row < len(self._rows) and place < len(self._columns)):
            return
        value = self._rows[row][place]
        text = value if isinstance(value, str) else cell_text(value, WHOLE_LENGTH) or ""
        if len(text) <= SEEN_LENGTH and text.isprintable():
            return
        with self._whole:
            Tag("p", f"{self._columns[place]}, whole", classes="soft small")
            Tag("pre", text[:WHOLE_LENGTH], classes="block wrapped")


def grid_options(columns: Mapping[str, str], rows: Rows, *, tall: bool = False) -> dict[str, Any]:
    """Return the options of AG Grid for ``rows``."""
    return {
        "domLayout": "normal" if tall else "autoHeight",
        "defaultColDef": {
            "sortable": False,  # only the rows on this page could be sorted, which misleads
            "resizable": True,
            "cellDataType": False,  # a text is shown as it is, never read as a date
            "suppressMovable": True,
            "valueFormatter": "value === null ? 'null' : value === '' ? 'empty' : value",
            "cellClassRules": {"nothing": "value === null || value === ''"},
        },
        "enableCellTextSelection": True,
        "ensureDomOrder": True,
        "suppressCellFocus": False,
        "headerHeight": 28,
        "groupHeaderHeight": 30,
        "rowHeight": 32,
        **row_options(columns, rows, first=1),
    }


def row_options(columns: Mapping[str, str], rows: Rows, *, first: int) -> dict[str, Any]:
    """Return those options of AG Grid that depend on what is shown."""
    texts = [[cell_text(value) for value in row] for row in rows]
    number = {
        "headerName": "",
        "children": [
            {
                "headerName": "#",
                "field": "n",
                "width": 30 + int(len(str(first + len(rows))) * CHARACTER_PIXELS),
                "type": "rightAligned",
                "pinned": "left",
                "cellClass": ["number", "ag-right-aligned-cell"],
                "resizable": False,
            }
        ],
    }
    return {
        "columnDefs": [
            number,
            *(
                _column(place, name, dtype, [row[place] for row in texts])
                for place, (name, dtype) in enumerate(columns.items())
            ),
        ],
        "rowData": [
            {"n": first + index, **{f"c{place}": text for place, text in enumerate(row)}}
            for index, row in enumerate(texts)
        ],
    }


def cell_text(value: Any, length: int = CELL_LENGTH) -> str | None:
    r"""Write a value on one line, cut at ``length``; None stays None.

    What cannot be seen is written as an escape, so that a cell never shows less than there is.

    >>> cell_text("a\nb"), cell_text(b"\x00\xff"), cell_text([1, None]), cell_text(float("nan"))
    ('a\\nb', '00ff', '[1, null]', 'NaN')
    """
    if value is None:
        return None
    text = _written(value, length + 1)
    if not text.isprintable():
        text = "".join(
            each if each.isprintable() or each == "\N{NO-BREAK SPACE}" else _escaped(each)
            for each in text
        )
    return text if len(text) <= length else text[: length - 1] + "\N{HORIZONTAL ELLIPSIS}"


def short_type(dtype: str) -> str:
    """Write a type without what goes without saying.

    >>> short_type("Datetime(time_unit='us', time_zone=None)")
    'Datetime'
    >>> short_type("Datetime(time_unit='us', time_zone='UTC')")
    "Datetime('UTC')"
    """
    short = dtype.replace("time_unit='us', ", "").replace("(time_zone=None)", "")
    return short.replace("(time_unit='us')", "").replace("(time_zone=", "(")


def _written(value: Any, length: int) -> str:
    """Write a value, at most a little longer than ``length``; large ones are not written whole."""
    if value is None:
        return "null"
    if isinstance(value, str):
        return value[:length]
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value[: length // 2 + 1].hex()
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "\N{INFINITY}" if value > 0 else "-\N{INFINITY}"
    if isinstance(value, list | tuple):
        return "[" + _listed((_inner(item, length) for item in islice(value, length)), length) + "]"
    if isinstance(value, dict):
        pairs = (f"{name}: {_inner(item, length)}" for name, item in islice(value.items(), length))
        return "{" + _listed(pairs, length) + "}"
    return str(value)


def _inner(value: Any, length: int) -> str:
    return repr(value[:length]) if isinstance(value, str) else _written(value, length)


def _listed(items: Any, length: int) -> str:
    written: list[str] = []
    used = 0
    for item in items:
        written.append(item)
        used += len(item) + 2
        if used > length:
            break
    return ", ".join(written)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _column(place: int, name: str, dtype: str, texts: Sequence[str | None]) -> dict[str, Any]:
    longest = max((len(text) for text in texts if text), default=0)
    characters = max(len(name), len(short_type(dtype)), min(longest, SEEN_LENGTH))
    column: dict[str, Any] = {
        "headerName": short_type(dtype),
        "headerTooltip": dtype,
        "field": f"c{place}",
        "width": min(MOST_PIXELS, max(LEAST_PIXELS, 34 + int(characters * CHARACTER_PIXELS))),
    }
    if dtype.startswith(NUMBERS):
        column["type"] = "rightAligned"
    group = {"headerName": name, "headerTooltip": name, "children": [column]}
    if dtype.startswith(NUMBERS):
        group["headerClass"] = "number-name"
    return group


def _place(column: object) -> int | None:
    """Return which column ``c3`` is; None for what is none of the data's."""
    if not isinstance(column, str) or not column.startswith("c") or not column[1:].isdecimal():
        return None
    return int(column[1:])
