from __future__ import annotations

import ast
import gc
from typing import TYPE_CHECKING

import pytest

from polster.model.layer import LayerRules
from polster.project.discovery import discover
from polster.project.source import SourceFiles, nothing_to_collect

if TYPE_CHECKING:
    from pathlib import Path

ASSET = """
try:
    from polster import bronze as layer
except ImportError:
    raise

@layer
def orders():
    ...
"""


def test_a_file_is_parsed_once_however_many_ask(tmp_path: Path) -> None:
    file = tmp_path / "money.py"
    file.write_text("RATE = 2\n", encoding="utf-8")
    files = SourceFiles()

    first = files.parse(file)
    file.write_text("RATE = 3\n", encoding="utf-8")

    assert files.parse(file) is first
    assert files.content(file) == b"RATE = 2\n"


def test_what_is_forgotten_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "money.py"
    file.write_text("RATE = 2\n", encoding="utf-8")
    files = SourceFiles()
    files.parse(file)
    file.write_text("RATE = 3\n", encoding="utf-8")

    files.forget()

    assert ast.unparse(files.parse(file)) == "RATE = 3"


def test_what_discovery_parsed_is_not_parsed_again(tmp_path: Path) -> None:
    file = tmp_path / "src" / "core" / "bronze_orders.py"
    file.parent.mkdir(parents=True)
    file.write_text(ASSET, encoding="utf-8")
    files = SourceFiles()

    discovery = discover(tmp_path, LayerRules(), files)
    file.unlink()

    assert [str(asset.key) for asset in discovery.assets] == ["bronze.orders"]
    assert isinstance(files.parse(file), ast.Module)


def test_a_file_that_cannot_be_parsed_is_told_each_time(tmp_path: Path) -> None:
    file = tmp_path / "money.py"
    file.write_text("RATE =\n", encoding="utf-8")
    files = SourceFiles()

    for _ in range(2):
        with pytest.raises(SyntaxError):
            files.parse(file)


def test_garbage_is_collected_again_afterwards() -> None:
    with nothing_to_collect(), nothing_to_collect():
        inside = gc.isenabled()

    assert (inside, gc.isenabled()) == (False, True)
