from __future__ import annotations

import errno
import os
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from polster.errors import ScaffoldError, UsageError
from polster.model.layer import LayerRules
from polster.operations.init import NewProject, init
from polster.project.discovery import discover
from polster.project.locate import find_project
from polster.project.settings import read_settings
from polster.scaffold.project_files import Platform


def make(parent: Path, name: str = "my_project", **options: Any) -> NewProject:
    return init(name, parent=parent, **{"git": False, "sample_assets": True, **options})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files(folder: Path) -> list[str]:
    return sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()
    )


def test_a_new_project_is_one_that_polster_finds(tmp_path: Path) -> None:
    made = make(tmp_path)

    there = files(made.root)
    discovery = discover(made.root, LayerRules())
    assert find_project(made.root / "src/core") == made.root
    assert read_settings(made.root).default_environment == "dev"
    assert [str(asset.key) for asset in discovery.assets] == [
        "bronze.example",
        "gold.example",
        "silver.example",
    ]
    assert discovery.findings == ()
    assert there == sorted(file.path for file in made.changes.create)
    assert names(tmp_path) == ["my_project"]


def test_a_project_without_samples_has_no_assets(tmp_path: Path) -> None:
    made = make(tmp_path, sample_assets=False)

    assert discover(made.root, LayerRules()).assets == ()
    assert (made.root / "src/core/__init__.py").read_bytes() == b""


def test_folders_have_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "ordinary").mkdir()

    made = make(tmp_path)

    assert stat.S_IMODE(made.root.stat().st_mode) == stat.S_IMODE(
        (tmp_path / "ordinary").stat().st_mode
    )


def test_a_dry_run_writes_nothing_and_lists_what_would_be(tmp_path: Path) -> None:
    planned = make(tmp_path, dry_run=True, platform=Platform.GITLAB)

    assert names(tmp_path) == []
    assert planned.changes == make(tmp_path, platform=Platform.GITLAB).changes


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_existing_folder_is_not_touched(tmp_path: Path, dry_run: bool) -> None:
    (tmp_path / "my_project").mkdir()
    (tmp_path / "my_project/notes.txt").write_text("mine")

    with pytest.raises(UsageError) as caught:
        make(tmp_path, dry_run=dry_run)

    assert caught.value.code == "POL502"
    assert caught.value.message.startswith("the folder `my_project` exists already")
    assert files(tmp_path) == ["my_project/notes.txt"]


def test_an_existing_file_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "my_project").write_text("mine")

    with pytest.raises(UsageError, match="the file `my_project` exists already"):
        make(tmp_path)

    assert (tmp_path / "my_project").read_text() == "mine"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    parent = tmp_path / "here"
    elsewhere.mkdir()
    parent.mkdir()
    (parent / "my_project").symlink_to(elsewhere)

    with pytest.raises(UsageError, match="exists already"):
        make(parent)

    assert names(elsewhere) == []


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "my_project").mkdir()

    made = make(tmp_path)

    assert (made.root / "pyproject.toml").is_file()


def test_a_failure_half_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.mkdir

    def refused(self: Path, *args: Any, **kwargs: Any) -> None:
        if self.name == "tests":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", refused)

    with pytest.raises(ScaffoldError) as caught:
        make(tmp_path)

    assert caught.value.code == "POL503"
    assert names(tmp_path) == []


def test_a_parent_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError, match="cannot be made: No such file or directory"):
        make(tmp_path / "gone")


def test_a_folder_that_appears_meanwhile_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.rename

    def late(self: Path, target: Path) -> Path:
        target.mkdir()
        (target / "theirs").write_text("theirs")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", late)

    with pytest.raises(UsageError, match="exists already"):
        make(tmp_path)

    assert files(tmp_path) == ["my_project/theirs"]


def test_git_is_set_up_without_an_identity_and_nothing_is_committed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "of-another-repository"))

    made = make(tmp_path, git=True)

    monkeypatch.delenv("GIT_DIR")
    status = subprocess.run(
        ["git", "status", "--branch", "--porcelain"],
        cwd=made.root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert status.splitlines()[0] == "## No commits yet on main"
    assert names(tmp_path) == ["my_project"]


def test_without_git_an_asked_for_repository_fails_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")

    with pytest.raises(ScaffoldError) as caught:
        make(tmp_path, git=True)

    assert caught.value.code == "POL510"
    assert names(tmp_path) == []


def test_a_failing_git_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin"
    here = tmp_path / "here"
    fake.mkdir()
    here.mkdir()
    (fake / "git").write_text("#!/bin/sh\necho 'fatal: no' >&2\nexit 128\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")

    with pytest.raises(ScaffoldError, match="git init failed: fatal: no"):
        make(here, git=True)

    assert names(here) == []
