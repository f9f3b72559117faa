from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polster.errors import SettingsError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.project.schema_file import SCHEMA_FILE, read_schema_file, update_schema_file

ORDERS = AssetKey(Layer.BRONZE, "orders")
STORES = AssetKey(Layer.BRONZE, "stores")
BOTH = [ORDERS, STORES]


def test_a_column_is_a_line_and_tables_are_sorted(tmp_path: Path) -> None:
    update_schema_file(tmp_path, {STORES: {"größe": "Float64"}}, BOTH)
    update_schema_file(tmp_path, {ORDERS: {"id": "Int64", "at": "Date"}}, BOTH)

    assert (tmp_path / SCHEMA_FILE).read_text(encoding="utf-8").splitlines() == [
        "{",
        '  "bronze.orders": {',
        '    "id": "Int64",',
        '    "at": "Date"',
        "  },",
        '  "bronze.stores": {',
        '    "größe": "Float64"',
        "  }",
        "}",
    ]


def test_the_same_columns_in_another_order_or_layout_are_not_written(tmp_path: Path) -> None:
    update_schema_file(tmp_path, {ORDERS: {"id": "Int64", "at": "Date"}}, BOTH)
    file = tmp_path / SCHEMA_FILE
    file.write_text(json.dumps(json.loads(file.read_text())))
    before = file.stat().st_mtime_ns

    written = update_schema_file(tmp_path, {ORDERS: {"at": "Date", "id": "Int64"}}, BOTH)

    assert not written
    assert file.stat().st_mtime_ns == before


def test_a_new_column_stands_behind_those_that_were_there(tmp_path: Path) -> None:
    update_schema_file(tmp_path, {ORDERS: {"id": "Int64", "at": "Date"}}, BOTH)

    update_schema_file(tmp_path, {ORDERS: {"new": "String", "at": "Date", "id": "String"}}, BOTH)

    assert list(read_schema_file(tmp_path)[ORDERS]) == ["id", "at", "new"]


def test_assets_that_are_gone_are_forgotten(tmp_path: Path) -> None:
    update_schema_file(tmp_path, {key: {"id": "Int64"} for key in BOTH}, BOTH)

    assert update_schema_file(tmp_path, {}, [STORES])
    assert list(read_schema_file(tmp_path)) == [STORES]


def test_what_many_write_at_once_is_all_there(tmp_path: Path) -> None:
    keys = [AssetKey(Layer.BRONZE, f"table_{number}") for number in range(24)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: update_schema_file(tmp_path, {key: {"a": "Date"}}, keys), keys))

    assert set(read_schema_file(tmp_path)) == set(keys)
    assert [path.name for path in (tmp_path / "schemas").iterdir()] == ["bronze.json"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"orders": {}}',
        '{"silver.orders": {}}',
        '{"bronze.orders": ["id"]}',
        '{"bronze.orders": {"id": 1}}',
        '{"bronze.orders": {"id": "Date", "id": "Time"}}',
        '<<<<<<< HEAD\n{"bronze.orders": {}}\n',
        '{"bronze.orders": {"\\ud800": "Int64"}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_told_and_left_as_it_is(text: str, tmp_path: Path) -> None:
    file = tmp_path / SCHEMA_FILE
    file.parent.mkdir()
    file.write_text(text)

    with pytest.raises(SettingsError) as caught:
        update_schema_file(tmp_path, {ORDERS: {"id": "Int64"}}, BOTH)

    assert caught.value.code == "POL107"
    assert caught.value.place == SCHEMA_FILE
    assert file.read_text() == text
