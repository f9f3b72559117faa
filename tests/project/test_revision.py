from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from polster.errors import PolsterError, UsageError
from polster.project.revision import LARGEST_BYTES, Repository

NAMED = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *NAMED, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path, message: str = "change") -> str:
    git(folder, "add", "-A", ".")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A committed project, alone in its repository."""
    root = tmp_path / "shop"
    (root / "src" / "core").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.polster]\n")
    (root / "src" / "core" / "tax.py").write_text("RATE = 1\n")
    git(root, "init", "-q", "-b", "main")
    commit(root)
    return root


def written(root: Path, folder: Path, name: str = "HEAD") -> dict[str, bytes]:
    repository = Repository(root)
    folder.mkdir()
    repository.write(repository.find(name), folder)
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_revision_is_written_as_it_was_whatever_the_working_tree_holds(
    project: Path, tmp_path: Path
) -> None:
    (project / "src" / "core" / "tax.py").write_text("RATE = 2\n")
    (project / "src" / "core" / "new.py").write_text("")

    files = written(project, tmp_path / "then")

    assert files == {"pyproject.toml": b"[tool.polster]\n", "src/core/tax.py": b"RATE = 1\n"}
    assert (project / "src" / "core" / "tax.py").read_text() == "RATE = 2\n"


def test_branches_tags_and_ancestors_are_understood(project: Path) -> None:
    first = git(project, "rev-parse", "HEAD")
    git(project, "tag", "-m", "first", "v1")
    second = commit(project)

    repository = Repository(project)

    assert repository.find("main").commit == second
    assert repository.find("HEAD~1").commit == first
    assert repository.find("v1").commit == first
    assert repository.find(second[:9]).commit == second


def test_a_project_may_be_a_folder_of_a_larger_repository(tmp_path: Path) -> None:
    root = tmp_path / "all" / "größe x"
    (root / "src").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.polster]\n")
    (root / "src" / "ä b.py").write_text("x = 1\n")
    (tmp_path / "all" / "other.txt").write_text("not the project's")
    git(tmp_path / "all", "init", "-q", "-b", "main")
    commit(tmp_path / "all")

    files = written(root, tmp_path / "then")

    assert sorted(files) == ["pyproject.toml", "src/ä b.py"]


def test_the_commit_where_the_branch_left_another_can_be_meant(project: Path) -> None:
    fork = git(project, "rev-parse", "HEAD")
    git(project, "switch", "-q", "-c", "feature")
    commit(project)
    git(project, "switch", "-q", "main")
    commit(project, "meanwhile")
    git(project, "switch", "-q", "feature")

    assert Repository(project).find("main", at_fork=True).commit == fork


def test_branches_without_a_common_commit_cannot_be_compared_at_their_fork(project: Path) -> None:
    git(project, "switch", "-q", "--orphan", "alone")
    commit(project, "alone")

    with pytest.raises(UsageError, match="no commit in common") as caught:
        Repository(project).find("main", at_fork=True)

    assert caught.value.code == "POL112"


def test_a_revision_that_git_does_not_know_is_offered_the_nearest(project: Path) -> None:
    git(project, "branch", "release")

    with pytest.raises(UsageError, match="`relaese`") as caught:
        Repository(project).find("relaese")

    assert (caught.value.code, caught.value.hint) == ("POL112", "did you mean `release`?")


@pytest.mark.parametrize("name", ["--output=stolen", "-", "", "HEAD:src", "a..b", "HEAD\nx"])
def test_what_is_no_commit_is_refused(project: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        Repository(project).find(name)

    assert caught.value.code == "POL112"
    assert not (project / "stolen").exists()


def test_a_repository_without_a_commit_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")

    with pytest.raises(UsageError) as caught:
        Repository(tmp_path).find("HEAD")

    assert caught.value.hint == "the repository has no commit yet"


def test_a_shallow_clone_is_told_how_to_get_the_rest(project: Path, tmp_path: Path) -> None:
    commit(project)
    git(tmp_path, "clone", "-q", "--depth", "1", f"file://{project}", "clone")

    with pytest.raises(UsageError) as caught:
        Repository(tmp_path / "clone").find("HEAD~1")

    assert caught.value.hint is not None
    assert "git fetch --unshallow" in caught.value.hint


def test_a_folder_without_a_repository_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError) as caught:
        Repository(tmp_path)

    assert caught.value.code == "POL111"


def test_a_machine_without_git_is_told(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(UsageError) as caught:
        Repository(project)

    assert caught.value.code == "POL114"


def test_a_revision_from_before_the_project_is_told(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "readme").write_text("soon")
    commit(tmp_path)
    root = tmp_path / "shop"
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.polster]\n")
    repository = Repository(root)

    with pytest.raises(UsageError) as caught:
        repository.write(repository.find("HEAD"), tmp_path)

    assert caught.value.code == "POL113"


def test_a_damaged_repository_is_told_in_the_words_of_git(project: Path, tmp_path: Path) -> None:
    repository = Repository(project)
    revision = repository.find("HEAD")
    for path in (project / ".git" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o600)
            path.write_bytes(b"")

    with pytest.raises(PolsterError) as caught:
        repository.write(revision, tmp_path)

    assert caught.value.code == "POL114"


def test_large_files_stay_out(project: Path, tmp_path: Path) -> None:
    (project / "orders.csv").write_bytes(b"x" * (LARGEST_BYTES + 1))
    commit(project)

    assert "orders.csv" not in written(project, tmp_path / "then")


def test_links_stay_only_if_they_lead_nowhere_outside(project: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.py").write_text("KEY = 1\n")
    core = project / "src" / "core"
    (core / "link.py").symlink_to("tax.py")
    (core / "up").symlink_to("../..")
    (core / "outside.py").symlink_to("../../../secret.py")
    (core / "absolute.py").symlink_to(tmp_path / "secret.py")
    commit(project)
    folder = tmp_path / "then"
    folder.mkdir()
    repository = Repository(project)

    repository.write(repository.find("HEAD"), folder)

    assert (folder / "src" / "core" / "link.py").read_text() == "RATE = 1\n"
    assert (folder / "src" / "core" / "up").is_symlink()
    assert not (folder / "src" / "core" / "outside.py").is_symlink()
    assert not (folder / "src" / "core" / "absolute.py").is_symlink()


def test_submodules_stay_out(project: Path, tmp_path: Path) -> None:
    digest = git(project, "rev-parse", "HEAD")
    git(project, "update-index", "--add", "--cacheinfo", f"160000,{digest},vendor")
    git(project, "commit", "-q", "-m", "vendor")

    assert "vendor" not in written(project, tmp_path / "then")


def test_no_filter_or_hook_of_the_repository_runs(project: Path, tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    for name in ("filter.trap.smudge", "core.fsmonitor", "core.pager", "diff.external"):
        git(project, "config", name, f"touch {trap}")
    (project / ".gitattributes").write_text("*.py filter=trap export-ignore\n")
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\ntouch {trap}\n")
    hook.chmod(0o755)
    git(project, "-c", "core.fsmonitor=false", "add", "-A", ".")
    git(project, "-c", "core.fsmonitor=false", "commit", "-q", "-m", "trap")
    trap.unlink(missing_ok=True)

    files = written(project, tmp_path / "then")

    assert files["src/core/tax.py"] == b"RATE = 1\n"
    assert not trap.exists()


def test_variables_that_point_at_another_repository_are_not_followed(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))

    assert Repository(project).find("main").name == "main"
    assert os.environ["GIT_DIR"] == str(tmp_path / "nowhere")
