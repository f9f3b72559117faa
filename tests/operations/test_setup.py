from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from polster.errors import ScaffoldError
from polster.operations.init import init
from polster.operations.setup import ensure_uv, setup
from polster.scaffold import environment
from polster.scaffold.environment import own_requirement

Recorder = Callable[..., None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty project."""
    return init("shop", parent=tmp_path, git=False, sample_assets=False).root


@pytest.fixture
def without_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "find_uv", lambda: None)
    monkeypatch.setattr("polster.operations.setup.find_uv", lambda: None)


def tool(folder: Path, name: str, script: str) -> Path:
    """Write a program that stands for ``name``; it notes its arguments in ``name``.log."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "$@" >> "{folder}/{name}.log"\n{script}\n')
    path.chmod(0o755)
    return path


def calls(path: Path) -> list[str]:
    return path.with_name(f"{path.name}.log").read_text().splitlines()


MAKES_A_FOLDER = 'if [ "$1" = venv ]; then for last; do :; done; mkdir -p "$last/bin"; fi'


def test_uv_makes_the_environment_where_it_is_there(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uv = tool(tmp_path / "bin", "uv", MAKES_A_FOLDER)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")

    made = setup(root)

    assert (made.made, made.tool) == (True, "uv")
    venv, install = calls(uv)
    assert venv.startswith("venv --quiet --python ")
    assert venv.endswith(str(root / ".venv"))
    assert install == " ".join(
        [
            f"pip install --quiet --python {root}/.venv/bin/python",
            *own_requirement(),
            "-e .[dev]",
        ]
    )


def test_an_environment_is_left_alone(root: Path) -> None:
    (root / ".venv").mkdir()
    (root / ".venv/mine").write_text("mine")

    made = setup(root)

    assert not made.made
    assert (root / ".venv/mine").read_text() == "mine"


def test_force_makes_it_anew(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    uv = tool(tmp_path / "bin", "uv", MAKES_A_FOLDER)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    (root / ".venv").mkdir()
    (root / ".venv/old").write_text("old")

    made = setup(root, force=True)

    assert made.made
    assert [path.name for path in (root / ".venv").iterdir()] == ["bin"]
    assert not list(root.glob(".venv-old-*"))


def test_uv_may_lie_in_the_environment_that_is_replaced(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".venv").mkdir()
    uv = tool(root / ".venv/bin", "uv", MAKES_A_FOLDER)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")

    made = setup(root, force=True)

    assert (made.made, made.tool) == (True, "uv")
    assert not list(root.glob(".venv-old-*"))


@pytest.mark.parametrize("existed", [True, False])
def test_a_failing_installer_brings_the_old_environment_back(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, existed: bool
) -> None:
    script = f'{MAKES_A_FOLDER}\nif [ "$1" = pip ]; then seq 1 40 >&2; echo no >&2; exit 3; fi'
    uv = tool(tmp_path / "bin", "uv", script)
    monkeypatch.setenv("PATH", f"{uv.parent}:{os.environ['PATH']}")
    if existed:
        (root / ".venv").mkdir()
        (root / ".venv/old").write_text("old")

    with pytest.raises(ScaffoldError) as caught:
        setup(root, force=True)

    assert caught.value.code == "POL509"
    first, *said = caught.value.message.splitlines()
    assert first == "the project cannot be installed: uv ended with 3"
    assert said[-1] == "  no"
    assert len(said) == 15
    assert (root / ".venv/old").exists() == existed
    assert (root / ".venv").exists() == existed
    assert not list(root.glob(".venv-old-*"))


@pytest.mark.usefixtures("without_uv")
def test_without_uv_venv_makes_it_and_a_failing_pip_is_quoted(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = "import sys; sys.exit('no network here')"
    monkeypatch.setattr(sys, "_base_executable", sys.executable, raising=False)
    real = environment.python_of

    def python_of(folder: Path) -> Path:
        path = real(folder)
        path.unlink()  # the environment's interpreter is replaced by one that refuses
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{fake}"\n')
        path.chmod(0o755)
        return path

    monkeypatch.setattr(environment, "python_of", python_of)

    with pytest.raises(ScaffoldError) as caught:
        setup(root)

    assert caught.value.message.splitlines() == [
        "the project cannot be installed: python -m pip ended with 1",
        "  no network here",
    ]
    assert not (root / ".venv").exists()


def test_an_environment_that_cannot_be_moved_stays(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".venv").mkdir()

    def refused(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "rename", refused)

    with pytest.raises(ScaffoldError, match=r"`\.venv` cannot be replaced: Permission denied"):
        setup(root, force=True)

    assert (root / ".venv").is_dir()


class FakeDistribution:
    def __init__(self, origin: object) -> None:
        self.origin = origin

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, ("polster==0.1.0",)),
        (
            {"url": "file:///a%20b/polster", "dir_info": {"editable": True}},
            ("-e", "/a b/polster"),
        ),
        ({"url": "file:///a/polster", "dir_info": {}}, ("/a/polster",)),
        (
            {"url": "https://x/p.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            ("polster @ git+https://x/p.git@abc",),
        ),
        (
            {"url": "https://x/p-1-py3-none-any.whl", "archive_info": {}},
            ("polster @ https://x/p-1-py3-none-any.whl",),
        ),
    ],
)
def test_polster_is_installed_as_it_runs_here(
    monkeypatch: pytest.MonkeyPatch, origin: object, expected: tuple[str, ...]
) -> None:
    monkeypatch.setattr(environment, "distribution", lambda name: FakeDistribution(origin))
    monkeypatch.setattr(environment, "__version__", "0.1.0")

    assert own_requirement() == expected


@pytest.mark.usefixtures("without_uv")
def test_uv_is_installed_only_where_it_is_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[list[str]] = []
    monkeypatch.setattr(environment, "_call", lambda command, *rest: called.append(command))

    assert ensure_uv()

    assert called == [[sys.executable, "-m", "pip", "install", "--quiet", "uv"]]
    monkeypatch.setattr("polster.operations.setup.find_uv", lambda: "/usr/bin/uv")
    assert not ensure_uv()
