"""A whole pipeline rehearsed: what is told of it, and that nothing else is touched."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polster.errors import DefinitionError, UsageError
from polster.operations.init import init
from polster.operations.open_project import open_project
from polster.operations.rehearse import rehearse
from polster.rehearsal.outcome import Rehearsal, TrialResult

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FLIGHTS = Path(__file__).parents[2] / "examples" / "flights"


def codes(result: Rehearsal) -> dict[str, list[str | None]]:
    """Return the assets that findings are about, by code."""
    found: dict[str, list[str | None]] = {}
    for finding in result.findings:
        found.setdefault(finding.code, []).append(finding.asset)
    return found


def results(result: Rehearsal, key: str) -> dict[str, str]:
    entry = next(each for each in result.assets if str(each.key) == key)
    return {trial.rule: trial.result.value for trial in entry.trials}


@pytest.fixture
def typed(pipeline: Pipeline) -> Pipeline:
    """Customers and their orders, every layer under contract; bronze cannot be called."""
    for name, columns in {
        "customers": "customer_id = dy.Int64(primary_key=True)\n"
        "    name = dy.String(nullable=True)",
        "orders": "id = dy.Int64(primary_key=True)\n    customer_id = dy.Int64()\n"
        "    amount = dy.Float64()",
    }.items():
        pipeline.asset(
            f"bronze.{name}",
            f"class Export(dy.Schema):\n    {columns}\n\n\n@bronze(contract=Export)\n"
            f"def {name}() -> pl.LazyFrame:\n    raise RuntimeError('the source is down')\n",
        )
    pipeline.asset(
        "silver.customers",
        """
        class Customers(dy.Schema):
            customer_id = dy.Int64(primary_key=True)
            name = dy.String(nullable=False)


        @silver(contract=Customers)
        def customers(bronze_customers: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_customers.select("customer_id", "name")
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)
            customer_id = dy.Int64()
            amount = dy.Float64(min=0)


        @silver(contract=Orders, on_violation={"amount|min": "warn"})
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.select("id", "customer_id", "amount")
        """,
    )
    pipeline.asset(
        "gold.spending",
        """
        class Spending(dy.Schema):
            name = dy.String(nullable=False)
            spent = dy.Float64(min=0)


        @gold(contract=Spending, owner="ops")
        def spending(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
            joined = orders.join(customers, on="customer_id")
            return joined.group_by("name").agg(spent=pl.col("amount").sum())
        """,
    )
    return pipeline


def test_every_rule_goes_where_its_policy_says(typed: Pipeline) -> None:
    result = rehearse(typed.open())

    assert result.findings == ()
    assert results(result, "silver.customers") == {
        "customer_id|nullability": "quarantined",
        "name|nullability": "quarantined",
        "primary_key": "quarantined",
    }
    assert results(result, "silver.orders")["amount|min"] == "counted"
    assert set(results(result, "gold.spending").values()) == {"refused"}


def test_joined_tables_share_their_keys(typed: Pipeline) -> None:
    result = rehearse(typed.open())

    spending = result.assets[-1]
    assert str(spending.key) == "gold.spending"
    assert spending.returned > 20


@pytest.mark.parametrize("fixture", [False, True], ids=["sampled", "fixture"])
def test_keys_of_different_names_that_are_joined_share_their_values(
    typed: Pipeline, fixture: bool
) -> None:
    for file in ("bronze_orders", "silver_orders"):
        typed.edit(f"src/core/{file}.py", "customer_id", "buyer")
    typed.edit("src/core/bronze_orders.py", "buyer", "KNr")
    typed.edit(
        "src/core/silver_orders.py",
        "select(",
        'rename({"KNr": "buyer"}).sort("_ingested_at").select(',
    )
    typed.edit(
        "src/core/gold_spending.py",
        'on="customer_id"',
        'left_on="buyer", right_on="customer_id"',
    )
    if fixture:
        typed.write("tests/fixtures/bronze_customers.csv", "customer_id,name\n7001,Anna\n7002,Ida")

    result = rehearse(typed.open())

    assert result.findings == ()
    assert result.assets[-1].returned > (1 if fixture else 20)


@pytest.mark.parametrize("policy", ["quarantine", "warn", "fail"])
def test_a_reference_is_kept_by_the_sample_and_broken_once(typed: Pipeline, policy: str) -> None:
    for layer in ("bronze", "silver"):
        typed.edit(f"src/core/{layer}_orders.py", "    customer_id =", "    buyer =")
    typed.edit("src/core/silver_orders.py", '"customer_id", ', '"buyer", ')
    typed.edit(
        "src/core/silver_orders.py",
        '{"amount|min": "warn"}',
        f'{{"buyer|references": "{policy}"}}, references={{"buyer": "customers.customer_id"}}',
    )

    result = rehearse(typed.open(), ["+silver.orders"])

    assert result.findings == ()
    entry = next(each for each in result.assets if str(each.key) == "silver.orders")
    assert entry.quarantined == 0
    assert results(result, "silver.orders")["buyer|references"] == {
        "quarantine": "quarantined",
        "warn": "counted",
        "fail": "refused",
    }.get(policy)


def test_a_table_that_refers_to_itself_is_sampled_whole_and_broken(typed: Pipeline) -> None:
    column = "    boss = dy.Int64(nullable=True)\n    name = dy"
    for layer in ("bronze", "silver"):
        typed.edit(f"src/core/{layer}_customers.py", "    name = dy", column)
    typed.edit("src/core/silver_customers.py", '"name")', '"name", "boss")')
    typed.edit(
        "src/core/silver_customers.py",
        "contract=Customers",
        'contract=Customers, references={"boss": "customers.customer_id"}',
    )

    result = rehearse(typed.open(), ["+silver.customers"])

    assert result.findings == ()
    assert result.assets[-1].published > 50
    assert results(result, "silver.customers")["boss|references"] == "quarantined"


def test_keys_of_several_columns_are_shared_together(typed: Pipeline) -> None:
    for file in ("bronze_customers", "silver_customers"):
        typed.edit(
            f"src/core/{file}.py",
            "customer_id = dy.Int64(primary_key=True)",
            "area = dy.Int64(primary_key=True)\n    number = dy.Int64(primary_key=True)",
        )
    typed.edit("src/core/silver_customers.py", '"customer_id"', '"area", "number"')
    for file in ("bronze_orders", "silver_orders"):
        typed.edit(
            f"src/core/{file}.py",
            "customer_id = dy.Int64()",
            "for_area = dy.Int64()\n    for_number = dy.Int64()",
        )
    typed.edit("src/core/silver_orders.py", '"customer_id"', '"for_area", "for_number"')
    typed.edit(
        "src/core/gold_spending.py",
        'on="customer_id"',
        'left_on=["for_area", "for_number"], right_on=["area", "number"]',
    )

    result = rehearse(typed.open())

    assert result.findings == ()
    assert result.assets[-1].returned > 20


def test_the_projects_own_lakehouse_is_not_touched(typed: Pipeline) -> None:
    rehearse(typed.open())

    assert not typed.data.exists()


def test_the_same_seed_tells_the_same(typed: Pipeline) -> None:
    first, again = (replace(rehearse(typed.open(), seed=3), seconds=0) for _ in range(2))

    assert first == again


def test_a_selection_plays_what_it_stands_on(typed: Pipeline) -> None:
    result = rehearse(typed.open(), ["silver.orders"])

    assert [str(entry.key) for entry in result.assets] == ["silver.orders"]
    assert result.assets[0].trials


def test_gold_that_refuses_what_silver_allows_is_told(typed: Pipeline) -> None:
    typed.edit(
        "src/core/gold_spending.py", "spent = dy.Float64(min=0)", "spent = dy.Float64(max=9)"
    )

    result = rehearse(typed.open())

    assert codes(result) == {"POL804": ["gold.spending"]}
    assert "spent|max" in result.findings[0].message
    assert result.assets[-1].left_out == "it failed"


def test_a_bound_that_the_type_of_what_is_returned_keeps_is_no_finding(typed: Pipeline) -> None:
    typed.asset(
        "gold.counts",
        """
        class Counts(dy.Schema):
            name = dy.String(primary_key=True)
            orders = dy.Int64(min=0)
            share = dy.Float64()

            @dy.rule()
            def always(cls) -> pl.Expr:
                return (cls.orders.col > 5) | (cls.orders.col <= 5)


        @gold(contract=Counts, owner="ops")
        def counts(customers: pl.LazyFrame) -> pl.LazyFrame:
            grouped = customers.group_by("name")
            return grouped.agg(orders=pl.len(), share=pl.col("customer_id").sum())
        """,
    )

    result = rehearse(typed.open())

    assert [finding.message.split("`")[1] for finding in result.findings] == ["always"]
    told = results(result, "gold.counts")
    kept = {"orders|dtype", "orders|min", "share|nan", "share|inf"}
    assert {rule for rule, what in told.items() if what == "kept by its type"} == kept
    assert told["always"] == "not broken"
    assert told.keys() - kept == {
        "name|nullability",
        "orders|nullability",
        "share|dtype",
        "share|nullability",
        "primary_key",
        "always",
    }


@pytest.mark.parametrize(
    "drops",
    ['.drop_nulls("name")', '.filter(pl.col("name") != "")', ".head(20)"],
)
def test_a_silver_function_that_drops_rows_is_told(typed: Pipeline, drops: str) -> None:
    typed.edit("src/core/silver_customers.py", '.select("', drops + '.select("')

    result = rehearse(typed.open())

    assert codes(result) == {"POL803": ["silver.customers"]}


def test_dropping_rows_with_a_reason_is_accepted(typed: Pipeline) -> None:
    typed.edit("src/core/silver_customers.py", '.select("', '.drop_nulls("name").select("')
    typed.edit(
        "src/core/silver_customers.py",
        "@silver",
        "# polster: ignore[POL803] nobody is nobody\n@silver",
    )

    assert rehearse(typed.open()).findings == ()


def test_a_comment_that_hides_nothing_is_told(typed: Pipeline) -> None:
    typed.edit("src/core/silver_customers.py", "@silver", "# polster: ignore[POL803] why\n@silver")

    result = rehearse(typed.open())

    assert [finding.code for finding in result.findings] == ["POL692"]


def test_a_function_that_fails_on_odd_but_legal_values_is_told(typed: Pipeline) -> None:
    typed.edit(
        "src/core/silver_customers.py",
        'select("customer_id", "name")',
        'select("customer_id", pl.col("name").str.to_date().cast(pl.String))',
    )

    result = rehearse(typed.open())

    assert codes(result) == {"POL804": ["silver.customers"]}
    assert result.findings[0].file == "src/core/silver_customers.py"


def test_rows_that_no_chance_writes_rightly_are_asked_for(typed: Pipeline) -> None:
    typed.edit("src/core/bronze_orders.py", "amount = dy.Float64()", "amount = dy.String()")
    typed.edit(
        "src/core/silver_orders.py",
        'select("id", "customer_id", "amount")',
        'select("id", "customer_id", pl.col("amount").str.extract(r"^EUR (.+)$"))',
    )

    (empty,) = [each for each in rehearse(typed.open()).findings if each.code == "POL805"]

    assert "every row is quarantined: amount|nullability (100)" in empty.message
    assert str(empty.hint).startswith("put rows as the source sends them into tests/fixtures/")


def test_of_assets_left_empty_the_first_is_told(typed: Pipeline) -> None:
    typed.edit(
        "src/core/silver_orders.py", '"amount")', '"amount").filter(pl.col("amount").is_nan())'
    )

    result = rehearse(typed.open())

    assert codes(result)["POL805"] == ["silver.orders"]


def test_a_rule_that_judges_the_whole_table_at_once_is_told(typed: Pipeline) -> None:
    typed.edit(
        "src/core/silver_orders.py",
        "    amount = dy.Float64(min=0)\n",
        "    amount = dy.Float64(min=0)\n\n"
        "    @dy.rule()\n"
        "    def plausible(cls) -> pl.Expr:\n"
        "        return cls.amount.col.max() < 5000\n",
    )

    result = rehearse(typed.open())

    assert codes(result) == {"POL802": ["silver.orders"]}
    assert results(result, "silver.orders")["plausible"] == TrialResult.WRONG


def test_a_rule_that_is_moody_is_told(typed: Pipeline) -> None:
    typed.edit(
        "src/core/silver_orders.py",
        "    amount = dy.Float64(min=0)\n",
        "    amount = dy.Float64(min=0)\n\n"
        "    @dy.rule()\n"
        "    def seen_before(cls) -> pl.Expr:\n"
        "        return cls.id.col.map_elements(fresh, return_dtype=pl.Boolean)\n",
    )
    typed.edit(
        "src/core/silver_orders.py",
        "class Orders",
        "ASKED = [0]\n\n\n"
        "def fresh(value: int) -> bool:\n"
        "    ASKED[0] += 1\n"
        "    return ASKED[0] % 997 != 0\n\n\n"
        "class Orders",
    )

    result = rehearse(typed.open())

    assert set(codes(result)) & {"POL802", "POL804"}


def test_bronze_of_which_nothing_is_known_is_told_with_all_that_stands_on_it(
    shop: Pipeline,
) -> None:
    result = rehearse(shop.open())

    assert codes(result) == {"POL805": ["bronze.orders"]}
    assert "tests/fixtures/bronze_orders.csv" in str(result.findings[0].hint)
    bronze, silver, gold = result.assets
    assert bronze.left_out
    assert (silver.left_out, silver.sampled) == (bronze.left_out, "sampled from its contract")
    assert (gold.left_out, gold.sampled) == ("", "computed from samples of its inputs")


def test_rules_of_silver_and_gold_are_broken_although_bronze_is_unknown(shop: Pipeline) -> None:
    result = rehearse(shop.open())

    assert results(result, "silver.orders")["amount|min"] == "quarantined"
    assert results(result, "silver.orders")["primary_key"] == "quarantined"
    assert results(result, "gold.spending")["primary_key"] == "refused"


def test_a_gold_function_that_fails_on_what_its_inputs_allow_is_told_without_bronze(
    shop: Pipeline,
) -> None:
    shop.edit("src/core/gold_spending.py", "min=0", "max=2")

    assert codes(rehearse(shop.open()))["POL804"] == ["gold.spending"]


def test_what_the_project_keeps_of_bronze_is_enough_to_sample_it(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data)

    result = rehearse(shop.open())

    assert result.findings == ()
    assert [entry.left_out for entry in result.assets] == ["", "", ""]


TEXT_BRONZE = """
@bronze
def sales() -> pl.LazyFrame:
    return pl.LazyFrame({"no": ["1"], "sold": ["31.12.2024"], "sum": ["1.5"], "paid": ["true"]})
"""
TYPED_SILVER = """
class Sales(dy.Schema):
    number = dy.Int64(primary_key=True)
    day = dy.Date()
    amount = dy.Float64(min=0)
    quarter = dy.String(regex="^Q[1-4]$")


@silver(contract=Sales)
def sales(bronze_sales: pl.LazyFrame) -> pl.LazyFrame:
    day = pl.col("sold").str.to_date("%d.%m.%Y")
    return bronze_sales.select(
        number=pl.col("no").cast(pl.Int64),
        day=day,
        amount=pl.col("sum").cast(pl.Float64),
        quarter=pl.format("Q{}", day.dt.quarter()),
    )
"""


def test_text_takes_the_form_that_the_casts_of_silver_accept(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.sales", TEXT_BRONZE)
    pipeline.asset("silver.sales", TYPED_SILVER)
    pipeline.run()

    result = rehearse(pipeline.open())

    bronze, silver = result.assets
    assert bronze.sampled == "sampled in the form that silver.sales reads"
    assert (silver.left_out, silver.sampled) == ("", "")
    assert silver.published > 0
    assert "POL805" not in codes(result)


def test_landed_rows_are_taken_if_asked_for(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.sales", TEXT_BRONZE)
    pipeline.asset("silver.sales", TYPED_SILVER)
    pipeline.run()

    bronze, silver = rehearse(pipeline.open(), from_data=True).assets

    assert (bronze.returned, bronze.sampled) == (1, "of its table")
    assert (silver.returned, silver.published) == (1, 1)
    assert all(trial.result.is_broken for trial in silver.trials)


def test_bronze_that_was_run_once_is_sampled_by_what_its_reader_expects(shop: Pipeline) -> None:
    shop.run()

    result = rehearse(shop.open())

    assert result.findings == ()
    silver = result.assets[1]
    assert (silver.returned, silver.published) == (100, 100)
    assert results(result, "silver.orders")["amount|dtype"] == "quarantined"


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_a_fixture_wins(shop: Pipeline, suffix: str) -> None:
    rows = {
        "csv": "id,customer,amount\n1,ann,10.5\n2,bob,20\n",
        "jsonl": '{"id":1,"customer":"ann","amount":1.5}\n{"id":2,"customer":"b","amount":2}\n',
    }
    shop.run()
    shop.write(f"tests/fixtures/bronze_orders.{suffix}", rows[suffix])

    result = rehearse(shop.open())

    assert result.findings == ()
    assert [entry.returned for entry in result.assets] == [2, 2, 2]


def test_a_fixture_that_cannot_be_read_is_named(shop: Pipeline) -> None:
    shop.write("tests/fixtures/bronze_orders.jsonl", "no json")

    with pytest.raises(UsageError) as raised:
        rehearse(shop.open())

    assert raised.value.place == "tests/fixtures/bronze_orders.jsonl"


def test_a_pipeline_with_mistakes_is_not_rehearsed(shop: Pipeline) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl", "bronze_orders: pl")

    with pytest.raises(DefinitionError):
        rehearse(shop.open())


def test_the_sample_project_rehearses_right_after_init(tmp_path: Path) -> None:
    made = init("shop", parent=tmp_path, git=False, sample_assets=True).root

    result = rehearse(open_project(made))

    assert result.findings == ()
    assert sum(len(entry.trials) for entry in result.assets) == 23
    assert not any(entry.left_out for entry in result.assets)


def test_the_flights_example_rehearses_without_a_finding(tmp_path: Path) -> None:
    left_behind = shutil.ignore_patterns("data", "landing", "__pycache__", ".*cache", ".venv")
    copied = Path(shutil.copytree(FLIGHTS, tmp_path / "flights", ignore=left_behind))

    result = rehearse(open_project(copied))

    assert result.findings == ()
    trials = [trial for entry in result.assets for trial in entry.trials]
    assert len(trials) > 190
    assert {trial.result for trial in trials} == {TrialResult.QUARANTINED, TrialResult.REFUSED}
