"""A source that has nothing new answers with nothing: no rows, and no columns either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EVENTS = """
import json
from pathlib import Path


{contract}
@bronze({options})
def events() -> pl.DataFrame:
    return {frame}
"""
ANSWER = 'pl.DataFrame(json.loads(Path("landing/e.json").read_bytes()))'
READER = """
class Rows(dy.Schema):
    id = dy.Int64()


@{layer}(contract=Rows)
def {name}({reads}_events: pl.LazyFrame) -> pl.LazyFrame:
    return {reads}_events.select("id")
"""
CONTRACT = """
class Events(dy.Schema):
    id = dy.Int64()
    amount = dy.Decimal(10, 2, nullable=True)


"""


def _events(
    pipeline: Pipeline, *, frame: str = ANSWER, options: str = 'load="append"', contract: str = ""
) -> None:
    pipeline.asset("bronze.events", EVENTS.format(frame=frame, options=options, contract=contract))


@pytest.mark.parametrize("frame", ["pl.DataFrame([])", "pl.DataFrame()", "pl.LazyFrame()"])
@pytest.mark.parametrize("contract", ["", CONTRACT])
def test_an_empty_answer_lands_nothing(pipeline: Pipeline, frame: str, contract: str) -> None:
    options = 'load="append"' + (", contract=Events" if contract else "")
    _events(
        pipeline,
        frame='pl.DataFrame({"id": [1]}).with_columns(amount=None)',
        options=options,
        contract=contract,
    )
    pipeline.run()
    _events(pipeline, frame=frame, options=options, contract=contract)

    (record,) = pipeline.run().assets

    assert (record.status, record.error, record.notes) == ("unchanged", None, ())
    assert pipeline.table("bronze.events")["id"].to_list() == [1]


def test_rows_after_an_empty_answer_land(pipeline: Pipeline) -> None:
    _events(pipeline)
    for answer in ('[{"id": 1}]', "[]", '[{"id": 2}]'):
        pipeline.write("landing/e.json", answer)
        pipeline.run()

    assert sorted(pipeline.table("bronze.events")["id"]) == [1, 2]


def test_a_first_empty_answer_has_the_columns_of_the_contract(pipeline: Pipeline) -> None:
    pipeline.write("landing/e.json", "[]")
    _events(pipeline, options='load="append", contract=Events', contract=CONTRACT)

    pipeline.run()

    assert pipeline.table("bronze.events").columns == ["id", "amount"]


def test_a_first_empty_answer_without_a_contract_is_no_failure(
    pipeline: Pipeline, masked: Any
) -> None:
    pipeline.write("landing/e.json", "[]")
    _events(pipeline)
    pipeline.asset("silver.events", READER.format(layer="silver", name="events", reads="bronze"))
    pipeline.asset("gold.totals", READER.format(layer="gold", name="totals", reads="silver"))

    result = pipeline.cli("run")

    assert result.exit_code == 0
    assert masked(result.stdout) == (
        "asset  result  rows  quarantined  time  rules broken, or why\n"
        "silver.events  skipped  <seconds>  bronze.events has no rows and no columns yet\n"
        "gold.totals  skipped  <seconds>  bronze.events has no rows and no columns yet\n"
        "\n"
        "note: bronze.events: its source has given no rows and no columns yet, "
        "so there is no table\n"
        "run <run> succeeded in <seconds>: 2 skipped, 1 unchanged"
    )
    assert not (pipeline.data / "bronze").exists()


def test_what_stands_after_a_first_empty_answer_is_said_and_built_later(
    pipeline: Pipeline,
) -> None:
    pipeline.write("landing/e.json", "[]")
    _events(pipeline)
    pipeline.asset("silver.events", READER.format(layer="silver", name="events", reads="bronze"))
    pipeline.run()

    bronze, silver = pipeline.json("status")["assets"]

    assert (bronze["state"], bronze["last_status"]) == ("never built", "unchanged")
    assert bronze["notes"] == [
        "its source has given no rows and no columns yet, so there is no table"
    ]
    assert silver["reasons"][-1] == "bronze.events has no rows and no columns yet"
    pipeline.write("landing/e.json", '[{"id": 1}]')
    assert pipeline.outcome() == {"bronze.events": "published", "silver.events": "published"}


def test_a_first_empty_answer_has_the_columns_that_are_committed(pipeline: Pipeline) -> None:
    pipeline.write("landing/e.json", "[]")
    pipeline.write("schemas/bronze.json", '{"bronze.events": {"id": "Int64", "at": "Date"}}')
    _events(pipeline)

    (record,) = pipeline.run().assets

    assert record.status == "published"
    assert pipeline.table("bronze.events").schema == {"id": pl.Int64(), "at": pl.Date()}


def test_a_failure_beside_a_first_empty_answer_is_what_is_said(pipeline: Pipeline) -> None:
    pipeline.write("landing/e.json", "[]")
    _events(pipeline)
    pipeline.asset("bronze.rates", "@bronze\ndef rates() -> pl.DataFrame:\n    raise OSError\n")
    pipeline.asset(
        "silver.both",
        """
        class Both(dy.Schema):
            id = dy.Int64()


        @silver(contract=Both)
        def both(events: pl.LazyFrame, rates: pl.LazyFrame) -> pl.LazyFrame:
            return events.join(rates, on="id")
        """,
    )

    records = {str(record.asset): record for record in pipeline.run().assets}

    assert records["silver.both"].reasons == ("bronze.rates failed",)


def test_rows_without_columns_are_no_empty_answer(pipeline: Pipeline) -> None:
    _events(pipeline)
    pipeline.write("landing/e.json", '[{"id": 1}]')
    pipeline.run()
    pipeline.write("landing/e.json", "[{}, {}]")

    (record,) = pipeline.run().assets

    assert record.error is not None
    assert record.error.code == "POL303"
