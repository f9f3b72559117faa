"""What can be looked at of a pipeline whose source has mistakes."""

from __future__ import annotations

from typing import Any

from polster.operations.overview import overview
from polster.operations.preview import preview
from polster.operations.readable_part import readable_part


def _keys(project: Any) -> list[str]:
    return [str(key) for key in project.graph.assets]


def test_an_asset_that_cannot_be_read_is_as_its_last_run_knew_it(shop: Any) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return (")

    part = readable_part(shop.open())

    assert part is not None
    assert _keys(part) == ["bronze.orders", "silver.orders", "gold.spending"]
    assets = overview(part).assets
    assert {str(key): [str(each) for each in entry.upstream] for key, entry in assets.items()} == {
        "bronze.orders": [],
        "silver.orders": ["bronze.orders"],
        "gold.spending": ["silver.orders"],
    }
    assert {str(key): entry.condition.value for key, entry in assets.items()} == {
        "bronze.orders": "published",
        "silver.orders": "stale",
        "gold.spending": "stale",
    }
    assert preview(part, "silver.orders").sample.total == 2


def test_what_was_read_earlier_is_remembered_with_its_owner(shop: Any) -> None:
    shop.run()
    before = shop.open()
    shop.edit("src/core/gold_spending.py", "orders: pl.LazyFrame", "bronze_orders: pl.LazyFrame")

    part = readable_part(shop.open(), before)

    assert part is not None
    assert [asset.options.owner for asset in part.graph] == [None, "ops", "sales"]


def test_a_new_asset_with_a_mistake_is_left_out_with_what_reads_it(shop: Any) -> None:
    shop.run()
    shop.asset("silver.new", "def (")
    shop.asset(
        "gold.newer",
        """
        class Newer(dy.Schema):
            id = dy.Int64()


        @gold(contract=Newer)
        def newer(new: pl.LazyFrame) -> pl.LazyFrame:
            return new
        """,
    )

    part = readable_part(shop.open())

    assert part is not None
    assert _keys(part) == ["bronze.orders", "silver.orders", "gold.spending"]


def test_before_any_run_there_is_nothing_to_look_at(shop: Any) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return (")

    assert readable_part(shop.open()) is None
