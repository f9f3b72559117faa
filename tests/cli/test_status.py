from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]


def test_status_tells_fresh_from_stale_from_missing(shop: Pipeline, masked: Mask) -> None:
    shop.run("bronze.orders", "silver.orders")
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(9)")

    result = shop.cli("status")

    assert result.exit_code == 0
    assert masked(result.stdout).splitlines() == [
        "asset  state  last run  published at (UTC)  rows  quarantined  why",
        "bronze.orders  fresh  published  <time>  5",
        "silver.orders  stale  published  <time>  2  3  its code changed",
        "gold.spending  never built  it was never built",
    ]


def test_status_says_why_the_last_run_failed(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/gold_spending.py", "return orders", "return None or 1 / 0 or orders")
    shop.run()

    gold = shop.json("status")["assets"][2]

    assert gold["state"] == "stale"
    assert gold["last_status"] == "failed"
    assert gold["last_error"] == "the function raised ZeroDivisionError: division by zero"
    assert (gold["version"], gold["rows_published"]) == (0, 2)
    assert "POL305: the function raised ZeroDivisionError" in shop.cli("status").stdout


def test_status_of_a_new_project(shop: Pipeline, pipeline: Pipeline) -> None:
    states = shop.json("status")["assets"]

    assert {state["state"] for state in states} == {"missing"}
    assert {state["last_status"] for state in states} == {None}
    assert not shop.data.exists()


def test_status_of_an_empty_project(pipeline: Pipeline) -> None:
    assert pipeline.cli("status").stdout == "no assets yet\n"
    assert pipeline.json("status") == {"assets": []}
