from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent

import pytest

from polster.checks.layers import check_layers
from polster.model.finding import Finding
from polster.operations.open_project import open_project

HEAD = "import dataframely as dy\nimport polars as pl\nfrom polster import bronze, gold, silver\n"
KEYED = "class C(dy.Schema):\n    id = dy.Int64(primary_key=True)\n"


class Layers:
    """A project whose assets are written from a line each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pyproject.toml", "[tool.polster]\n")
        self.write("src/core/__init__.py", "")

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")

    def bronze(self, name: str) -> None:
        text = f'{HEAD}\n@bronze\ndef {name}():\n    return pl.LazyFrame({{"id": [1]}})\n'
        self.write(f"src/core/bronze_{name}.py", text)

    def silver(
        self, name: str, reads: Sequence[str], body: str = "", contract: str = KEYED
    ) -> None:
        self._table("silver", name, reads, body, contract, "contract=C")

    def gold(
        self,
        name: str,
        reads: Sequence[str],
        options: str = ', owner="x"',
        *,
        description: str = '"""What it is."""',
    ) -> None:
        self._table("gold", name, reads, description, KEYED, f"contract=C{options}")

    def findings(self, *, max_readers: int = 20) -> list[Finding]:
        graph = open_project(self.root).discovery.graph
        assert graph is not None
        return check_layers(graph, self.root, max_readers=max_readers)

    def found(self, *, max_readers: int = 20) -> list[tuple[str, str | None]]:
        return [(each.code, each.asset) for each in self.findings(max_readers=max_readers)]

    def _table(
        self, layer: str, name: str, reads: Sequence[str], body: str, contract: str, options: str
    ) -> None:
        lines = [*dedent(body).strip().splitlines()]
        if not lines or not any(line.startswith("return") for line in lines):
            lines.append(f"return {reads[0]}")
        inner = "\n".join(f"    {line}" for line in lines)
        text = f"{HEAD}{dedent(contract)}\n@{layer}({options})\ndef {name}({', '.join(reads)}):\n"
        self.write(f"src/core/{layer}_{name}.py", f"{text}{inner}\n")


@pytest.fixture
def layers(tmp_path: Path) -> Layers:
    return Layers(tmp_path)


def test_a_tidy_pipeline_has_no_finding(layers: Layers) -> None:
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"])
    layers.gold("sales", ["silver_orders"])

    assert layers.findings() == []


def test_bronze_that_nobody_reads_is_found(layers: Layers) -> None:
    layers.bronze("orders")

    [finding] = layers.findings()

    assert (finding.code, finding.place) == ("POL220", "src/core/bronze_orders.py:6")
    assert finding.hint is not None
    assert "polster add-asset --layer silver --name orders" in finding.hint


@pytest.mark.parametrize(
    "body",
    [
        'return orders.join(rates, on="id")',
        'return orders.join(other=rates.select("id"), on="id")',
        'known = rates.select("id")\nreturn orders.join(known, on="id")',
        'sums = rates.group_by("id").agg(pl.len())\nreturn orders.join(sums, on="id")',
        'return pl.concat([orders, rates.filter(pl.col("id") > 1).group_by("id").agg()])',
    ],
)
def test_bronze_that_is_only_joined_or_aggregated_has_no_silver(layers: Layers, body: str) -> None:
    layers.bronze("orders")
    layers.bronze("rates")
    layers.silver("paid", ["orders", "rates"], body)

    assert layers.found() == [("POL221", "bronze.rates")]


@pytest.mark.parametrize(
    "body",
    [
        'return rates.join(orders, on="id", how="left")',
        "return pl.concat([orders, rates])",
        "return helper(orders, rates)",
        'kept = rates.filter(True)\ncounts = kept.group_by("id").agg()\nreturn kept.join(orders)',
        'return rates.with_columns(n=pl.col("id").count().over("id"))',
    ],
)
def test_bronze_whose_rows_may_be_kept_is_left_alone(layers: Layers, body: str) -> None:
    layers.bronze("rates")
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"])
    layers.silver("paid", ["orders", "rates"], body)

    assert layers.found() == []


def test_one_silver_that_keeps_the_rows_is_enough(layers: Layers) -> None:
    layers.bronze("orders")
    layers.silver("daily", ["orders"], 'return orders.group_by("day").agg(pl.len())')

    assert layers.found() == [("POL221", "bronze.orders")]

    layers.silver("clean", ["orders"])

    assert layers.found() == []


@pytest.mark.parametrize(
    "twin", ["orders_v2", "orders_backfill", "orders_hotfix", "orders_old", "orders_new_tmp"]
)
def test_a_second_version_of_a_table_is_found(layers: Layers, twin: str) -> None:
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"])
    layers.silver(twin, ["orders"])

    [finding] = layers.findings()

    assert (finding.code, finding.asset) == ("POL222", f"silver.{twin}")
    assert "`silver.orders`" in finding.message


def test_of_numbered_versions_the_later_is_found(layers: Layers) -> None:
    layers.bronze("orders")
    layers.silver("orders_v1", ["orders"])
    layers.silver("orders_v3", ["orders"])

    assert layers.found() == [("POL222", "silver.orders_v3")]


@pytest.mark.parametrize("name", ["orders_renewed", "returns_new", "orders_2", "orders_lines"])
def test_a_name_of_its_own_is_no_twin(layers: Layers, name: str) -> None:
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"])
    layers.silver(name, ["orders"])

    assert layers.found() == []


def test_a_table_of_another_layer_is_no_twin(layers: Layers) -> None:
    layers.bronze("orders")
    layers.silver("orders_new", ["orders"])

    assert layers.found() == []


def test_more_readers_than_the_limit_are_found(layers: Layers) -> None:
    layers.bronze("orders")
    for number in range(3):
        layers.silver(f"part{number}", ["orders"])

    assert layers.found(max_readers=3) == []
    assert layers.found(max_readers=2) == [("POL223", "bronze.orders")]


def test_gold_needs_an_owner_and_a_description(layers: Layers) -> None:
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"])
    layers.gold("sales", ["silver_orders"], "", description="")

    assert layers.found() == [("POL224", "gold.sales"), ("POL225", "gold.sales")]


@pytest.mark.parametrize(
    ("contract", "is_found"),
    [
        ("class C(dy.Schema):\n    id = dy.Int64()\n", True),
        ("class C(dy.Schema):\n    id = dy.Int64(primary_key=False)\n", True),
        ("from dataframely import Int64, Schema\nclass C(Schema):\n    id = Int64()\n", True),
        ("class B(dy.Schema):\n    a = dy.Int8()\nclass C(B):\n    id = dy.Int64()\n", True),
        (
            "class B(dy.Schema):\n    a = dy.Int8(primary_key=True)\nclass C(B):\n"
            "    id = dy.Int64()\n",
            False,
        ),
        ("KEY = True\nclass C(dy.Schema):\n    id = dy.Int64(primary_key=KEY)\n", False),
        ("O = {}\nclass C(dy.Schema):\n    id = dy.Int64(**O)\n", False),
        ("def key(): ...\nclass C(dy.Schema):\n    id = key()\n", False),
        ("from contracts import Base\nclass C(Base):\n    id = dy.Int64()\n", False),
        ('class C(dy.Schema):\n    """Not yet."""\n', False),
    ],
)
def test_a_contract_that_certainly_has_no_key_is_found(
    layers: Layers, contract: str, is_found: bool
) -> None:
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"], contract=contract)

    assert layers.found() == ([("POL226", "silver.orders")] if is_found else [])


def test_a_contract_of_another_module_is_read_there(layers: Layers) -> None:
    layers.write(
        "src/core/contracts.py",
        """
        import dataframely as dy


        class Base(dy.Schema):
            loaded_at = dy.Datetime()


        class Orders(Base):
            id = dy.Int64()
        """,
    )
    layers.bronze("orders")
    layers.silver("orders", ["bronze_orders"], contract="from core.contracts import Orders as C\n")

    [finding] = layers.findings()

    assert (finding.code, finding.place) == ("POL226", "src/core/silver_orders.py:7")
