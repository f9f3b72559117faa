from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]


def test_history_lists_the_runs_newest_first(shop: Pipeline, masked: Mask) -> None:
    shop.run()
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return None")
    shop.run()

    result = shop.cli("history", "silver.orders")

    assert masked(result.stdout).splitlines() == [
        "run  result  version  rows  quarantined  time  why, or rules broken",
        "<run>  failed  <seconds>  POL304: the function returned nothing",
        "<run>  unchanged  0  <seconds>  nothing changed",
        "<run>  published  0  2  3  <seconds>  amount|min 1, customer|nullability 1, primary_key 1",
    ]
    assert len(shop.json("history", "silver.orders", "--limit", "2")["runs"]) == 2


def test_history_as_json_is_the_record_of_each_run(shop: Pipeline) -> None:
    run = shop.run()

    shown = shop.json("history", "spending")

    assert shown["asset"] == "gold.spending"
    assert [entry["run_id"] for entry in shown["runs"]] == [run.run_id]
    assert shown["runs"][0]["rows_published"] == 2


def test_history_of_an_asset_that_never_ran(shop: Pipeline) -> None:
    assert shop.cli("history", "gold.spending").stdout == (
        "no run has looked at gold.spending yet\n"
    )
    assert shop.json("history", "gold.spending") == {"asset": "gold.spending", "runs": []}


def test_history_of_what_does_not_exist_or_could_mean_two(shop: Pipeline) -> None:
    unknown, ambiguous = shop.cli("history", "gold.spendin"), shop.cli("history", "orders")

    assert (unknown.exit_code, ambiguous.exit_code) == (2, 2)
    assert "hint: did you mean `gold.spending`?" in unknown.stderr
    assert ambiguous.stderr.startswith(
        "error[POL204]: `orders` could mean `bronze.orders` or `silver.orders`\n"
    )


def test_a_name_with_line_breaks_and_escapes_does_not_steer_a_terminal(shop: Pipeline) -> None:
    shop.edit(
        "src/core/gold_spending.py", "return orders", 'raise ValueError("\\x1b[31mred\\x9b1m")'
    )

    result = shop.cli("run")
    shown = result.stdout + shop.cli("history", "spending").stdout + shop.cli("status").stdout

    assert "\\x1b[31mred\\x9b1m" in shown
    assert "\x1b" not in shown
    assert "\x9b" not in shown
