"""What Polster writes passes the checks that its users run, and runs as it is."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from polster.model.layer import Layer
from polster.operations.add_asset import add_asset
from polster.operations.init import init
from polster.operations.open_project import open_project
from polster.scaffold.assets import OF_SILVER, Template


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with the sample assets and one asset of every kind."""
    made = init("shop", parent=tmp_path_factory.mktemp("made"), git=False, sample_assets=True).root

    def add(layer: Layer, name: str, *dependencies: str, template: Template | None = None) -> None:
        add_asset(open_project(made), layer, name, dependencies=dependencies, template=template)

    of_bronze = [template for template in Template if template not in OF_SILVER]
    for template in of_bronze:
        add(Layer.BRONZE, f"from_{template}", template=template)
    for template in OF_SILVER:
        add(Layer.SILVER, template, "from_empty", template=template)
    add(Layer.BRONZE, "test_results")
    add(Layer.BRONZE, "returned")
    add(Layer.SILVER, "from_csv", "from_csv")
    add(Layer.SILVER, "test_results", "test_results")
    add(Layer.SILVER, "returned", "returned", "from_empty")
    long = [f"from_{template}" for template in of_bronze]
    add(Layer.SILVER, "everything_that_arrived", *long, "example")
    add(Layer.GOLD, "none", "from_csv")
    add(Layer.GOLD, "report", "from_csv", "example", "returned")
    return made


def check(root: Path, *command: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_generated_code_is_clean_and_formatted(root: Path) -> None:
    check(root, "ruff", "check", "--isolated", "--select", "B,E,F,I,PIE,PTH,SIM,UP,W", ".")
    check(root, "ruff", "format", "--isolated", "--check", ".")


def test_the_generated_code_is_typed(root: Path) -> None:
    check(root, "mypy", "--strict", "src", "tests", "run_polster.py")


def test_the_generated_tests_pass(root: Path) -> None:
    assert "22 passed" in check(root, "pytest", "-q")


def test_the_generated_assets_run(root: Path) -> None:
    check(root, "polster", "run")

    listed = check(root, "polster", "status")
    assert "gold.none" in listed
    assert "never" not in listed
