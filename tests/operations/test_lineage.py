from __future__ import annotations

from shutil import rmtree
from typing import Any

import pytest

from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import ColumnRef, Lineage
from polster.operations.lineage import (
    Target,
    examined_lineage,
    find_target,
    lineage_of,
    recorded_lineage,
)
from polster.project.settings import choose_environment

SILVER = AssetKey(Layer.SILVER, "orders")
GOLD = AssetKey(Layer.GOLD, "spending")


def examined(project: Any) -> Lineage:
    opened = project.open()
    return examined_lineage(opened, opened.graph, choose_environment(opened.settings, None))


def reached(lineage: Lineage, ref: ColumnRef) -> dict[str, tuple[bool, bool]]:
    return {str(r.ref): (r.by_value, r.is_certain) for r in lineage.upstream(ref)}


def test_what_a_run_records_is_what_the_source_says(shop: Any) -> None:
    shop.run()

    recorded, said = recorded_lineage(shop.open()), examined(shop)

    assert recorded.assets[SILVER] == said.assets[SILVER]
    assert recorded.assets[GOLD] == said.assets[GOLD]
    assert recorded.assets.keys() == said.assets.keys()


def test_recorded_lineage_is_known_though_a_run_was_killed_before_it_wrote_the_ledger(
    shop: Any,
) -> None:
    shop.run()
    before = recorded_lineage(shop.open())
    rmtree(shop.data / "_polster" / "runs")

    assert recorded_lineage(shop.open()).assets == before.assets


def test_a_lakehouse_without_tables_has_no_lineage(shop: Any) -> None:
    assert recorded_lineage(shop.open()).assets == {}


def test_a_column_is_followed_to_bronze_without_a_contract_from_its_published_table(
    shop: Any,
) -> None:
    shop.run()

    answer = lineage_of(shop.open(), "gold.spending.spent")

    assert reached(answer.lineage, ColumnRef(GOLD, "spent")) == {
        "silver.orders.amount": (True, True),
        "silver.orders.customer": (False, True),
        "bronze.orders.amount": (True, True),
        "bronze.orders.customer": (False, True),
    }


def test_behind_bronze_that_nobody_knows_the_lineage_is_unknown_and_gold_is_followed(
    shop: Any,
) -> None:
    answer = lineage_of(shop.open(), "gold.spending.spent")

    silver = answer.lineage.assets[SILVER]
    assert silver.unknown == "`bronze.orders` has no contract and was never run"
    assert reached(answer.lineage, ColumnRef(GOLD, "spent")) == {
        "silver.orders.amount": (True, True),
        "silver.orders.customer": (False, True),
    }


def test_an_eager_asset_is_passed_by_ways_that_are_not_certain(pipeline: Any) -> None:
    pipeline.asset(
        "bronze.people",
        """
        class People(dy.Schema):
            name = dy.String()


        @bronze(contract=People)
        def people() -> pl.LazyFrame:
            return pl.LazyFrame({"name": ["ann"]})
        """,
    )
    pipeline.asset(
        "silver.people",
        """
        class Persons(dy.Schema):
            who = dy.String(primary_key=True)


        @silver(contract=Persons)
        def people(bronze_people: pl.DataFrame) -> pl.DataFrame:
            return bronze_people.select(who="name")
        """,
    )

    answer = lineage_of(pipeline.open(), "silver.people.who")

    assert answer.lineage.assets[AssetKey(Layer.SILVER, "people")].unknown == (
        "rows were computed while the function ran"
    )
    found = reached(answer.lineage, ColumnRef(AssetKey(Layer.SILVER, "people"), "who"))
    assert found["bronze.people.name"] == (True, False)


