"""What the benchmarks that no test runs are made of still fits together."""

import re
from pathlib import Path

import pytest
from benchmarks.incremental import AT_THE_END
from benchmarks.rivals import CONTESTANTS, arguments_parser
from benchmarks.rivals_projects import dbt_project, sqlmesh_project


def test_the_rivals_are_measured_with_what_the_command_line_says() -> None:
    arguments = arguments_parser().parse_args(["--copies", "5", "--environments", "tools"])

    assert (arguments.copies, arguments.environments) == (5, Path("tools"))


def test_the_flights_example_still_is_what_the_rivals_benchmark_edits(tmp_path: Path) -> None:
    CONTESTANTS[0].write(tmp_path / "project", AT_THE_END)

    bronze = (tmp_path / "project/src/core/bronze_flights.py").read_text(encoding="utf-8")
    assert 'return files("landing/flights/*/*.csv")' in bronze


@pytest.mark.parametrize(
    "files",
    [
        dbt_project(microbatch=False),
        dbt_project(microbatch=True),
        sqlmesh_project(silver="key"),
        sqlmesh_project(silver="flight_date", lookback=366),
        sqlmesh_project(silver="delivered"),
    ],
)
def test_no_place_is_left_open_in_the_projects_of_rivals(files: dict[str, str]) -> None:
    left = re.findall(r"\[(?:new|only|end|arrived|\w+\.\w+)\]", "".join(files.values()))

    assert left == []
