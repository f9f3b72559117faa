from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from polster.scaffold.changes import apply_changes
from polster.scaffold.project_files import PIPELINE_FILES, Platform, project_files

CRON = "17 4 * * *"


def contents(**options: Any) -> dict[str, str]:
    """Return the text of every file of a new project, by path."""
    options = {"sample_assets": True, "platform": None, **options}
    return {
        file.path: file.content.decode() for file in project_files("my_project", **options).create
    }


def pipeline(platform: Platform) -> tuple[dict[Any, Any], str]:
    """Return the CI/CD file of ``platform``, parsed and as it is."""
    text = contents(platform=platform)[PIPELINE_FILES[platform]]
    parsed = yaml.safe_load(text)
    assert isinstance(parsed, dict)
    return parsed, text


def test_a_project_has_these_files() -> None:
    assert list(contents()) == [
        ".env.example",
        ".gitignore",
        "README.md",
        "landing/orders.csv",
        "pyproject.toml",
        "run_polster.py",
        "src/core/__init__.py",
        "src/core/bronze_example.py",
        "src/core/gold_example.py",
        "src/core/silver_example.py",
        "tests/conftest.py",
        "tests/fixtures/bronze_example.csv",
        "tests/test_bronze_example.py",
        "tests/test_gold_example.py",
        "tests/test_pipeline.py",
        "tests/test_silver_example.py",
    ]


def test_without_sample_assets_nothing_speaks_of_them() -> None:
    files = contents(sample_assets=False)

    assert not [path for path in files if "example" in path and path != ".env.example"]
    assert "landing/orders.csv" not in files
    assert "_example.py" not in "".join(files.values())


def test_the_settings_are_those_of_the_design() -> None:
    settings = tomllib.loads(contents()["pyproject.toml"])

    assert settings["project"]["name"] == "my_project"
    assert settings["project"]["dependencies"] == ["polster"]
    assert settings["project"]["optional-dependencies"] == {"dev": ["pytest"]}
    assert settings["tool"]["polster"] == {
        "lakehouse": "data",
        "environments": {"prod": {"lakehouse": "${POLSTER_PROD_LAKEHOUSE}"}},
    }


def test_secrets_and_data_stay_out_of_git() -> None:
    ignored = contents()[".gitignore"].splitlines()

    assert {"data/", ".env", ".venv*/", "__pycache__/"} <= set(ignored)
    assert not {"landing/", "landing"} & set(ignored)


def test_the_sample_has_each_flaw_once() -> None:
    rows = [line.split(",") for line in contents()["landing/orders.csv"].splitlines()[1:]]
    ids = [row[0] for row in rows]

    assert len(rows) == 20
    assert len(ids) - len(set(ids)) == 1
    assert sum(row[1] == "" for row in rows) == 1
    assert sum(float(row[3]) < 0 for row in rows) == 1
    assert {row[2] for row in rows} - {"new", "paid", "shipped", "returned"} == {"shiped"}


@pytest.mark.parametrize("platform", list(Platform))
def test_a_pipeline_checks_tests_and_runs(platform: Platform) -> None:
    _, text = pipeline(platform)
    commands = [
        'python -m pip install -e ".[dev]"',
        "polster validate",
        "python -m pytest",
        "polster run --env prod",
    ]

    places = [text.index(command) for command in commands]

    assert places == sorted(places)
    assert CRON in text
    assert "POLSTER_PROD_LAKEHOUSE" in text
    assert "AWS_ACCESS_KEY_ID" in text
    assert "AZURE_STORAGE_ACCOUNT_KEY" in text


@pytest.mark.parametrize("platform", list(Platform))
def test_a_pipeline_never_writes_to_the_repository(platform: Platform) -> None:
    _, text = pipeline(platform)

    assert "git " not in text
    assert "push --force" not in text
    assert "contents: write" not in text


def test_github_runs_daily_with_secrets_and_only_reads_the_code() -> None:
    parsed, _ = pipeline(Platform.GITHUB)
    jobs = parsed["jobs"]

    assert parsed[True]["schedule"] == [{"cron": CRON}]  # YAML reads the key `on` as true
    assert parsed["permissions"] == {"contents": "read"}
    assert jobs["run"]["needs"] == "check"
    assert "schedule" in jobs["run"]["if"]
    assert jobs["run"]["concurrency"]["cancel-in-progress"] is False
    assert all(value == f"${{{{ secrets.{name} }}}}" for name, value in jobs["run"]["env"].items())
    assert "env" not in jobs["check"]


def test_gitlab_runs_on_a_schedule() -> None:
    parsed, _ = pipeline(Platform.GITLAB)

    assert parsed["run"]["rules"] == [{"if": '$CI_PIPELINE_SOURCE == "schedule"'}]
    assert parsed["run"]["script"][-1] == "polster run --env prod"
    assert parsed["run"]["resource_group"] == "polster-prod"
    assert "polster validate" in parsed["check"]["script"]


def test_azure_runs_daily_with_secrets_of_a_group() -> None:
    parsed, _ = pipeline(Platform.AZURE)
    check, run = parsed["stages"]

    assert parsed["schedules"][0]["cron"] == CRON
    assert parsed["schedules"][0]["always"] is True
    assert run["dependsOn"] == "check"
    assert run["variables"] == [{"group": "polster-prod"}]
    last = run["jobs"][0]["steps"][-1]
    assert last["script"] == "polster run --env prod"
    assert last["env"] == {"POLSTER_PROD_LAKEHOUSE": "$(POLSTER_PROD_LAKEHOUSE)"}
    assert check["jobs"][0]["steps"][-1]["script"] == "python -m pytest"


def test_the_files_can_be_written(tmp_path: Path) -> None:
    changes = project_files("x", sample_assets=True, platform=Platform.GITHUB)

    apply_changes(tmp_path, changes)

    assert (tmp_path / ".github/workflows/polster.yml").is_file()
