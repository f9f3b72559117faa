"""What a shell is told when the tab key is pressed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.conftest import Pipeline
from typer.testing import CliRunner

from polster.cli.app import app

pytestmark = pytest.mark.private_part_of("typer")
Complete = Callable[[str], list[str]]


@pytest.fixture
def complete(shop: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Complete:
    """Return what is offered for the last word of a line, typed in a project's folder."""
    monkeypatch.chdir(shop.root)

    def offered(line: str) -> list[str]:
        words = line.split(" ")
        environment = {
            "_POLSTER_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        result = CliRunner().invoke(app, [], prog_name="polster", env=environment)
        assert result.exit_code == 0, result.output
        return result.stdout.split()

    return offered


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("polster rele", ["releases"]),
        ("polster preview silver.", ["silver.orders"]),
        ("polster run +gold", ["+gold.spending"]),
        ("polster validate layer:s", ["layer:silver"]),
        ("polster plan bronze.o", ["bronze.orders"]),
        ("polster doctor gold", ["gold.spending"]),
        ("polster lineage silver.o", ["silver.orders"]),
        ("polster lineage silver.orders.c", ["silver.orders.customer"]),
        ("polster quarantine silver.orders --rule amount|m", [r"amount\|min"]),
        ("polster quarantine silver.orders --rule prim", ["primary_key"]),
        ("polster rule POL202", ["POL202"]),
        ("polster rule POL306", ["POL306"]),
        ("polster rule layer-o", ["layer-order"]),
        ("polster preview nothing", []),
        ("polster rune x", []),
    ],
)  # fmt: skip
def test_a_word_is_completed(complete: Complete, line: str, expected: list[str]) -> None:
    assert sorted(complete(line)) == expected


def test_a_project_that_is_named_on_the_line_is_the_one_that_is_looked_at(
    complete: Complete, shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")

    assert complete("polster preview ") == []
    assert complete(f"polster preview --project {shop.root} gold") == ["gold.spending"]


def test_a_file_that_cannot_be_parsed_disturbs_no_typing(
    complete: Complete, shop: Pipeline
) -> None:
    shop.write("src/core/silver_orders.py", "def (")

    assert complete("polster lineage silver.orders.") == []
