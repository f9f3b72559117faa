from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from polster.operations.plan import plan
from polster.operations.status import Freshness, status

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EDITS = {
    "nothing": ("src/core/silver_orders.py", "", ""),
    "silver": ("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(4)"),
    "gold": ("src/core/gold_spending.py", ".sum()", ".max()"),
    "contract": ("src/core/gold_spending.py", "min=0", "min=-1"),
}


@pytest.mark.parametrize("edit", EDITS)
def test_a_run_does_what_the_plan_says_and_status_agrees(shop: Pipeline, edit: str) -> None:
    shop.run()
    shop.edit(*EDITS[edit])

    planned = {p.asset: p.action for p in plan(shop.open()) if p.asset.layer != "bronze"}
    states = {s.asset: s.freshness for s in status(shop.open()) if s.asset.layer != "bronze"}
    record = {a.asset: a.status for a in shop.run().assets if a.asset.layer != "bronze"}

    for key, action in planned.items():
        assert (action == "run") == (record[key] == "published")
        assert (action == "run") == (states[key] is Freshness.STALE)
    assert {s.freshness for s in status(shop.open())} == {Freshness.FRESH}


def test_looking_changes_nothing(shop: Pipeline) -> None:
    shop.run()
    files = sorted(shop.root.rglob("*"))

    for command in (["plan"], ["status"], ["history", "spending"], ["preview", "spending"]):
        shop.cli(*command)

    assert sorted(shop.root.rglob("*")) == files


def test_a_table_that_is_gone_is_told_and_what_reads_it_is_built_anew(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data / "bronze" / "orders")
    gone = "the table of bronze.orders, which it reads, is gone"

    planned = shop.reasons()
    alone = shop.reasons("silver.orders")
    shop.write("landing/orders.csv", "id,customer,amount\n1,eve,1\n")
    record = shop.run()

    assert planned["silver.orders"] == (gone,)
    assert alone == {"silver.orders": (f"{gone}: this will fail",)}
    assert record.assets[1].reasons == (gone,)
    assert shop.version("bronze.orders") == 0
    assert shop.table("silver.orders")["customer"].to_list() == ["eve"]
