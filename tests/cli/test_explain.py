"""``polster explain``, and what ``polster plan`` says of the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SHARES = """
class Shares(dy.Schema):
    customer = dy.String(nullable=True)
    share = dy.Float64(nullable=True)

@gold(contract=Shares)
def shares(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select("customer", share=pl.col("amount") / pl.col("amount").sum())
"""
ASKS = SHARES.replace("def shares(orders", "def shares(run: polster.RunContext, orders")
EAGER = SHARES.replace(
    "orders: pl.LazyFrame) -> pl.LazyFrame", "orders: pl.DataFrame) -> pl.DataFrame"
)
RAISES = SHARES.replace("return orders", "raise OSError('no rows') or orders")


def whole(shop: Pipeline, gold: str) -> str:
    """Return why all of a table of gold is made anew."""
    shop.asset("gold.shares", gold)
    told = shop.json("explain", "gold.shares")
    (reached,) = told["inputs"]
    assert (reached["asset"], reached["kind"]) == ("silver.orders", "whole")
    return str(reached["why"])


def test_what_changed_rows_reach_is_said_before_any_run(shop: Pipeline) -> None:
    told = shop.cli("explain", "gold.spending")

    assert told.exit_code == 0
    assert told.stdout.splitlines() == [
        "gold.spending, src/core/gold_spending.py:12",
        "",
        "when rows change in  it makes anew",
        "silver.orders        the rows of the same customer",
    ]
    assert not shop.data.exists()


def test_it_says_what_was_made_last_as_the_run_did(shop: Pipeline) -> None:
    made = shop.json("run")["assets"][-1]

    told = shop.json("explain", "gold.spending")

    assert (made["asset"], made["scope"]["rows"]) == ("gold.spending", 2)
    assert told["last"] == made["scope"]


def test_bronze_makes_nothing_anew(shop: Pipeline) -> None:
    told = shop.cli("explain", "bronze.orders")

    assert "what has landed is never made anew" in told.stdout


def test_the_step_and_the_line_are_named_that_need_every_row(shop: Pipeline) -> None:
    why = whole(shop, SHARES)

    assert why.startswith('`select((col("amount") / col("amount").sum()).alias("share"))`')
    assert why.endswith("needs every row of `orders`, at src/core/gold_shares.py:12")


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        (ASKS, "its parameter `run` asks for the run, which is another each time"),
        (EAGER, "its parameter `orders` asks for a pl.DataFrame, all of it"),
        (
            SHARES.replace("gold(", "gold(expect=polster.Expect(null_share={'share': 0.5}), "),
            "nulls",
        ),
        (RAISES, "its plan cannot be read without rows"),
    ],
)
def test_what_is_always_made_whole_says_why(shop: Pipeline, gold: str, said: str) -> None:
    assert said in whole(shop, gold)


def test_an_asset_that_is_not_there_is_a_mistake(shop: Pipeline) -> None:
    told = shop.cli("explain", "gold.spendings")

    assert told.exit_code == 2
    assert "did you mean `gold.spending`?" in told.stderr


def test_a_plan_says_how_much_of_what_will_be_made(shop: Pipeline) -> None:
    shop.asset("gold.shares", SHARES)
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.run("bronze.orders")

    planned = {each["asset"]: each["scope"] for each in shop.json("plan")["assets"]}
    lines = shop.cli("plan").stdout.splitlines()

    assert planned["bronze.orders"] is None
    assert (planned["silver.orders"]["kind"], planned["silver.orders"]["by"][0]) == (
        "row-local",
        "id",
    )
    assert planned["gold.spending"] == {
        "kind": "local",
        "by": ["customer"],
        "why": "",
        "is_declared": False,
    }
    assert planned["gold.shares"]["kind"] == "whole"
    assert "gold.spending  run     silver.orders runs first; by customer" in lines


DECLARED = """
class Sums(dy.Schema):
    customer = dy.String(nullable=True)
    total = dy.Float64(nullable=True)

@gold(contract=Sums, slice_by="customer")
def shares(orders: pl.DataFrame) -> pl.DataFrame:
    return orders.group_by("customer").agg(total=pl.col("amount").sum())
"""


def test_what_an_asset_declares_is_said_to_be_declared(shop: Pipeline) -> None:
    shop.asset("gold.shares", DECLARED)

    lines = shop.cli("explain", "gold.shares").stdout.splitlines()
    (reached,) = shop.json("explain", "gold.shares")["inputs"]

    assert lines[-1] == "silver.orders        the rows of the same customer (declared)"
    assert (reached["kind"], reached["by"], reached["is_declared"]) == ("local", ["customer"], True)
    assert shop.cli("validate").exit_code == 0


def test_a_column_that_cannot_be_declared_is_found_before_any_run(shop: Pipeline) -> None:
    shop.asset("gold.shares", DECLARED.replace('slice_by="customer"', 'slice_by="total"'))

    told = shop.cli("validate")

    assert told.exit_code == 1
    assert "POL398" in told.stdout
    assert "`total` is Float64, by which rows are not chosen" in told.stdout
