"""A source that has nothing new answers with nothing: no rows, and no columns either."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def test_a_first_empty_answer_without_a_contract_says_what_to_do(pipeline: Pipeline) -> None:
    pipeline.write("landing/e.json", "[]")
    _events(pipeline)

    (record,) = pipeline.run().assets

    assert record.error is not None
    assert record.error.code == "POL320"
    assert 'schema={"id": pl.Int64}' in (record.error.hint or "")
    _events(pipeline, frame='pl.DataFrame([], schema={"id": pl.Int64})')
    assert pipeline.outcome() == {"bronze.events": "published"}


def test_rows_without_columns_are_no_empty_answer(pipeline: Pipeline) -> None:
    _events(pipeline)
    pipeline.write("landing/e.json", '[{"id": 1}]')
    pipeline.run()
    pipeline.write("landing/e.json", "[{}, {}]")

    (record,) = pipeline.run().assets

    assert record.error is not None
    assert record.error.code == "POL303"
