from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from polster._version import __version__
from polster.cli import console
from polster.cli.app import COMMANDS, app, main

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_help_names_every_command() -> None:
    result = CliRunner().invoke(app, ["--help"])

    assert result.exit_code == 0
    for name, line in COMMANDS.items():
        assert f"{name} " in result.stdout
        assert line in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    result = CliRunner().invoke(app, [command, "--help"])

    assert result.exit_code == 0
    assert f"polster {command}" in result.stdout or f"root {command}" in result.stdout


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"polster {__version__}\n"


@pytest.mark.parametrize("arguments", [["nope"], ["run", "--nope"], ["run", "--format", "xml"]])
def test_what_does_not_exist_is_wrong_usage(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_a_folder_without_a_project_is_wrong_usage(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("nothing"))

    result = CliRunner().invoke(app, ["run"])

    assert result.exit_code == 2
    assert result.stderr.startswith("error[POL101]: ")


def test_a_mistake_of_polster_asks_for_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stumble(_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr(console, "show", stumble)

    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert "RuntimeError: unforeseen" in error
    assert "error[POL900]: Polster stumbled; this is a mistake of Polster, not yours" in error
    assert "hint: please report it, with the lines above" in error


def test_a_command_that_there_is_not_is_told_with_the_nearest() -> None:
    close, far = (CliRunner().invoke(app, [name]) for name in ("runn", "xyz"))

    assert (close.exit_code, far.exit_code) == (2, 2)
    assert close.stderr == (
        "error[POL106]: `runn` is not a command\n\nhint: did you mean `polster run`?\n"
    )
    assert "hint: see the commands with: polster --help" in far.stderr


def test_what_a_command_imported_is_not_searched_for_garbage_to_the_end(shop: Pipeline) -> None:
    script = (
        "import atexit, gc; atexit.register(lambda: print(gc.isenabled(), gc.get_freeze_count()));"
        "from polster.cli.app import main; main()"
    )

    ended = subprocess.run(
        [sys.executable, "-c", script, "plan", "--project", str(shop.root)],
        capture_output=True,
        text=True,
        check=True,
    )

    enabled, frozen = ended.stdout.splitlines()[-1].split()
    assert enabled == "True"
    assert int(frozen) > 10_000