@pytest.mark.parametrize(
    ("text", "asset", "column"),
    [
        ("silver.orders", "silver.orders", None),
        ("silver_orders", "silver.orders", None),
        ("spending", "gold.spending", None),
        ("spending.spent", "gold.spending", "spent"),
        ("gold_spending.spent", "gold.spending", "spent"),
        ("silver.orders.amount", "silver.orders", "amount"),
        ("silver.orders.a.b c", "silver.orders", "a.b c"),
        ("silver.orders.größe", "silver.orders", "größe"),
        ("silver.orders..x", "silver.orders", ".x"),
    ],
)
def test_the_longest_asset_name_is_meant(
    shop: Any, text: str, asset: str, column: str | None
) -> None:
    key = AssetKey.parse(asset)
    assert key is not None

    assert find_target(shop.open().graph, text) == Target(key, column)


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        ("spendings.spent", "POL201", "did you mean `gold.spending`?"),
        ("gold.spendin.spent", "POL201", "did you mean `gold.spending`?"),
        ("orders.amount", "POL204", "write the layer too"),
        ("nothing.like.it", "POL201", "see the assets with: polster list-assets"),
    ],
)
def test_a_name_that_means_no_asset_is_offered_what_helps(
    shop: Any, text: str, code: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        find_target(shop.open().graph, text)

    assert (caught.value.code, caught.value.hint) == (code, hint)


def test_an_unknown_column_is_offered_the_nearest(shop: Any) -> None:
    with pytest.raises(UsageError, match=r"`silver\.orders` has no column `amout`") as caught:
        lineage_of(shop.open(), "silver.orders.amout")

    assert (caught.value.code, caught.value.hint) == ("POL218", "did you mean `amount`?")


def test_an_unknown_column_that_is_like_none_is_shown_all(shop: Any) -> None:
    with pytest.raises(UsageError) as caught:
        lineage_of(shop.open(), "silver.orders.xyz")

    assert caught.value.hint == "its columns: id, customer, amount"


def test_a_column_of_bronze_that_was_never_run_cannot_be_looked_for(shop: Any) -> None:
    with pytest.raises(UsageError) as caught:
        lineage_of(shop.open(), "bronze.orders.amount")

    assert caught.value.code == "POL219"
    assert caught.value.hint is not None and "polster run bronze.orders" in caught.value.hint


def test_what_a_run_records_is_what_the_source_says_of_richer_pipelines_too(pipeline: Any) -> None:
    pipeline.write("landing/orders.csv", "id,customer,amount\n1,ann,5\n2,bob,6\n")
    pipeline.write("landing/customers.csv", "name,city\nann,Ulm\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze(load="append")
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv", infer_schema=False)
        """,
    )
    pipeline.asset(
        "bronze.customers",
        """
        @bronze
        def customers() -> pl.LazyFrame:
            return pl.scan_csv("landing/customers.csv", infer_schema=False)
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)
            customer = dy.String()
            amount = dy.Int64()
            landed = dy.Datetime(time_unit="us", time_zone="UTC")
            batch = dy.String()


        @silver(contract=Orders)
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            newest = bronze_orders.filter(pl.col("customer") != "nobody")
            return newest.select(
                "id", "customer", "amount", landed="_ingested_at", batch="_batch_id"
            )
        """,
    )
    pipeline.asset(
        "silver.customers",
        """
        class Customers(dy.Schema):
            name = dy.String(primary_key=True)
            city = dy.String()


        @silver(contract=Customers)
        def customers(bronze_customers: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_customers.unique("name")
        """,
    )
    pipeline.asset(
        "gold.cities",
        """
        from core.silver_customers import Customers


        class Cities(dy.Schema):
            city = dy.String(nullable=True)
            spent = dy.Int64()
            orders = dy.UInt32()


        @gold(contract=Cities)
        def cities(orders: pl.LazyFrame, customers: dy.LazyFrame[Customers]) -> pl.LazyFrame:
            joined = orders.join(customers, left_on="customer", right_on="name", how="left")
            return joined.group_by("city").agg(
                spent=pl.col("amount").filter(pl.col("amount") > 0).sum(), orders=pl.len()
            )
        """,
    )
    pipeline.run()

    recorded, said = recorded_lineage(pipeline.open()), examined(pipeline)

    for key in said.assets:
        if key.layer is not Layer.BRONZE:
            assert recorded.assets[key] == said.assets[key]
    cities = recorded.assets[AssetKey(Layer.GOLD, "cities")].columns
    assert {str(ref) for ref in cities["spent"].values} == {"silver.orders.amount"}
    assert "silver.customers.name" in {str(ref) for ref in cities["spent"].influences}
