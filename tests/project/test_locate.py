from __future__ import annotations

from pathlib import Path

import pytest

from polster.errors import SettingsError, UsageError
from polster.project.locate import find_project, is_project, open_project_folder


def project(folder: Path, text: str = "[tool.polster]\n") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(text)
    return folder


@pytest.mark.parametrize("inside", ["", "src/core", "data/bronze/x"])
def test_a_project_is_found_from_any_folder_inside(tmp_path: Path, inside: str) -> None:
    root = project(tmp_path / "shop")
    (root / inside).mkdir(parents=True, exist_ok=True)

    assert find_project(root / inside) == root


def test_the_nearest_project_above_is_meant(tmp_path: Path) -> None:
    project(tmp_path)
    inner = project(tmp_path / "inner")

    assert find_project(inner) == inner
    assert find_project(tmp_path) == tmp_path


def test_another_package_on_the_way_is_passed_by(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    package = project(root / "lib", "[project]\nname = 'lib'\ndependencies = ['polster']\n")

    assert find_project(package) == root


def test_one_project_directly_below_is_found(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    (tmp_path / "other").mkdir()
    (tmp_path / "file").write_text("")

    assert find_project(tmp_path) == root


def test_a_project_further_below_is_not(tmp_path: Path) -> None:
    project(tmp_path / "a/shop")

    with pytest.raises(UsageError) as caught:
        find_project(tmp_path)

    assert caught.value.code == "POL101"


def test_of_several_below_none_is_taken(tmp_path: Path) -> None:
    project(tmp_path / "b")
    project(tmp_path / "a")

    with pytest.raises(UsageError) as caught:
        find_project(tmp_path)

    assert caught.value.code == "POL102"
    assert caught.value.message == "there are 2 projects below this folder: a, b"
    assert caught.value.hint == "choose one: --project a"


def test_below_is_looked_at_only_if_wanted(tmp_path: Path) -> None:
    project(tmp_path / "shop")

    with pytest.raises(UsageError):
        find_project(tmp_path, below=False)


def test_a_link_to_the_current_folder_is_resolved(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")
    (tmp_path / "link").symlink_to(root)

    assert find_project(tmp_path / "link") == root


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.polster]\n", True),
        ("[tool.polster.environments.prod]\nlakehouse = 'x'\n", True),
        ("[project]\nname = 'polster'\n", False),
        ("tool = 'polster'\n", False),
        ("", False),
    ],
)
def test_a_project_is_one_by_its_table(tmp_path: Path, text: str, expected: bool) -> None:
    assert is_project(project(tmp_path, text)) is expected


def test_a_folder_without_settings_is_no_project(tmp_path: Path) -> None:
    assert not is_project(tmp_path)
    (tmp_path / "pyproject.toml").mkdir()
    assert not is_project(tmp_path)


def test_settings_that_are_no_toml_are_said(tmp_path: Path) -> None:
    project(tmp_path, "[tool.polster\n")

    with pytest.raises(SettingsError) as caught:
        find_project(tmp_path)

    assert caught.value.code == "POL103"
    assert caught.value.place == str(tmp_path / "pyproject.toml")


def test_a_folder_given_by_name_must_be_a_project(tmp_path: Path) -> None:
    root = project(tmp_path / "shop")

    assert open_project_folder(root) == root
    for other in (tmp_path, tmp_path / "gone", root / "pyproject.toml"):
        with pytest.raises(UsageError) as caught:
            open_project_folder(other)
        assert caught.value.code == "POL101"
