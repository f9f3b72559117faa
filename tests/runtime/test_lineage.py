from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.lineage import AssetLineage, ColumnOrigin
from polster.plans.visit import UnreadablePlanError
from polster.runtime import lineage as runtime_lineage


def recorded(pipeline: Any, key: str) -> AssetLineage:
    parsed = AssetKey.parse(key)
    assert parsed is not None
    lakehouse = Lakehouse(Store(str(pipeline.data)))
    return lakehouse.ledger.lineages({parsed: pipeline.version(key)})[parsed]


def origin(pipeline: Any, key: str, column: str) -> tuple[list[str], list[str], str | None]:
    found: ColumnOrigin = recorded(pipeline, key).columns[column]
    return sorted(map(str, found.values)), sorted(map(str, found.influences)), found.unknown


def test_a_run_keeps_what_the_columns_were_made_of(shop: Any) -> None:
    shop.run()

    assert origin(shop, "silver.orders", "amount") == (["bronze.orders.amount"], [], None)
    assert origin(shop, "gold.spending", "spent") == (
        ["silver.orders.amount"],
        ["silver.orders.customer"],
        None,
    )
    assert recorded(shop, "bronze.orders").columns["amount"] == ColumnOrigin()


def test_the_commit_of_a_table_holds_its_lineage_too(shop: Any) -> None:
    shop.run()

    lakehouse = Lakehouse(Store(str(shop.data)))
    key = AssetKey.parse("gold.spending")
    assert key is not None
    table = lakehouse.table(key).open()
    assert table is not None
    published = lakehouse.published(table)

    assert published is not None
    assert published.record.lineage == recorded(shop, "gold.spending")


def test_only_a_published_version_has_a_lineage(shop: Any) -> None:
    shop.run()

    again = shop.run()

    assert [record.lineage for record in again.assets] == [None, None, None]
    assert recorded(shop, "gold.spending").columns.keys() == {"customer", "spent"}


def test_tables_without_rows_are_known_as_well_as_full_ones(pipeline: Any) -> None:
    pipeline.write("landing/orders.csv", "id,amount\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv", infer_schema=False)
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)
            amount = dy.Int64()


        @silver(contract=Orders)
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders
        """,
    )

    pipeline.run()

    assert origin(pipeline, "silver.orders", "amount")[0] == ["bronze.orders.amount"]


@pytest.mark.parametrize(
    ("annotation", "body"),
    [
        ("pl.DataFrame", "bronze_orders"),
        ("pl.LazyFrame", "bronze_orders.collect().lazy()"),
    ],
)
def test_what_is_computed_eagerly_has_an_unknown_lineage(
    pipeline: Any, annotation: str, body: str
) -> None:
    pipeline.write("landing/orders.csv", "id\n1\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv", infer_schema=False)
        """,
    )
    pipeline.asset(
        "silver.orders",
        f"""
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)


        @silver(contract=Orders)
        def orders(bronze_orders: {annotation}) -> {annotation}:
            return {body}
        """,
    )

    pipeline.run()

    assert (
        recorded(pipeline, "silver.orders").unknown == "rows were computed while the function ran"
    )


@pytest.mark.in_this_process
@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (UnreadablePlanError("Polars does not show it"), "Polars does not show it"),
        (RuntimeError("a secret"), "the plan cannot be read: RuntimeError"),
        (pl.exceptions.PanicException("oh"), "the plan cannot be read: PanicException"),
    ],
)
def test_a_run_does_not_fail_because_a_plan_cannot_be_read(
    shop: Any, monkeypatch: pytest.MonkeyPatch, raised: BaseException, said: str
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise raised

    monkeypatch.setattr(runtime_lineage, "read_flow", fail)

    assert set(shop.outcome().values()) == {"published"}
    assert recorded(shop, "gold.spending").unknown == said
