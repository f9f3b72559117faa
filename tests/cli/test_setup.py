from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polster.cli.app import app
from polster.errors import ScaffoldError
from polster.operations.init import init
from polster.scaffold.environment import MadeEnvironment


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty project, which is the current folder."""
    root = init("shop", parent=tmp_path, git=False, sample_assets=False).root
    monkeypatch.chdir(root)
    return root


def polster(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_what_was_made_is_said(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeEnvironment(shop / ".venv", True, "uv", ("polster==1",))
    monkeypatch.setattr("polster.cli.setup.setup", lambda root, *, force: made)

    result = polster("setup")

    assert result.exit_code == 0
    assert result.stdout == (
        "created .venv with uv\ninstalled polster==1 and this project with its extra dev\n"
    )


def test_an_environment_that_is_there_is_left_alone_and_said(shop: Path) -> None:
    (shop / ".venv").mkdir()

    result = polster("setup")

    assert result.exit_code == 0
    assert result.stdout == ".venv is there already and stays as it is\n"
    assert result.stderr == "make it anew with: polster setup --force\n"
    assert list((shop / ".venv").iterdir()) == []


def test_a_failure_is_told_with_what_the_installer_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(root: Path, *, force: bool) -> MadeEnvironment:
        raise ScaffoldError("the project cannot be installed: uv ended with 1\n  no", code="POL509")

    monkeypatch.setattr("polster.cli.setup.setup", refuse)

    result = polster("setup")

    assert result.exit_code == 1
    assert result.stderr.endswith(
        "error[POL509]: the project cannot be installed: uv ended with 1\n  no\n"
    )


def test_outside_of_a_project_there_is_nothing_to_set_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")

    result = polster("setup")

    assert result.exit_code == 2
    assert "error[POL101]" in result.stderr
