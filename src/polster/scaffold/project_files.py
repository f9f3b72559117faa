"""The files of a new project."""

from __future__ import annotations

from enum import StrEnum

from polster.scaffold.changes import Changes, NewFile
from polster.scaffold.render import TEMPLATES, render


class Platform(StrEnum):
    """Where a generated pipeline of checks and daily runs lives."""

    GITHUB = "github-actions"
    GITLAB = "gitlab-ci"
    AZURE = "azure-devops"


class Storage(StrEnum):
    """Where the lakehouse of production lies."""

    LOCAL = "local"  # a folder, or whatever its URL says
    S3 = "s3"
    ADLS = "adls"
    GCS = "gcs"


PIPELINE_FILES = {
    Platform.GITHUB: ".github/workflows/polster.yml",
    Platform.GITLAB: ".gitlab-ci.yml",
    Platform.AZURE: "azure-pipelines.yml",
}

PROJECT_FILES = {
    "pyproject.toml": "pyproject.toml.jinja",
    "run_polster.py": "run_polster.py.jinja",
    "README.md": "README.md.jinja",
    ".env.example": "env.example.jinja",
    ".gitignore": "gitignore.jinja",
    "src/core/__init__.py": "empty.jinja",
    "tests/conftest.py": "conftest.py.jinja",
    "tests/test_pipeline.py": "test_pipeline.py.jinja",
}

SAMPLE_FILES = (
    "landing/orders.csv",
    "src/core/bronze_example.py",
    "src/core/silver_example.py",
    "src/core/gold_example.py",
    "tests/fixtures/bronze_example.csv",
    "tests/test_bronze_example.py",
    "tests/test_silver_example.py",
    "tests/test_gold_example.py",
)
"""They lie in the same folders below ``sample`` among the templates."""


def project_files(
    name: str,
    *,
    sample_assets: bool,
    platform: Platform | None,
    storage: Storage = Storage.LOCAL,
) -> Changes:
    """Render every file of a new project, paths relative to its folder.

    Args:
        name: The project's name, fit for a folder and a package.
        sample_assets: Whether the three sample assets and their tests come along.
        platform: Whose CI/CD file comes along, if one does.
        storage: Which variables of object stores ``.env.example`` shows.
    """
    values = {
        "name": name,
        "sample_assets": sample_assets,
        "platform": platform,
        "storage": storage,
    }
    files = [
        NewFile(path, render(f"project/{template}", **values))
        for path, template in PROJECT_FILES.items()
    ]
    if sample_assets:
        files += [NewFile(path, render(f"sample/{path}.jinja")) for path in SAMPLE_FILES]
    if platform is not None:
        content = (TEMPLATES / "cicd" / f"{platform}.yml").read_bytes()
        files.append(NewFile(PIPELINE_FILES[platform], content))
    return Changes(create=tuple(sorted(files, key=lambda file: file.path)))
