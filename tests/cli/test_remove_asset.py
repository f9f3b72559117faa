from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polster.cli.app import app
from polster.cli.numbers import read_numbers
from polster.operations.init import init


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with its sample assets, which is the current folder."""
    root = init("shop", parent=tmp_path, git=False, sample_assets=True).root
    monkeypatch.chdir(root)
    return root


def polster(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def remove(layer: str, *more: str) -> Result:
    return polster("remove-asset", "--layer", layer, "--name", "example", *more)


def test_an_asset_goes_and_its_table_is_said_to_stay(shop: Path) -> None:
    (shop / "data/gold/example").mkdir(parents=True)

    result = remove("gold", "--yes")

    assert result.exit_code == 0
    assert result.stdout == (
        "removed src/core/gold_example.py\n"
        "removed tests/test_gold_example.py\n"
        "the data stays in data/gold/example\n"
    )
    assert result.stderr == ""


def test_without_a_terminal_it_needs_a_yes(shop: Path) -> None:
    result = remove("gold")

    assert result.exit_code == 2
    assert result.stderr == (
        "error[POL507]: nothing was removed: there is no terminal to ask on\n"
        "\n"
        "hint: add --yes, after a look with --dry-run\n"
    )
    assert (shop / "src/core/gold_example.py").is_file()


def test_a_dry_run_lists_the_files_and_removes_none(shop: Path) -> None:
    result = remove("gold", "--dry-run")

    assert result.exit_code == 0
    assert result.stdout == (
        "would remove src/core/gold_example.py\nwould remove tests/test_gold_example.py\n"
    )
    assert (shop / "src/core/gold_example.py").is_file()


@pytest.mark.parametrize("more", [(), ("--yes",), ("--dry-run",)])
def test_an_asset_that_others_read_stays(shop: Path, more: tuple[str, ...]) -> None:
    result = remove("bronze", *more)

    assert result.exit_code == 1
    assert result.stderr == (
        "error[POL506]: nothing was removed: `bronze.example` is needed by `silver.example`\n"
        "\n"
        "hint: remove these first, or remove it all the same with --force\n"
    )
    assert (shop / "src/core/bronze_example.py").is_file()


def test_force_removes_it_all_the_same_and_warns(shop: Path) -> None:
    result = remove("bronze", "--force")

    assert result.exit_code == 0
    assert "warning: silver.example depends on what is gone" in result.stderr
    assert not (shop / "src/core/bronze_example.py").exists()


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [((), "--layer"), (("--layer", "gold"), "--name"), (("--name", "example"), "--layer")],
)
def test_without_a_terminal_a_missing_answer_is_named(
    arguments: tuple[str, ...], flag: str
) -> None:
    result = polster("remove-asset", *arguments, "--yes")

    assert result.exit_code == 2
    assert f"{flag} is missing" in result.stderr


def test_an_unknown_name_gets_the_nearest(shop: Path) -> None:
    result = polster("remove-asset", "--layer", "gold", "--name", "exampel", "--yes")

    assert result.exit_code == 2
    assert "error[POL201]" in result.stderr
    assert "did you mean `gold.example`?" in result.stderr


ANSWERS = ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("1", "a"),
        ("1,3-5", "acde"),
        ("3-5,1", "cdea"),
        (" 2 , 2-3 , b ", "bc"),
        ("1-5", "abcde"),
        ("2-2", "b"),
        ("c,,", "c"),
        ("1 - 2", "ab"),
    ],
)
def test_numbers_ranges_and_names_are_read(text: str, chosen: str) -> None:
    assert read_numbers(text, ANSWERS) == list(chosen)


@pytest.mark.parametrize(
    "text", ["", ",", "0", "6", "3-1", "0-2", "4-9", "x", "-", "1-", "-1", "1-2-3", "²", "9" * 99]
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"numbers from 1 to 5|at least one"):
        read_numbers(text, ANSWERS)
