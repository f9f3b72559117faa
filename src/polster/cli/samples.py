"""Showing rows of a table, as text or as JSON."""

from __future__ import annotations

from typing import Any

from polster.cli import console
from polster.operations.preview import Sample

CELL_WIDTH = 40


def show_sample(sample: Sample) -> None:
    """Show columns, types and rows; long values are cut."""
    console.show_rows(
        tuple(_printable(name) for name in sample.columns),
        [
            tuple(sample.columns.values()),
            *(tuple(_text(value) for value in row) for row in sample.rows),
        ],
    )


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
    text = _printable(text)
    return text if len(text) <= CELL_WIDTH else text[: CELL_WIDTH - 1] + "…"


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _printable(text: str) -> str:
    """Return ``text`` on one line, control characters escaped: data never steers a terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
