"""What an asset promises."""

from __future__ import annotations

from typing import Any

import pytest

from polster.errors import UsageError
from polster.model.asset import Policy
from polster.operations.describe import describe


def test_a_contract_is_told_column_by_column(shop: Any) -> None:
    shop.asset(
        "silver.people",
        """
        class People(dy.Schema):
            id = dy.Int64(primary_key=True)
            email = dy.String(
                regex="@", metadata={"pii": True, "masked": True, "reason": "refunds"}
            )
            age = dy.Int32(nullable=True, min=0)

            @dy.rule()
            def adult(cls) -> pl.Expr:
                return cls.age.col >= 18


        @silver(contract=People, on_violation={"*": "quarantine", "age|min": "warn"})
        def people(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.select(
                "id", email="customer", age=pl.lit(20, dtype=pl.Int32), further=pl.lit(1)
            )
        """,
    )
    shop.run("bronze.orders")

    told = describe(shop.open(), "people")

    assert told.contract is not None
    key, email, age = told.contract
    assert (key.name, key.dtype, key.primary_key, key.nullable) == ("id", "Int64", True, False)
    assert (email.pii, email.masked, dict(email.rules)) == (True, "refunds", {"regex": "@"})
    assert (age.nullable, dict(age.rules)) == (True, {"min": "0"})
    assert "18" in told.table_rules["adult"]
    assert told.further_columns == {"further": "Int32"}
    assert told.unknown is None
    assert told.policies() == {
        "id|nullability": Policy.QUARANTINE,
        "email|nullability": Policy.QUARANTINE,
        "email|regex": Policy.QUARANTINE,
        "age|min": Policy.WARN,
        "primary_key": Policy.QUARANTINE,
        "adult": Policy.QUARANTINE,
    }


def test_bronze_without_a_contract_has_the_columns_of_its_table(shop: Any) -> None:
    before = describe(shop.open(), "bronze.orders")
    shop.run("bronze.orders")

    after = describe(shop.open(), "bronze.orders")

    assert (before.contract, before.columns) == (None, None)
    assert before.unknown == "it has no contract and was never run"
    assert after.contract is None
    assert after.columns == {"id": "String", "customer": "String", "amount": "String"}
    assert after.unknown is None


def test_what_cannot_be_imported_says_why(shop: Any) -> None:
    shop.edit("src/core/silver_orders.py", "class Orders", "import nowhere\n\n\nclass Orders")

    told = describe(shop.open(), "silver.orders")

    assert told.contract is None
    assert told.unknown is not None
    assert "nowhere" in told.unknown


def test_a_contract_is_told_though_the_function_has_a_mistake(shop: Any) -> None:
    shop.run("bronze.orders")
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.nothing()")

    told = describe(shop.open(), "silver.orders")

    assert [column.name for column in told.contract or ()] == ["id", "customer", "amount"]
    assert told.unknown is not None
    assert "nothing" in told.unknown


def test_a_mistake_elsewhere_in_the_pipeline_takes_nothing_away(shop: Any) -> None:
    shop.asset(
        "gold.lost",
        """
        @gold()
        def lost(nowhere: pl.LazyFrame) -> pl.LazyFrame:
            return nowhere
        """,
    )

    told = describe(shop.open(), "silver.orders")

    assert [column.name for column in told.contract or ()] == ["id", "customer", "amount"]


def test_an_asset_that_cannot_be_connected_says_so(shop: Any) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl", "nowhere: pl")

    told = describe(shop.open(), "gold.spending")

    assert told.unknown == "its definition, or that of an asset that it reads, has mistakes"
    assert told.asset.options.owner == "sales"


def test_an_unknown_name_is_answered_with_the_nearest(shop: Any) -> None:
    with pytest.raises(UsageError) as raised:
        describe(shop.open(), "silver.ordres")

    assert raised.value.hint == "did you mean `silver.orders`?"
