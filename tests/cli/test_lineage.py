from __future__ import annotations

from typing import Any

import pytest

from polster.cli.lineage_mermaid import quoted
from polster.operations.describe import describe


@pytest.fixture
def built(shop: Any) -> Any:
    """The shop, run once, so that the columns of its bronze are known."""
    shop.run()
    return shop


def test_without_a_name_the_tables_are_listed(shop: Any) -> None:
    result = shop.cli("lineage")

    assert result.stdout.splitlines() == [
        "asset          reads          read by",
        "bronze.orders                 silver.orders",
        "silver.orders  bronze.orders  gold.spending",
        "gold.spending  silver.orders",
    ]


def test_without_a_name_the_tables_are_drawn(shop: Any) -> None:
    result = shop.cli("lineage", "--format", "mermaid")

    assert result.stdout.splitlines() == [
        "flowchart LR",
        '    t0["bronze.orders"]',
        '    t1["silver.orders"]',
        '    t2["gold.spending"]',
        "    t0 --> t1",
        "    t1 --> t2",
    ]


def test_what_is_referred_to_is_not_shown_as_read(shop: Any) -> None:
    shop.asset(
        "silver.customers",
        """
        class Customers(dy.Schema):
            customer = dy.String(primary_key=True)


        @silver(contract=Customers)
        def customers(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.select("customer")
        """,
    )
    shop.edit(
        "src/core/silver_orders.py",
        "@silver(",
        '@silver(references={"customer": "customers.customer"}, ',
    )

    drawn = shop.cli("lineage", "--format", "mermaid").stdout
    told = shop.cli("lineage", "silver.orders").stdout
    listed = {each["asset"]: each for each in shop.json("list-assets")}

    assert "    t1 -. refers to .-> t2" in drawn.splitlines()
    assert "    t1 --> t2" not in drawn.splitlines()
    assert "reads bronze.orders" in told
    assert "refers to silver.customers" in told
    assert listed["silver.orders"]["depends_on"] == ["bronze.orders"]
    assert listed["silver.orders"]["refers_to"] == ["silver.customers"]
    described = shop.open()
    assert describe(described, "silver.orders").table_rules == {
        "customer|references": "in customers.customer"
    }


def test_without_a_name_the_tables_are_there_for_machines(shop: Any) -> None:
    assert shop.json("lineage")["assets"][1] == {
        "asset": "silver.orders",
        "reads": ["bronze.orders"],
        "owner": "ops",
    }


def test_an_empty_project_has_no_lineage(pipeline: Any) -> None:
    assert pipeline.cli("lineage").stdout == "no assets yet\n"


def test_a_column_is_shown_with_what_it_is_made_of_and_where_it_goes(built: Any) -> None:
    result = built.cli("lineage", "silver.orders.customer")

    assert result.stdout.splitlines() == [
        "silver.orders.customer",
        "",
        "made of",
        "  bronze.orders.customer  value",
        "",
        "goes into",
        "  gold.spending.customer  value",
        "  gold.spending.spent     influence",
        "",
        "gold tables",
        "  gold.spending           value, owner: sales",
    ]


def test_only_one_direction_is_shown_where_one_is_asked_for(built: Any) -> None:
    up = built.cli("lineage", "spending.spent", "--upstream")
    down = built.cli("lineage", "spending.spent", "--downstream")

    assert up.stdout.splitlines() == [
        "gold.spending.spent",
        "",
        "made of",
        "  silver.orders.amount      value",
        "    bronze.orders.amount    value",
        "  silver.orders.customer    influence",
        "    bronze.orders.customer  value",
    ]
    assert down.stdout.splitlines() == [
        "gold.spending.spent",
        "",
        "goes into",
        "  no column of this pipeline",
    ]


def test_a_column_of_bronze_is_made_of_its_source(built: Any) -> None:
    result = built.cli("lineage", "bronze.orders.amount", "--upstream")

    assert result.stdout.splitlines()[2:] == ["made of", "  its source"]


def test_an_asset_is_shown_with_each_of_its_columns(built: Any) -> None:
    result = built.cli("lineage", "gold.spending")

    assert result.stdout.splitlines() == [
        "gold.spending",
        "  reads silver.orders",
        "  read by nobody",
        "",
        "every column",
        "  from silver.orders.customer  influence",
        "",
        "customer",
        "  from silver.orders.customer  value",
        "",
        "spent",
        "  from silver.orders.amount    value",
    ]


