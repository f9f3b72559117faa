from __future__ import annotations

from pathlib import Path

import pytest

from polster.errors import ScaffoldError
from polster.model.finding import Edit, Finding
from polster.operations.fix import fix


def offer(line: int, column: int, end_line: int, end_column: int, text: str = "") -> Finding:
    return Finding("POL605", "", fix=Edit("a.py", line, column, end_line, end_column, text))


def test_edits_are_made_from_the_end_so_that_places_stay_true(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes("é = one\r\nb = two\nc = three".encode())
    offered = [offer(1, 5, 1, 8, "1"), offer(3, 4, 3, 9, "3"), offer(2, 4, 2, 7, "2")]

    mended = fix(tmp_path, offered)

    assert (tmp_path / "a.py").read_bytes() == "é = 1\r\nb = 2\nc = 3".encode()
    assert mended == offered


def test_of_two_edits_that_overlap_the_first_is_made(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("abcdef\n")
    first, second = offer(1, 0, 1, 4, "X"), offer(1, 3, 1, 6, "Y")

    mended = fix(tmp_path, [first, second])

    assert (tmp_path / "a.py").read_text() == "Xef\n"
    assert mended == [first]


def test_a_finding_without_an_edit_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("abc\n")

    assert fix(tmp_path, [Finding("POL605", "", file="a.py", line=1)]) == []
    assert (tmp_path / "a.py").read_text() == "abc\n"


def test_permissions_are_kept_and_nothing_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("abc\n")
    (tmp_path / "a.py").chmod(0o640)

    fix(tmp_path, [offer(1, 0, 1, 1)])

    assert (tmp_path / "a.py").stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["a.py"]


def test_a_file_that_went_away_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ScaffoldError) as raised:
        fix(tmp_path, [offer(1, 0, 1, 1)])

    assert raised.value.code == "POL512"
    assert raised.value.place == str(tmp_path / "a.py")
