from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polster.cli.app import app
from polster.operations.init import init


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project; the current folder is the one that holds it."""
    monkeypatch.chdir(tmp_path)
    return init("shop", parent=tmp_path, git=False, sample_assets=False).root


def polster(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def add(layer: str, name: str, *more: str) -> Result:
    return polster("add-asset", "--layer", layer, "--name", name, *more)


def test_from_the_folder_above_the_project_is_named(shop: Path) -> None:
    result = add("bronze", "ingest_logs")

    assert result.exit_code == 0
    assert result.stderr == "project: shop\n"
    assert result.stdout == (
        "created shop/src/core/bronze_ingest_logs.py\n"
        "created shop/tests/test_bronze_ingest_logs.py\n"
        "\n"
        "next: edit shop/src/core/bronze_ingest_logs.py, then\n"
        "  polster run bronze.ingest_logs\n"
    )


@pytest.mark.parametrize("folder", [".", "src/core", "tests"])
def test_it_works_from_any_folder_of_the_project(
    shop: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.chdir(shop / folder)

    result = add("bronze", "ingest_logs")

    assert result.exit_code == 0
    assert result.stderr == ""
    assert result.stdout.startswith("created src/core/bronze_ingest_logs.py\n")
    assert (shop / "src/core/bronze_ingest_logs.py").is_file()


def test_of_two_projects_one_has_to_be_chosen(tmp_path: Path, shop: Path) -> None:
    other = init("other", parent=tmp_path, git=False, sample_assets=False).root

    unclear = add("bronze", "ingest_logs")
    chosen = add("bronze", "ingest_logs", "--project", "other")

    assert unclear.exit_code == 2
    assert "error[POL102]" in unclear.stderr
    assert "other, shop" in unclear.stderr
    assert chosen.exit_code == 0
    assert (other / "src/core/bronze_ingest_logs.py").is_file()
    assert not (shop / "src/core/bronze_ingest_logs.py").exists()


def test_without_a_project_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "shop/src/empty").mkdir()
    (tmp_path / "shop/pyproject.toml").unlink()
    monkeypatch.chdir(tmp_path / "shop/src/empty")

    result = add("bronze", "ingest_logs")

    assert result.exit_code == 2
    assert "error[POL101]" in result.stderr
    assert "polster init my_project" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "flag"),
    [((), "--layer"), (("--layer", "bronze"), "--name"), (("--name", "x"), "--layer")],
)
def test_without_a_terminal_a_missing_answer_is_named(
    arguments: tuple[str, ...], flag: str
) -> None:
    result = polster("add-asset", *arguments)

    assert result.exit_code == 2
    assert f"error[POL505]: {flag} is missing, and there is no terminal" in result.stderr


def test_without_a_terminal_missing_dependencies_are_named() -> None:
    add("bronze", "ingest_logs")

    result = add("silver", "clean_logs")

    assert result.exit_code == 2
    assert result.stderr == (
        "project: shop\n"
        "error[POL505]: `silver.clean_logs` has nothing to read: --dependencies is missing, "
        "and a silver asset reads bronze\n"
        "\n"
        "hint: choose from: bronze.ingest_logs\n"
    )


def test_a_broken_layer_rule_says_what_to_do_instead() -> None:
    add("bronze", "ingest_logs")

    result = add("gold", "reports", "--dependencies", "ingest_logs")

    assert result.exit_code == 2
    assert result.stderr == (
        "project: shop\n"
        "error[POL202]: `gold.reports` may not read `bronze.ingest_logs`: a gold asset may read "
        "silver; gold stands on validated data, so it reads silver only\n"
        "\n"
        "hint: make `silver.ingest_logs` first: polster add-asset --layer silver "
        "--name ingest_logs --dependencies ingest_logs\n"
    )


def test_several_dependencies_are_separated_by_commas(shop: Path) -> None:
    add("bronze", "orders")
    add("bronze", "customers")

    result = add("silver", "sales", "--dependencies", " orders , bronze_customers,")

    assert result.exit_code == 0
    written = (shop / "src/core/silver_sales.py").read_text()
    assert "def sales(orders: pl.LazyFrame, customers: pl.LazyFrame)" in written


def test_the_description_is_listed() -> None:
    text = 'Logs "as they are", \\n and """more"""'
    add("bronze", "ingest_logs", "--description", text)

    result = polster("list-assets")

    assert text in result.stdout


def test_a_dry_run_lists_the_files_and_writes_none(shop: Path) -> None:
    result = add("bronze", "logs", "--template", "json", "--dry-run")

    assert result.stdout.splitlines() == [
        "would create shop/src/core/bronze_logs.py",
        "would create shop/tests/test_bronze_logs.py",
        "would create shop/landing/logs.jsonl",
    ]
    assert not (shop / "landing").exists()
    assert not list((shop / "src/core").glob("bronze_*"))


def test_of_json_a_late_key_and_a_late_text_are_kept(shop: Path) -> None:
    (shop / "landing").mkdir()
    lines = ['{"id": 1, "docks": 10}'] * 200 + ['{"id": 2, "docks": "twelve", "extra": "late"}']
    (shop / "landing/logs.jsonl").write_text("\n".join(lines) + "\n")
    add("bronze", "logs", "--template", "json")

    assert polster("run", "--project", "shop").exit_code == 0
    shown = polster(
        "preview", "bronze.logs", "--project", "shop", "--rows", "201", "--format", "json"
    )

    rows = json.loads(shown.stdout)["rows"]
    assert (rows[0]["docks"], rows[0]["extra"]) == ("10", None)
    assert (rows[-1]["docks"], rows[-1]["extra"]) == ("twelve", "late")


def test_landed_data_is_kept_and_said(shop: Path) -> None:
    (shop / "landing").mkdir()
    (shop / "landing/logs.csv").write_text("a\n1\n")

    result = add("bronze", "logs", "--template", "csv")

    assert "landing/logs.csv is there already and is read as it is" in result.stderr
    assert (shop / "landing/logs.csv").read_text() == "a\n1\n"


def test_mistakes_elsewhere_are_mentioned(shop: Path) -> None:
    (shop / "src/core/bronze_other.py").write_text("def broken(")

    result = add("bronze", "logs")

    assert result.exit_code == 0
    assert "other files of the pipeline have 1 mistake: polster validate" in result.stderr


@pytest.mark.parametrize("name", ["Clean-Logs", "class", "print", "../../x", "", "bronze_x"])
def test_an_odd_name_is_refused(shop: Path, name: str) -> None:
    result = add("bronze", name)

    assert result.exit_code == 2
    if name:
        assert "error[POL209]" in result.stderr
    assert not list((shop / "src/core").glob("bronze_*"))


def test_an_unknown_layer_shows_the_known_ones() -> None:
    result = add("platinum", "x")

    assert result.exit_code == 2
    assert "bronze" in result.stderr
