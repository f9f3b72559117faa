from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]


def test_releases_come_newest_first(shop: Pipeline, masked: Mask) -> None:
    first = shop.run()
    second = shop.run(full_refresh=True)

    listed = shop.json("releases")["releases"]

    assert [each["release"] for each in listed] == [second.run_id, first.run_id]
    assert listed[1]["tables"] == {"bronze.orders": 0, "silver.orders": 0, "gold.spending": 0}
    assert masked(shop.cli("releases").stdout).splitlines()[:2] == [
        "release  created at (UTC)  tables",
        "<run>  <time>  3",
    ]


def test_a_release_is_set_beside_the_one_before_it(shop: Pipeline, masked: Mask) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "3,cid,-5", "3,cid,5")
    shop.edit("src/core/gold_spending.py", ".sum()", ".max()")
    second = shop.run()

    result = shop.cli("releases", second.run_id)

    assert masked(result.stdout).splitlines() == [
        "table  version  rows  before  rows before  what changed",
        "bronze.orders  1  5  0  5  its source had new data",
        "silver.orders  1  3  0  2  bronze.orders has new data",
        "gold.spending  1  3  0  2  its code changed; silver.orders has new data",
    ]


def test_what_is_new_or_gone_is_said(shop: Pipeline) -> None:
    first = shop.run()
    shop.asset(
        "gold.customers",
        """
        class Customers(dy.Schema):
            customer = dy.String(primary_key=True)


        @gold(contract=Customers, owner="sales")
        def customers(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders.select(pl.col("customer").unique())
        """,
    )
    second = shop.run()

    tables = {
        each["asset"]: each
        for each in shop.json("releases", second.run_id, "--since", first.run_id)["tables"]
    }

    assert tables["gold.customers"]["version_before"] is None
    assert tables["gold.customers"]["rows"] == 2
    assert {name for name, each in tables.items() if each["changed"]} == {"gold.customers"}
    backwards = shop.json("releases", first.run_id, "--since", second.run_id)["tables"]
    assert [each["asset"] for each in backwards if each["version"] is None] == ["gold.customers"]


def test_the_first_release_has_none_before_it(shop: Pipeline) -> None:
    run = shop.run()

    result = shop.cli("releases", run.run_id)

    assert "the first, so there is none to compare it with" in result.stderr


def test_releases_that_there_are_not(shop: Pipeline) -> None:
    before = shop.cli("releases"), shop.cli("releases", "x")
    shop.run()
    after = shop.cli("releases", "x")

    assert before[0].stdout == "no release yet: the first run that succeeds makes one\n"
    assert (before[1].exit_code, after.exit_code) == (2, 2)
    assert "error[POL409]: there is no release yet" in before[1].stderr
    assert "error[POL409]: there is no release `x`" in after.stderr