def test_a_column_that_takes_no_values_says_so_behind_what_influences_it(built: Any) -> None:
    built.edit("src/core/gold_spending.py", "spent = dy", "is_big = dy.Bool()\n    spent = dy")
    built.edit(
        "src/core/gold_spending.py",
        ".agg(",
        ".agg(is_big=pl.when(pl.col('amount').sum() > 9).then(True).otherwise(False), ",
    )

    result = built.cli("lineage", "gold.spending", "--upstream")

    assert result.stdout.splitlines()[-6:-3] == [
        "is_big",
        "  from silver.orders.amount    influence",
        "  from no column's value",
    ]


def test_what_is_unknown_is_said_with_its_reason(pipeline: Any) -> None:
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
            length = dy.Int64()


        @silver(contract=Persons)
        def people(bronze_people: pl.LazyFrame) -> pl.LazyFrame:
            length = pl.col("name").map_elements(len, return_dtype=pl.Int64)
            return bronze_people.select(who="name", length=length)
        """,
    )

    result = pipeline.cli("lineage", "silver.people.length", "--upstream")

    assert result.stdout.splitlines()[2:] == [
        "made of",
        "  bronze.people.name  perhaps value (a Python function is on the way)",
    ]


def test_a_column_of_any_name_is_drawn(pipeline: Any) -> None:
    pipeline.asset(
        "bronze.odd",
        """
        class Odd(dy.Schema):
            a = dy.String(alias='größe "in" cm.x')


        @bronze(contract=Odd)
        def odd() -> pl.LazyFrame:
            return pl.LazyFrame({'größe "in" cm.x': ["1"]})
        """,
    )
    pipeline.asset(
        "silver.odd",
        """
        class Plain(dy.Schema):
            a = dy.String(primary_key=True)


        @silver(contract=Plain)
        def odd(bronze_odd: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_odd.select(a='größe "in" cm.x')
        """,
    )

    result = pipeline.cli("lineage", 'bronze.odd.größe "in" cm.x', "--format", "mermaid")

    assert result.stdout.splitlines() == [
        "flowchart LR",
        '    subgraph t0["bronze.odd"]',
        '        c0["größe #34;in#34; cm.x"]',
        "    end",
        '    subgraph t1["silver.odd"]',
        '        c1["a"]',
        "    end",
        "    c0 --> c1",
    ]


def test_influence_is_drawn_apart_from_values(built: Any) -> None:
    result = built.cli("lineage", "gold.spending", "--upstream", "--format", "mermaid")

    lines = result.stdout.splitlines()
    assert [line.strip() for line in lines if "--" in line or ".->" in line] == [
        "c2 --> c0",
        "c3 --> c1",
        "c2 -. influence .-> c1",
    ]


def test_a_column_is_there_for_machines(built: Any) -> None:
    shown = built.json("lineage", "gold.spending.spent", "--upstream")

    assert shown["asset"], shown["column"] == ("gold.spending", "spent")
    assert shown["upstream"][0] == {
        "asset": "silver.orders",
        "column": "amount",
        "steps": 1,
        "by_value": True,
        "certain": True,
    }
    assert {
        "from": {"asset": "bronze.orders", "column": "amount"},
        "to": {"asset": "silver.orders", "column": "amount"},
        "by_value": True,
        "unknown": None,
    } in shown["arrows"]
    assert "downstream" not in shown


def test_an_asset_is_there_for_machines(built: Any) -> None:
    shown = built.json("lineage", "silver.orders")

    assert (shown["reads"], shown["read_by"]) == (["bronze.orders"], ["gold.spending"])
    assert shown["columns"][0] == {
        "name": "id",
        "upstream": [{"asset": "bronze.orders", "column": "id", "by_value": True, "unknown": None}],
        "downstream": [],
    }


def test_a_name_that_is_none_ends_with_the_exit_code_of_wrong_usage(built: Any) -> None:
    result = built.cli("lineage", "silver.orders.amout")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "error[POL218]: `silver.orders` has no column `amout`\n\nhint: did you mean `amount`?\n"
    )


@pytest.mark.parametrize("text", ['"] --> x', "a\nb", "%%{init}%%", "`x`", "#quot;", "\\"])
def test_a_name_cannot_break_out_of_its_quotes(text: str) -> None:
    shown = quoted(text)

    assert not set('"\n%{}`\\[]<>') & set(shown)
