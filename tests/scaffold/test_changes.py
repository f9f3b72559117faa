from __future__ import annotations

import errno
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.errors import ScaffoldError
from polster.scaffold.changes import Changes, NewFile, apply_changes, check_changes


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return every path below ``folder`` with its content; None for folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def test_files_are_written_and_folders_made(tmp_path: Path) -> None:
    changes = Changes(create=(NewFile("a/b/c.py", b"1\r\n"), NewFile("d.txt", b"")))

    apply_changes(tmp_path, changes)

    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/c.py": b"1\r\n", "d.txt": b""}


def test_files_are_removed_and_nothing_is_left_beside(tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)

    apply_changes(tmp_path, Changes(remove=("one", "two")))

    assert tree(tmp_path) == {"three": b"three"}


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("mine")

    with pytest.raises(ScaffoldError) as caught:
        apply_changes(tmp_path, Changes(create=(NewFile("x/a.py", b"a"), NewFile("b.py", b"b"))))

    assert caught.value.code == "POL502"
    assert "`b.py` exists already" in caught.value.message
    assert tree(tmp_path) == {"b.py": b"mine"}


def test_a_broken_link_counts_as_existing(tmp_path: Path) -> None:
    (tmp_path / "a.py").symlink_to(tmp_path / "nowhere")

    with pytest.raises(ScaffoldError, match="exists already"):
        apply_changes(tmp_path, Changes(create=(NewFile("a.py", b""),)))


def test_a_file_that_appears_meanwhile_is_kept_and_the_rest_taken_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = Changes(create=(NewFile("x/a.py", b"a"), NewFile("b.py", b"b")))
    (tmp_path / "b.py").write_text("theirs")
    monkeypatch.setattr("polster.scaffold.changes.check_changes", lambda root, changes: None)

    with pytest.raises(ScaffoldError) as caught:
        apply_changes(tmp_path, changes)

    assert caught.value.code == "POL502"
    assert tree(tmp_path) == {"b.py": b"theirs"}


@contextmanager
def small_files_only() -> Iterator[None]:
    """Let the system refuse files of more than 1,000 bytes, as a full disk would.

    As short as can be: what the tests themselves say may be going to a file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [1001, 1_000_000])
def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, size: int) -> None:
    (tmp_path / "kept").mkdir()
    small = NewFile("kept/deep/small.py", b"1")
    large = NewFile("kept/large.py", b"x" * size)

    with pytest.raises(ScaffoldError) as caught, small_files_only():
        apply_changes(tmp_path, Changes(create=(small, large)))

    assert caught.value.code == "POL503"
    assert "`kept/large.py` cannot be written: File too large" in caught.value.message
    assert tree(tmp_path) == {"kept": None}


def test_an_interrupt_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.mkdir

    def interrupted(self: Path, *args: Any, **kwargs: Any) -> None:
        if self.name == "two":
            raise KeyboardInterrupt
        real(self, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", interrupted)

    with pytest.raises(KeyboardInterrupt):
        apply_changes(
            tmp_path, Changes(create=(NewFile("one/a.py", b"1"), NewFile("two/b.py", b"2")))
        )

    assert tree(tmp_path) == {}


def test_a_failing_removal_brings_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).write_text(name)
    before = tree(tmp_path)
    real = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.name == "three":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", refused)

    with pytest.raises(ScaffoldError) as caught:
        apply_changes(
            tmp_path, Changes(create=(NewFile("new", b""),), remove=("one", "two", "three"))
        )

    assert caught.value.code == "POL503"
    assert "`three` cannot be removed: Permission denied" in caught.value.message
    assert tree(tmp_path) == before


def test_what_cannot_be_undone_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    (tmp_path / "b").write_text("a file where a folder is wanted")
    monkeypatch.setattr(Path, "unlink", refused)

    with pytest.raises(ScaffoldError) as caught:
        apply_changes(tmp_path, Changes(create=(NewFile("a", b""), NewFile("b/c", b""))))

    assert "cannot be undone" in caught.value.message
    assert str(tmp_path / "a") in caught.value.message


def test_a_file_to_remove_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("one")

    with pytest.raises(ScaffoldError, match="no file `two` to remove"):
        apply_changes(tmp_path, Changes(remove=("one", "two")))

    assert tree(tmp_path) == {"one": b"one"}


@pytest.mark.parametrize(
    "path", ["../a", "a/../../b", "/etc/a", "", ".", "..", "a\\..\\b", "a\0b", "a/.."]
)
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    for changes in (Changes(create=(NewFile(path, b""),)), Changes(remove=(path,))):
        with pytest.raises(ScaffoldError) as caught:
            check_changes(tmp_path, changes)

        assert caught.value.code in {"POL501", "POL502"}


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "root"
    outside = tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (root / "src").symlink_to(outside)

    with pytest.raises(ScaffoldError) as caught:
        apply_changes(root, Changes(create=(NewFile("src/deep/a.py", b""),)))

    assert caught.value.code == "POL501"
    assert tree(outside) == {}


def test_a_link_within_the_folder_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "src").symlink_to(tmp_path / "real")

    apply_changes(tmp_path, Changes(create=(NewFile("src/a.py", b"a"),)))

    assert (tmp_path / "real/a.py").read_bytes() == b"a"


def test_removing_a_link_leaves_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "real")

    apply_changes(tmp_path, Changes(remove=("link",)))

    assert tree(tmp_path) == {"real": b"kept"}


PART = st.sampled_from(["a", "b", "c", "ä", "x y"])
PATH = st.lists(PART, min_size=1, max_size=3).map("/".join)


@given(files=st.dictionaries(PATH, st.binary(max_size=5), max_size=6))
def test_changes_happen_all_or_not_at_all(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("root")
    changes = Changes(create=tuple(NewFile(path, content) for path, content in files.items()))

    try:
        apply_changes(root, changes)
    except ScaffoldError:  # one path is a file and also the folder of another
        assert tree(root) == {}
    else:
        assert {path: got for path, got in tree(root).items() if got is not None} == files
