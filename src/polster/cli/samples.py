"""Showing rows of a table, as text or as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from polster.cli import console
from polster.operations.preview import Sample

CELL_WIDTH = 40
NARROWEST = 8


def show_sample(sample: Sample) -> None:
    """Show columns, types and rows; long values are cut, shorter where a terminal is narrow."""
    names = tuple(_printable(name) for name in sample.columns)
    types = tuple(sample.types[name] for name in sample.columns)
    rows = [tuple(_text(value) for value in row) for row in sample.rows]
    width = _cell_width(names, types, rows)
    cells = [tuple(_cut(cell, width) for cell in row) for row in rows]
    console.show_rows(names, [types, *cells], is_data=True)


def _cell_width(names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[str]]) -> int:
    """Return how long values may be, so that the table is no wider than the terminal.

    Names and types are not cut, so a table of many columns is wider all the same.
    """
    limit = console.terminal_width()
    if limit is None:
        return CELL_WIDTH
    heads = [max(len(name), len(kind)) for name, kind in zip(names, types, strict=True)]
    widest = [max(map(len, column), default=0) for column in zip(*rows, strict=True)]
    for width in range(CELL_WIDTH, NARROWEST, -1):
        columns = [max(head, min(cell, width)) for head, cell in zip(heads, widest, strict=False)]
        if sum(columns) + len(console.GAP) * (len(columns) - 1) <= limit:
            return width
    return NARROWEST


def sample_as_json(sample: Sample) -> dict[str, Any]:
    """Return a sample as plain values; what JSON does not know becomes text."""
    return {
        "columns": dict(sample.columns),
        "rows": [
            {name: _plain(value) for name, value in zip(sample.columns, row, strict=True)}
            for row in sample.rows
        ],
        "total": sample.total,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else str(value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return str(value)


def _text(value: Any) -> str:
    text = "null" if value is None else ", ".join(value) if _is_texts(value) else str(value)
    return _printable(text)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _printable(text: str) -> str:
    """Return ``text`` on one line, control characters escaped: data never steers a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
