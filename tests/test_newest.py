"""What CI says of the newest releases of the libraries that Polster stands on."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
ALLOWED = [Requirement("polars>=2.1,<2.2"), Requirement("deltalake>=1.6"), Requirement("rich>=15")]
VERSIONS = {"polars": "2.2.0", "deltalake": "1.6.6", "rich": "16.0"}


def newest() -> Any:
    spec = spec_from_file_location("newest", ROOT / ".ci" / "newest.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def lines(*broken: tuple[str, str], is_told: bool = True) -> list[str]:
    by_library: dict[str, list[str]] = {}
    for library, sentence in broken:
        by_library.setdefault(library, []).append(sentence)
    tested = {"polars", "deltalake"}
    said = newest().report(ALLOWED, VERSIONS, tested, by_library, is_told=is_told)
    return [" ".join(line.split()) for line in said]


def test_a_version_that_passes_and_is_not_allowed_yet_is_what_a_bound_may_be_raised_to() -> None:
    said = lines()

    assert said == [
        "polars <2.2,>=2.1 newest 2.2.0 passed",
        "deltalake >=1.6 newest 1.6.6 passed",
        "rich >=15 newest 16.0 nothing private of it is used",
        "raise the bound in pyproject.toml, and run everything: polars 2.2.0",
    ]


def test_what_a_version_breaks_is_said_below_it() -> None:
    said = lines(
        ("polars", "a series is shown"),
        ("polars", "a null is told[a]"),
        ("polars", "a null is told[b]"),
    )

    assert said[:3] == [
        "polars <2.2,>=2.1 newest 2.2.0 FAILED",
        "polars 2.2.0 breaks: a series is shown",
        "polars 2.2.0 breaks: a null is told (2 cases)",
    ]
    assert not any(line.startswith("raise") for line in said)


def test_tests_that_did_not_run_let_nothing_pass() -> None:
    said = lines(is_told=False)

    assert said[0] == "polars <2.2,>=2.1 newest 2.2.0 not tried"
    assert not any(line.startswith("raise") for line in said)


def test_what_pytest_writes_of_a_failure_is_read() -> None:
    file = ROOT / "tests" / "plans" / "test_visit.py"
    output = (
        "x\npolars 2.2.0 breaks: a plan is read [one]\nERROR tests/plans/test_visit.py - Boom\n"
    )

    broken = newest().broken_by(output, {file: ["polars"]})

    assert broken == {
        "polars": ["a plan is read [one]", "tests/plans/test_visit.py cannot be imported"]
    }


def test_upper_bounds_are_left_out_and_the_rest_is_kept() -> None:
    assert newest().without_cap(ALLOWED[0]) == "polars>=2.1"
    assert newest().without_cap(Requirement("x!=2.0,>=1,<3")) == "x!=2.0,>=1"
