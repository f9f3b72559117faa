"""The tables of a release, and what changed in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nicegui.element import Element


@dataclass(frozen=True, slots=True)
class Column:
    """A column behind the first.

    Attributes:
        is_count: Whether its texts are numbers.
    """

    title: str
    is_count: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A table of the lakehouse.

    Attributes:
        href: The address of its page.
        cells: A text for each column.
    """

    name: str
    href: str
    cells: Sequence[str]


class ChangeTable(Element, component="change_table.js"):
    """A row for each table of the lakehouse.

    Args:
        label: What the rows are, for one who does not see them.
        columns: Behind the one with the name.
        rows: In the order in which they are shown.
    """

    def __init__(self, label: str, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        super().__init__()
        self.props["label"] = label
        self.props["columns"] = [
            {"title": each.title, "count": each.is_count} for each in (Column("table"), *columns)
        ]
        self.props["rows"] = [
            {"name": row.name, "href": row.href, "cells": list(row.cells)} for row in rows
        ]
