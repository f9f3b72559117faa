from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.conftest import Pipeline

from polster.model.event import nobody
from polster.project.schema_file import SCHEMA_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

TWO_PLACES = """
[tool.polster]
[tool.polster.environments.prod]
lakehouse = "prod"
"""
PAID = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    paid = dy.Float64(nullable=True)


@silver(contract=Orders, expect=polster.Expect(null_share={"paid": 1.0}))
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "paid")
"""
UP_TO_DATE = f"{SCHEMA_FILE} was brought up to date: commit it beside the code"
DEPARTS = f"bronze.orders departs from what {SCHEMA_FILE} said: "


def orders(pipeline: Pipeline, frame: str, options: str = "") -> None:
    """Write the bronze asset so that its source sends ``frame``."""
    text = f"@bronze{options}\ndef orders() -> pl.LazyFrame:\n    return pl.LazyFrame({frame})\n"
    pipeline.asset("bronze.orders", text)


def kept(pipeline: Pipeline) -> Mapping[str, Mapping[str, str]]:
    found: Mapping[str, Mapping[str, str]] = json.loads((pipeline.root / SCHEMA_FILE).read_text())
    return found


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    """Return a project with one bronze asset, run once."""
    pipeline = Pipeline(tmp_path)
    pipeline.write("pyproject.toml", TWO_PLACES)
    orders(pipeline, '{"id": [1], "paid": [1.5]}')
    pipeline.run()
    return pipeline


def test_a_run_keeps_the_columns_of_bronze_and_says_so_once(pipeline: Pipeline) -> None:
    first, second = pipeline.runs[0], pipeline.run()

    assert kept(pipeline) == {"bronze.orders": {"id": "Int64", "paid": "Float64"}}
    assert first.notes == (
        f"the columns of bronze are kept in {SCHEMA_FILE}: commit it beside the code",
    )
    assert second.notes == ()


@pytest.mark.parametrize(
    ("frame", "columns", "said"),
    [
        (
            '{"id": [1], "paid": [2.5], "land": ["x"]}',
            {"id": "Int64", "paid": "Float64", "land": "String"},
            "`land` (String) is new",
        ),
        (
            '{"id": [1.5], "paid": [2.5]}',
            {"id": "Float64", "paid": "Float64"},
            "`id` was Int64 and is Float64",
        ),
    ],
)
def test_what_a_source_sends_otherwise_is_said_by_the_run_that_finds_it(
    frame: str, columns: dict[str, str], said: str, pipeline: Pipeline
) -> None:
    orders(pipeline, frame)

    first, second = pipeline.run(), pipeline.run()

    assert first.notes == (DEPARTS + said, UP_TO_DATE)
    assert second.notes == ()
    assert kept(pipeline) == {"bronze.orders": columns}


@pytest.mark.parametrize("options", ["", '(load="append")'])
def test_a_column_that_the_source_sends_no_more_stays_as_readers_get_it(
    options: str, tmp_path: Path
) -> None:
    pipeline = Pipeline(tmp_path)
    orders(pipeline, '{"id": [1], "paid": [1.5]}', options)
    pipeline.asset("silver.orders", PAID)
    pipeline.run()
    orders(pipeline, '{"id": [2]}', options)

    record = pipeline.run()

    assert [warning.code for warning in record.standing] == ["POL326"]
    assert record.notes == ()
    assert kept(pipeline) == {"bronze.orders": {"id": "Int64", "paid": "Float64"}}
    assert pipeline.cli("validate").exit_code == 0
    assert {asset.status.value for asset in record.assets} == {"published"}


def test_a_file_that_is_not_of_the_tables_time_is_mended_although_nothing_is_new(
    pipeline: Pipeline,
) -> None:
    pipeline.edit(SCHEMA_FILE, '"Float64"', '"String"')

    assert (
        "departs from schemas/bronze.json: `paid` was String and is Float64"
        in (pipeline.reasons()["bronze.orders"][1])
    )
    assert pipeline.run().notes == (DEPARTS + "`paid` was String and is Float64", UP_TO_DATE)
    assert pipeline.reasons()["bronze.orders"] == ("bronze asks its source",)


def test_a_table_that_cannot_be_read_keeps_no_plan_from_being_made(pipeline: Pipeline) -> None:
    for log in (pipeline.data / "bronze/orders/_delta_log").iterdir():
        log.write_text("no log")

    assert pipeline.cli("plan").exit_code == 0


def test_an_asset_that_is_gone_is_forgotten_and_others_stay_as_they_are(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.stores", "@bronze\ndef stores():\n    return pl.LazyFrame({'a': [1]})\n")
    pipeline.run("bronze.stores")
    assert list(kept(pipeline)) == ["bronze.orders", "bronze.stores"]

    (pipeline.root / "src/core/bronze_orders.py").unlink()

    assert pipeline.run().notes == (UP_TO_DATE,)
    assert list(kept(pipeline)) == ["bronze.stores"]


def test_another_environment_says_what_its_run_brought_and_writes_nothing(
    pipeline: Pipeline,
) -> None:
    before = (pipeline.root / SCHEMA_FILE).stat().st_mtime_ns
    orders(pipeline, '{"id": [1]}')

    told = [run_prod(pipeline), run_prod(pipeline)]
    orders(pipeline, '{"id": [2]}')
    told.append(run_prod(pipeline))

    assert told == [(f"bronze.orders departs from {SCHEMA_FILE}: `paid` is gone",), (), ()]
    assert (pipeline.root / SCHEMA_FILE).stat().st_mtime_ns == before
    planned = pipeline.reasons(environment="prod")["bronze.orders"]
    assert planned[1].startswith("its table in prod departs from schemas/bronze.json: ")


def run_prod(pipeline: Pipeline) -> tuple[str, ...]:

    from polster.operations.run import run

    return run(pipeline.open().elsewhere("prod"), listener=nobody).notes


def test_a_checkout_that_cannot_be_written_does_not_fail_the_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read-only")

    monkeypatch.setattr("polster.operations.keep_schemas.update_schema_file", refuse)
    orders(pipeline, '{"id": [1], "paid": [1.5], "land": ["x"]}')

    first, second = pipeline.run(), pipeline.run()

    assert first.status == "succeeded"
    assert first.notes == (f"bronze.orders departs from {SCHEMA_FILE}: `land` (String) is new",)
    assert second.notes == ()


def test_a_damaged_file_is_a_warning_of_the_run_and_its_hint_mends_it(pipeline: Pipeline) -> None:
    (pipeline.root / SCHEMA_FILE).write_text("<<<<<<< HEAD\n")

    record = pipeline.run()
    planned = pipeline.cli("plan")

    assert record.status == "succeeded"
    assert [finding.code for finding in record.warnings] == ["POL107"]
    assert planned.exit_code == 2
    assert f"delete {SCHEMA_FILE}" in planned.stderr
    (pipeline.root / SCHEMA_FILE).unlink()
    assert pipeline.run().warnings == ()
    assert kept(pipeline) == {"bronze.orders": {"id": "Int64", "paid": "Float64"}}
