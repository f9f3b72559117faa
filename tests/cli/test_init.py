from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polster.cli.app import app
from polster.errors import ScaffoldError
from polster.scaffold.environment import MadeEnvironment


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def polster(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_project_is_made_and_the_next_step_said(tmp_path: Path) -> None:
    result = polster("init", "my_project", "--no-git")

    assert result.exit_code == 0
    assert "created my_project/src/core/bronze_example.py" in result.stdout.splitlines()
    assert result.stdout.endswith(
        "next:\n  cd my_project\n  polster run\n  polster quarantine silver.example\n"
    )
    assert result.stderr == ""
    assert names(tmp_path) == ["my_project"]


def test_without_a_terminal_the_defaults_are_taken(tmp_path: Path) -> None:
    result = polster("init", "my_project")

    assert result.exit_code == 0
    project = tmp_path / "my_project"
    assert (project / ".git").is_dir()
    assert (project / "src/core/bronze_example.py").is_file()
    assert not (project / ".venv").exists()
    assert not (project / ".github").exists()
    assert result.stderr == "my_project is a git repository; nothing is committed yet\n"


def test_a_repository_gets_no_second_one_inside(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()

    result = polster("init", "my_project")

    assert not (tmp_path / "my_project/.git").exists()
    assert "in a git repository already" in result.stderr


@pytest.mark.parametrize(
    ("platform", "file"),
    [
        ("github-actions", ".github/workflows/polster.yml"),
        ("gitlab-ci", ".gitlab-ci.yml"),
        ("azure-devops", "azure-pipelines.yml"),
    ],
)
def test_a_pipeline_comes_along_if_asked_for(tmp_path: Path, platform: str, file: str) -> None:
    result = polster("init", "my_project", "--no-git", "--cicd", platform)

    assert f"created my_project/{file}" in result.stdout.splitlines()
    assert (tmp_path / "my_project" / file).is_file()
    assert file in (tmp_path / "my_project/README.md").read_text()


@pytest.mark.parametrize(
    ("storage", "begins", "names"),
    [
        ("s3", "s3://BUCKET/my_project", "AWS_"),
        ("adls", "az://CONTAINER/my_project", "AZURE_"),
        ("gcs", "gs://BUCKET/my_project", "GOOGLE_"),
    ],
)
def test_the_storage_of_production_decides_which_variables_are_shown(
    tmp_path: Path, storage: str, begins: str, names: str
) -> None:
    polster("init", "my_project", "--no-git", "--storage", storage)

    shown = (tmp_path / "my_project/.env.example").read_text().splitlines()
    assert f"POLSTER_PROD_LAKEHOUSE={begins}" in shown
    variables = [line.removeprefix("# ") for line in shown if line.endswith("=")]
    assert variables
    assert {each.partition("_")[0] + "_" for each in variables if "POLSTER" not in each} == {names}


def test_without_a_word_on_storage_all_variables_are_shown(tmp_path: Path) -> None:
    polster("init", "my_project", "--no-git")

    text = (tmp_path / "my_project/.env.example").read_text()
    assert all(f"# {name}" in text for name in ("AWS_REGION=", "AZURE_STORAGE", "GOOGLE_"))
    assert "\n\n\n" not in text
    assert "\nPOLSTER_PROD_LAKEHOUSE=\n" in text


def test_an_unknown_platform_shows_the_known_ones(tmp_path: Path) -> None:
    result = polster("init", "my_project", "--cicd", "jenkins")

    assert result.exit_code == 2
    assert "github-actions" in result.stderr
    assert names(tmp_path) == []


def test_a_dry_run_lists_exactly_what_would_be_made(tmp_path: Path) -> None:
    arguments = ("init", "my_project", "--git", "--cicd", "gitlab-ci")

    planned = polster(*arguments, "--dry-run", "--setup").stdout.splitlines()

    assert names(tmp_path) == []
    made = polster(*arguments).stdout.splitlines()
    assert [line.removeprefix("would create ") for line in planned if "would create" in line] == [
        line.removeprefix("created ") for line in made if line.startswith("created ")
    ]
    assert planned[-2:] == [
        "would make it a git repository",
        "would make its virtual environment, .venv",
    ]


def test_an_existing_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()
    (tmp_path / "my_project/mine").write_text("mine")

    result = polster("init", "my_project")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "error[POL502]: the folder `my_project` exists already, and Polster overwrites nothing\n"
        f"  --> {tmp_path / 'my_project'}\n"
        "\n"
        "hint: choose another name, or move it away\n"
    )
    assert names(tmp_path / "my_project") == ["mine"]


@pytest.mark.parametrize("name", ["a b", "../x", "/tmp/x", "polster", ".", "é"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    result = polster("init", name)

    assert result.exit_code == 2
    assert "error[POL504]" in result.stderr
    assert names(tmp_path) == []


def test_without_a_terminal_the_name_must_be_given() -> None:
    result = polster("init")

    assert result.exit_code == 2
    assert result.stderr == (
        "error[POL505]: NAME is missing: how is the project called?\n"
        "\n"
        "hint: polster init my_project\n"
    )


def test_dagster_is_not_started_and_nothing_is_made(tmp_path: Path) -> None:
    result = polster("init", "my_project", "--start-dagster")

    assert result.exit_code == 2
    assert "Polster runs without Dagster" in result.stderr
    assert "polster status" in result.stderr
    assert names(tmp_path) == []


def test_without_git_none_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("polster.cli.init.has_git", lambda: False)

    result = polster("init", "my_project")

    assert result.exit_code == 0
    assert not (tmp_path / "my_project/.git").exists()


def test_setup_follows_if_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = MadeEnvironment(tmp_path / ".venv", True, "uv", ("polster==1",))
    monkeypatch.setattr("polster.cli.init.setup", lambda root: made)

    result = polster("init", "my_project", "--no-git", "--setup")

    assert result.exit_code == 0
    assert "created .venv with uv\n" in result.stdout
    assert "  source .venv/bin/activate\n" in result.stdout


def test_a_failing_setup_leaves_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: Path) -> MadeEnvironment:
        raise ScaffoldError("pip says no", code="POL509")

    monkeypatch.setattr("polster.cli.init.setup", refuse)

    result = polster("init", "my_project", "--no-git", "--setup")

    assert result.exit_code == 1
    assert "pip says no" in result.stderr
    assert (tmp_path / "my_project/pyproject.toml").is_file()


def test_a_failing_installation_of_uv_is_told_and_not_fatal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> bool:
        raise ScaffoldError("uv cannot be installed", code="POL509")

    monkeypatch.setattr("polster.cli.init.find_uv", lambda: None)
    monkeypatch.setattr("polster.cli.init.ensure_uv", refuse)

    result = polster("init", "my_project", "--no-git", "--install-uv")

    assert result.exit_code == 0
    assert "uv cannot be installed" in result.stderr
    assert "going on without uv" in result.stderr


def test_the_commands_of_the_readme_work_in_their_order(tmp_path: Path) -> None:
    """The whole way once, in processes of their own, as a newcomer types it."""
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}

    def run(*command: str, folder: Path = tmp_path) -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    project = tmp_path / "my_project"
    command = (sys.executable, "-m", "polster")
    run(*command, "init", "my_project")
    run(*command, "add-asset", "--layer", "bronze", "--name", "ingest_logs")
    add = (*command, "add-asset", "--layer")
    run(*add, "silver", "--name", "clean_logs", "--dependencies", "ingest_logs")
    run(*add, "gold", "--name", "reports", "--dependencies", "clean_logs")
    for layer in ("bronze", "silver", "gold"):
        run(sys.executable, f"src/core/{layer}_example.py", folder=project)
    run(*command, "run", folder=project)

    quarantined = run(*command, "quarantine", "silver.example", folder=project)
    tested = run(sys.executable, "-m", "pytest", "-q", folder=project)

    for rule in ("primary_key", "customer|nullability", "amount|min", "known_status"):
        assert rule in quarantined
    assert "10 passed" in tested
