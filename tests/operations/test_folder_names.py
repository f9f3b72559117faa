from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import Pipeline

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import ColumnRef
from polster.operations.lineage import recorded_lineage

ORDERS = """
@bronze
def orders() -> pl.LazyFrame:
    return pl.LazyFrame({"id": [1, -2]})
"""
CHECKED = """
class Orders(dy.Schema):
    id = dy.Int64(min=0)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders
"""


NAMES = ["my lake", "größe", "a+b #1 (copy)", "it's 50% off?", "[x]", "a*", "{a,b}", "a:b", "-x"]
MISREAD = ["a%41", "a\\b", "a\tb"]


@pytest.mark.parametrize("name", NAMES)
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


@pytest.mark.parametrize("name", NAMES)
def test_a_project_may_lie_in_a_folder_of_any_name(pipeline: Pipeline, name: str) -> None:
    here = Pipeline(pipeline.root / name / "shop")  # what the fixture does for the other one holds
    here.asset("bronze.orders", ORDERS)
    here.asset("silver.orders", CHECKED)
    here.write("tests/fixtures/bronze_orders.csv", "id\n1\n")

    codes = [here.cli(each).exit_code for each in ("rehearse", "run", "run", "doctor")]
    told = here.json("status")["assets"]

    assert codes == [0, 0, 0, 0]
    assert [(each["state"], each["last_status"], each["rows_published"]) for each in told] == [
        ("published", "unchanged", 2),
        ("published", "unchanged", 1),
    ]


@pytest.mark.parametrize("name", MISREAD)
def test_a_folder_whose_name_is_misread_is_refused(shop: Any, name: str) -> None:
    (shop.root / name).mkdir()
    written = json.dumps(f"{name}/data")
    shop.write("pyproject.toml", f"[tool.polster]\nlakehouse = {written}\n")

    result = shop.cli("run")

    assert result.exit_code == 2
    assert "[POL108]" in result.output
    assert "misread" in result.output
    assert not list((shop.root / name).iterdir())


@pytest.mark.parametrize("written", [".", "..", "/", "src", "src/core", "data/..", "./src/lake"])
def test_the_lakehouse_is_no_folder_of_the_code(shop: Any, written: str) -> None:
    shop.write("pyproject.toml", f'[tool.polster]\nlakehouse = "{written}"\n')

    result = shop.cli("run")

    assert result.exit_code == 2
    assert "[POL108]" in result.output
    assert "the folder of the project or of its code" in result.output


@pytest.mark.parametrize("written", ["${", "${}", "data/${A-B}", "${HOME"])
def test_a_variable_that_is_not_written_to_its_end_is_refused(shop: Any, written: str) -> None:
    shop.write("pyproject.toml", f'[tool.polster]\nlakehouse = "{written}"\n')

    result = shop.cli("run")

    assert result.exit_code == 2
    assert "a variable is a name in braces" in result.output
