from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from polster.operations.overview import overview

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]


def test_status_tells_published_from_stale_from_never_built(shop: Pipeline, masked: Mask) -> None:
    shop.run("bronze.orders", "silver.orders")
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(9)")

    result = shop.cli("status")

    assert result.exit_code == 0
    assert masked(result.stdout).splitlines() == [
        "asset  state  last run  published at (UTC)  rows  quarantined  why",
        "bronze.orders  published  published  <time>  5",
        "silver.orders  stale  published  <time>  2  3  its code changed",
        "gold.spending  never built  it was never built",
    ]


def test_status_says_why_the_last_run_failed(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/gold_spending.py", "return orders", "return None or 1 / 0 or orders")
    shop.run()

    gold = shop.json("status")["assets"][2]

    assert gold["state"] == "failed"
    assert gold["reasons"] == [f"POL305: {gold['last_error']}"]
    assert gold["last_status"] == "failed"
    assert gold["last_error"] == "the function raised ZeroDivisionError: division by zero"
    assert (gold["version"], gold["rows_published"]) == (0, 2)
    assert "POL305: the function raised ZeroDivisionError" in shop.cli("status").stdout


def test_status_after_a_source_failed_says_so_of_it_and_of_what_was_skipped(
    shop: Pipeline, masked: Mask
) -> None:
    shop.run()
    (shop.root / "landing" / "orders.csv").unlink()
    shop.run()

    lines = masked(shop.cli("status").stdout).splitlines()
    words = {str(key): each.condition for key, each in overview(shop.open()).assets.items()}

    assert lines[1].startswith("bronze.orders  failed  failed  <time>  5  POL305: ")
    still = "; readers get version 0 of "
    assert [line.partition(still)[0] for line in lines[2:]] == [
        "silver.orders  published  skipped  <time>  2  3  bronze.orders failed",
        "gold.spending  published  skipped  <time>  2  silver.orders failed",
    ]
    assert all(still in line for line in lines[1:])
    assert {row["asset"]: row["state"] for row in shop.json("status")["assets"]} == words


def test_a_mistake_in_one_file_is_told_beside_the_tables(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return (")

    result = shop.cli("status")
    as_json = shop.cli("status", "--format", "json")

    lines = [line.split()[:2] for line in result.stdout.splitlines()[1:]]
    assert (result.exit_code, as_json.exit_code) == (1, 1)
    assert lines == [
        ["bronze.orders", "published"],
        ["silver.orders", "stale"],
        ["gold.spending", "stale"],
    ]
    assert len(json.loads(as_json.stdout)["assets"]) == 3
    for stderr in (result.stderr, as_json.stderr):
        assert "src/core/silver_orders.py" in stderr
        assert stderr.endswith("\nan asset with a mistake is shown as its last run knew it\n")


def test_a_mistake_before_any_run_is_told_alone(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return (")

    result = shop.cli("status")

    assert (result.exit_code, result.stdout) == (1, "")
    assert "src/core/silver_orders.py" in result.stderr


def test_status_of_a_new_project(shop: Pipeline, pipeline: Pipeline) -> None:
    states = shop.json("status")["assets"]

    assert {state["state"] for state in states} == {"never built"}
    assert {state["last_status"] for state in states} == {None}
    assert not shop.data.exists()


def test_status_of_an_empty_project(pipeline: Pipeline) -> None:
    assert pipeline.cli("status").stdout == "no assets yet\n"
    assert pipeline.json("status") == {"assets": []}
