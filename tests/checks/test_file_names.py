from __future__ import annotations

from pathlib import Path

import pytest

from _polster_start import LIBRARIES as KEPT
from polster.checks.file_names import LIBRARIES, check_file_names


def test_what_is_warned_of_is_found_all_the_same_by_a_file_that_is_run_by_itself() -> None:
    assert LIBRARIES == KEPT


@pytest.mark.parametrize(
    ("file", "is_found"),
    [
        ("src/core/types.py", True),
        ("src/core/calendar/__init__.py", True),
        ("src/json.py", True),
        ("src/polars.py", True),
        ("src/core/tax.py", False),
        ("src/core/money/types.py", False),
        ("src/core/types.sql", False),
        ("src/core/calendar/holidays.csv", False),
        ("tests/types.py", False),
    ],
)
def test_a_module_that_stands_in_for_a_library_is_found(
    tmp_path: Path, file: str, is_found: bool
) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).touch()

    found = check_file_names(tmp_path)

    named = file.removesuffix("/__init__.py")
    assert [(each.code, each.file) for each in found] == ([("POL227", named)] if is_found else [])
