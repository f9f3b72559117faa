from __future__ import annotations

from typing import Any

import pytest

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import ColumnRef
from polster.operations.lineage import recorded_lineage


@pytest.mark.parametrize("name", ["my lake", "größe", "a+b #1 (copy)", "it's 50% off?"])
def test_a_lakehouse_may_lie_in_a_folder_of_any_name(shop: Any, name: str) -> None:
    shop.write("pyproject.toml", f'[tool.polster]\nlakehouse = "{name}/data"\n')
    shop.data = shop.root / name / "data"

    first = shop.outcome()
    second = shop.outcome()

    assert set(first.values()) == {"published"}
    assert set(second.values()) == {"unchanged"}
    assert shop.cli("preview", "gold.spending").exit_code == 0
    assert len(shop.json("history", "silver.orders")["runs"]) == 2
    spent = ColumnRef(AssetKey(Layer.GOLD, "spending"), "spent")
    found = recorded_lineage(shop.open()).upstream(spent)
    assert "bronze.orders.amount" in {str(reached.ref) for reached in found}
    shop.data = shop.root / "data"  # what is checked afterwards is read by Polars alone
