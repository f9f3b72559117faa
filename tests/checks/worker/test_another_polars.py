"""With a version of Polars whose plans nobody has read, the check says that it could not look."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from polster.checks.registry import RULES
from polster.cli.rule_text import example_files

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline

OTHER = "from polster.plans import visit\nvisit.VISITOR += 1\n"
BY_PLAN = ("POL703", "POL711", "POL712", "POL713", "POL714", "POL722", "POL731")


@pytest.fixture
def another_polars(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have every process that is started know plans of another version only."""
    folder = tmp_path / "startup"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(OTHER)
    monkeypatch.setenv("PYTHONPATH", str(folder))


def write(pipeline: Pipeline, code: str) -> None:
    for path, text in example_files(RULES[code].bad).items():
        pipeline.write(path, text)


@pytest.mark.usefixtures("another_polars")
@pytest.mark.parametrize("code", BY_PLAN)
def test_what_was_not_read_is_named_and_no_mistake_is_denied(pipeline: Pipeline, code: str) -> None:
    write(pipeline, code)

    result = pipeline.cli("validate", "--no-cache")

    assert "no mistakes found" not in result.stdout
    assert "its plan cannot be read: Polars" in result.stdout
    assert pipeline.cli("validate", "--no-cache", "--strict").exit_code == 1


@pytest.mark.usefixtures("another_polars")
def test_every_format_names_what_was_not_read(pipeline: Pipeline) -> None:
    write(pipeline, "POL711")

    annotations = pipeline.cli("validate", "--no-cache", "--format", "github").stdout
    strict = pipeline.cli("validate", "--no-cache", "--format", "github", "--strict").stdout
    sarif = json.loads(pipeline.cli("validate", "--no-cache", "--format", "sarif").stdout)
    unchecked = json.loads(pipeline.cli("validate", "--no-cache", "--format", "json").stdout)

    gold = [line for line in annotations.splitlines() if "`gold.order_regions` were not" in line]
    assert len(gold) == 1
    assert gold[0].startswith("::warning file=src/core/gold_order_regions.py,line=")
    assert "::error file=src/core/gold_order_regions.py" in strict
    notes = sarif["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    places = [n["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for n in notes]
    assert places.count("src/core/gold_order_regions.py") == 1
    assert {note["level"] for note in notes} == {"warning"}
    assert set(unchecked["unchecked"]) == {
        "silver.orders",
        "silver.customers",
        "gold.order_regions",
    }


@pytest.mark.usefixtures("another_polars")
def test_personal_data_that_nobody_could_follow_is_an_error(pipeline: Pipeline) -> None:
    write(pipeline, "POL731")

    found = json.loads(pipeline.cli("validate", "--no-cache", "--format", "json").stdout)

    assert [(f["code"], f["severity"], f["asset"]) for f in found["findings"]] == [
        ("POL731", "error", "gold.audience")
    ]


@pytest.mark.usefixtures("another_polars")
def test_a_source_that_no_plan_tells_of_is_not_opened(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    pipeline.asset(
        "bronze.t",
        """
        class T(dy.Schema):
            id = dy.Int64()

        @bronze(contract=T)
        def t():
            raise AssertionError
        """,
    )
    pipeline.asset(
        "silver.t",
        """
        from polars.io.plugins import register_io_source

        class S(dy.Schema):
            id = dy.Int64(primary_key=True)

        def source(*_):
            print("it was opened")
            yield pl.DataFrame({"id": [1]})

        @silver(contract=S)
        def t(bronze_t):
            return register_io_source(source, schema=pl.Schema({"id": pl.Int64}))
        """,
    )

    result = pipeline.cli("validate", "--no-cache")

    assert "not checked: the columns of silver.t: its plan cannot be read" in result.stdout
    assert "it was opened" not in capfd.readouterr().err
