"""Values of data as text that a grid can show."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from polster.dashboard.elements.rows import CELL_LENGTH, cell_text, grid_options


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", ""),
        ("null", "null"),
        (True, "true"),
        (-7, "-7"),
        (1.5, "1.5"),
        (float("nan"), "NaN"),
        (float("-inf"), "-∞"),
        (Decimal("12.50"), "12.50"),
        (b"\x00\xff", "00ff"),
        (date(2026, 3, 1), "2026-03-01"),
        (datetime(2026, 3, 1, 10, tzinfo=UTC), "2026-03-01 10:00:00+00:00"),
        (time(1, 2), "01:02:00"),
        (timedelta(hours=1), "1:00:00"),
        ([1, None, "a"], "[1, null, 'a']"),
        ({"a": {"b": [b"\x01"]}}, "{a: {b: [01]}}"),
        ("two\nlines", r"two\nlines"),
        ("safe\u202eexe", r"safe\u202eexe"),
        ("lone \ud800", r"lone \ud800"),
        ("grüß 🎉", "grüß 🎉"),
    ],
)
def test_a_value_is_written_on_one_line(value: Any, text: str | None) -> None:
    assert cell_text(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10**7, b"\x01" * 10**7, [1] * 10**6, {"a": ["y" * 10**6] * 100}, "\n" * 10**6]
)
def test_a_large_value_is_cut(value: Any) -> None:
    text = cell_text(value)

    assert text is not None
    assert len(text) == CELL_LENGTH
    assert text.endswith("…")


def test_no_name_and_no_value_becomes_a_key_of_the_options() -> None:
    evil = ":onGridReady"
    frame = pl.DataFrame({evil: ["alert(1)"], "b": [{evil: evil}]})
    columns = {name: str(dtype) for name, dtype in frame.schema.items()}

    options = grid_options(columns, frame.rows())

    keys: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            keys.update(value)
            for inner in value.values():
                walk(inner)
        if isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(options)
    assert not {key for key in keys if key.startswith(":")}
    assert options["columnDefs"][1]["headerName"] == evil
    assert json.loads(json.dumps(options))["rowData"] == [
        {"n": 1, "c0": "alert(1)", "c1": "{:onGridReady: ':onGridReady'}"}
    ]


def test_a_type_stands_below_its_name_and_numbers_to_the_right() -> None:
    options = grid_options({"amount": "Float64", "name": "String"}, [(1.0, "a")])

    _, amount, name = options["columnDefs"]
    assert [amount["headerName"], amount["children"][0]["headerName"]] == ["amount", "Float64"]
    assert amount["children"][0]["type"] == "rightAligned"
    assert "type" not in name["children"][0]
