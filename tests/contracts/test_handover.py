from __future__ import annotations

import dataframely as dy
import polars as pl
import pytest

from polster.contracts.handover import satisfies
from polster.errors import AssetError
from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer


class Orders(dy.Schema):
    id = dy.Int64()
    status = dy.Enum(["open", "paid"])


ASSET = Asset(AssetKey(Layer.GOLD, "revenue"), "src/core/gold_revenue.py", 5, "core.gold_revenue")


def test_an_upstream_with_more_columns_satisfies() -> None:
    columns = pl.Schema({"status": pl.Enum(["open", "paid"]), "id": pl.Int64(), "more": pl.Date()})

    satisfies(ASSET, "silver.orders", columns, Orders)


def test_every_column_that_differs_is_named() -> None:
    with pytest.raises(AssetError) as caught:
        satisfies(ASSET, "silver.orders", pl.Schema({"id": pl.String()}), Orders)

    assert caught.value.code == "POL314"
    assert "`id` is String, not Int64" in caught.value.message
    assert "`status` is missing" in caught.value.message
    assert caught.value.place == "src/core/gold_revenue.py:5"
