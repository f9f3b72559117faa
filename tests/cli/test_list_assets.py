from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polster.cli.app import app
from polster.operations.init import init


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with its sample assets, which is the current folder."""
    root = init("shop", parent=tmp_path, git=False, sample_assets=True).root
    monkeypatch.chdir(root)
    return root


def polster(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_assets_are_listed_by_layer() -> None:
    result = polster("list-assets")

    heading, *lines = result.stdout.splitlines()
    assert heading.split() == ["asset", "reads", "contract", "description"]
    assert [line.split()[0] for line in lines] == [
        "bronze.example",
        "silver.example",
        "gold.example",
    ]
    assert lines[2].split()[1:3] == ["silver.example", "Example"]
    assert result.stderr == ""


def test_json_says_everything() -> None:
    result = polster("list-assets", "--format", "json")

    silver = json.loads(result.stdout)[1]
    assert silver == {
        "asset": "silver.example",
        "layer": "silver",
        "name": "example",
        "file": "src/core/silver_example.py",
        "depends_on": ["bronze.example"],
        "refers_to": [],
        "contract": "Example",
        "description": "Orders that can be trusted: typed, one row per order, every rule kept.",
        "owner": None,
        "tags": [],
    }


def test_one_layer_can_be_asked_for() -> None:
    result = polster("list-assets", "--layer", "gold", "--format", "json")

    assert [entry["asset"] for entry in json.loads(result.stdout)] == ["gold.example"]


def test_an_empty_project_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = init("empty", parent=tmp_path, git=False, sample_assets=False).root
    monkeypatch.chdir(empty)

    table = polster("list-assets", "--layer", "silver")
    machine = polster("list-assets", "--format", "json")

    assert table.stdout == "no silver assets yet\n"
    assert "polster add-asset" in table.stderr
    assert json.loads(machine.stdout) == []
    assert machine.stderr == ""


def test_mistakes_are_mentioned_and_names_stay_as_written(shop: Path) -> None:
    (shop / "src/core/bronze_example.py").unlink()

    result = polster("list-assets", "--format", "json")

    listed = json.loads(result.stdout)
    assert listed[0]["asset"] == "silver.example"
    assert listed[0]["depends_on"] == ["bronze_example"]
    assert result.stderr == "the pipeline has 1 mistake: polster validate\n"
