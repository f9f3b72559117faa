"""Resources of dlt as a source of bronze."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.errors import AssetError
from polster.model.record import AssetRecord, AssetStatus
from polster.sources import dlt as dlt_source

if TYPE_CHECKING:
    from tests.conftest import Pipeline

ORDERS = """
import json
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import dlt
from polster import sources


@dlt.resource(name="orders", primary_key="id")
def orders(at=dlt.sources.incremental("at", initial_value="2020-01-01")):
    Path("asked").write_text(at.start_value)
    for line in Path("orders.jsonl").read_text().splitlines():
        yield {**json.loads(line), "amount": Decimal("1.50"), "seen": datetime(2026, 1, 2)}


@bronze(load="append")
def order():
    return sources.dlt(orders())
"""


def arrive(pipeline: Pipeline, *orders: tuple[int, str]) -> None:
    lines = [f'{{"id": {number}, "at": "{at}", "who": {{"name": "ann"}}}}' for number, at in orders]
    pipeline.write("orders.jsonl", "\n".join(lines))


def landed(pipeline: Pipeline) -> AssetRecord:
    (record,) = pipeline.run("bronze.order").assets
    return record


def rows(pipeline: Pipeline) -> pl.DataFrame:
    return pl.read_delta(str(pipeline.data / "bronze/order")).sort("id")


def test_each_record_of_a_resource_lands_once(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.order", ORDERS)
    arrive(pipeline, (1, "2026-01-01"), (2, "2026-01-02"))

    first = landed(pipeline)
    second = landed(pipeline)
    asked = (pipeline.root / "asked").read_text()
    arrive(pipeline, (1, "2026-01-01"), (2, "2026-01-02"), (3, "2026-01-02"), (4, "2026-01-03"))
    third = landed(pipeline)

    assert first.error is None, first.error
    assert (first.rows_published, second.status) == (2, AssetStatus.UNCHANGED)
    assert asked == "2026-01-02"
    assert third.rows_published == 2
    table = rows(pipeline)
    assert table["id"].to_list() == [1, 2, 3, 4]
    assert set(table["_source"]) == {"dlt:orders"}
    assert table.schema["who"] == pl.Struct({"name": pl.String})
    assert isinstance(table.schema["amount"], pl.Decimal)


def test_a_resource_that_fails_half_way_lands_nothing_and_forgets_nothing(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.order", ORDERS)
    arrive(pipeline, (1, "2026-01-01"))
    landed(pipeline)
    arrive(pipeline, (2, "2026-01-02"))
    with (pipeline.root / "orders.jsonl").open("a") as opened:
        opened.write("\nno JSON\n")

    failed = landed(pipeline)
    arrive(pipeline, (2, "2026-01-02"))
    after = landed(pipeline)

    assert failed.error is not None
    assert (failed.error.code, "`orders` of dlt fails" in failed.error.message) == ("POL388", True)
    assert (after.error, rows(pipeline)["id"].to_list()) == (None, [1, 2])


@pytest.mark.parametrize("load", ["append", "snapshot"])
def test_a_resource_that_gives_all_is_a_snapshot(pipeline: Pipeline, load: str) -> None:
    pipeline.asset(
        "bronze.order",
        f"""
        import dlt
        from polster import sources

        @bronze(load="{load}")
        def order():
            return sources.dlt(dlt.resource([{{"id": 1}}, {{"id": "x"}}], name="all"))
        """,
    )

    record = landed(pipeline)

    if load == "append":
        assert record.error is not None
        assert record.error.code == "POL373"
    else:
        assert record.error is None, record.error
        assert rows(pipeline)["id"].to_list() == ["1", "x"]


@pytest.mark.parametrize("given", [5, "several"])
def test_what_is_no_resource_is_told(given: Any) -> None:
    if given == "several":
        import dlt

        @dlt.source(name="shop")
        def shop() -> Any:
            return [dlt.resource([1], name="a"), dlt.resource([2], name="b")]

        given = shop()
    with pytest.raises(AssetError, match=r"a resource of dlt|several resources: a, b") as caught:
        dlt_source(given)

    assert caught.value.code == "POL388"
