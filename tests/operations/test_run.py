from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.errors import DefinitionError, UsageError
from polster.model.event import AssetEnded, RunEvent

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PUBLISHED = {
    "bronze.orders": "published",
    "silver.orders": "published",
    "gold.spending": "published",
}
UNCHANGED = dict.fromkeys(PUBLISHED, "unchanged")


def test_a_first_run_publishes_everything_and_a_second_nothing(shop: Pipeline) -> None:
    first = shop.run()
    second = shop.outcome()

    assert {str(a.asset): a.status.value for a in first.assets} == PUBLISHED
    assert first.status == "succeeded"
    assert first.release == first.run_id
    assert second == UNCHANGED
    assert shop.version("silver.orders") == 0
    assert shop.table("gold.spending").sort("customer").rows() == [("ann", 10.5), ("bob", 20.0)]
    assert shop.runs[1].release is None


def test_a_record_says_what_came_in_and_what_became_of_it(shop: Pipeline) -> None:
    silver = shop.run().assets[1]

    assert str(silver.asset) == "silver.orders"
    assert silver.rows_in == {"bronze.orders": 5}
    assert (silver.rows_returned, silver.rows_published, silver.rows_quarantined) == (5, 2, 3)
    assert silver.rules_broken == {"amount|min": 1, "customer|nullability": 1, "primary_key": 1}
    assert silver.version == 0
    assert silver.reasons == ("it was never built",)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("src/core/silver_orders.py", "@silver(", "# a comment\n@silver("),
        (
            "src/core/silver_orders.py",
            "    return bronze",
            '    """A docstring."""\n    return bronze',
        ),
        (
            "src/core/silver_orders.py",
            "id = dy.Int64(primary_key=True)",
            "id = dy.Int64(\n        primary_key=True,\n    )",
        ),
        ("src/core/tax.py", "RATE = 1", '"""Taxes."""\n\nRATE = 1  # none yet'),
    ],
    ids=["comment", "docstring", "layout", "helper"],
)
def test_what_is_for_people_only_reruns_nothing(
    shop: Pipeline, path: str, old: str, new: str
) -> None:
    shop.write("src/core/tax.py", "RATE = 1\n")
    shop.edit(
        "src/core/silver_orders.py",
        "import polster\n",
        "import polster\nfrom core.tax import RATE\n",
    )
    shop.run()

    shop.edit(path, old, new)

    assert shop.outcome() == UNCHANGED


def test_an_edit_of_the_code_reruns_the_asset_and_what_depends_on_it(shop: Pipeline) -> None:
    shop.run()

    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(1)")

    assert shop.reasons() == {
        "bronze.orders": ("bronze asks its source",),
        "silver.orders": ("its code changed",),
        "gold.spending": ("silver.orders runs first",),
    }
    assert shop.outcome() == {**PUBLISHED, "bronze.orders": "unchanged"}
    assert shop.table("gold.spending").rows() == [("ann", 10.5)]
    assert shop.outcome() == UNCHANGED


def test_an_edit_of_gold_leaves_silver_alone(shop: Pipeline) -> None:
    shop.run()

    shop.edit("src/core/gold_spending.py", ".sum()", ".max()")

    assert shop.outcome() == {**UNCHANGED, "gold.spending": "published"}


@pytest.mark.parametrize(
    "spelling",
    [
        "from core.tax import RATE",
        "from core import tax; RATE = tax.RATE",
        "import core.tax; RATE = core.tax.RATE",
        "from .tax import RATE",
        "from . import tax; RATE = tax.RATE",
        "from core.prices import RATE",
    ],
)
def test_an_edit_of_a_helper_reruns_who_imports_it(shop: Pipeline, spelling: str) -> None:
    shop.write("src/core/tax.py", "RATE = 1\n")
    shop.write("src/core/prices.py", "from core.tax import RATE\n")
    shop.edit("src/core/silver_orders.py", "import polster\n", f"import polster\n{spelling}\n")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        'return bronze_orders.with_columns(pl.col("amount").cast(pl.Float64) * RATE)',
    )
    shop.run()

    shop.write("src/core/tax.py", "RATE = 2\n")  # same length, within the same second

    assert shop.reasons()["silver.orders"] == ("the module core.tax changed",)
    assert shop.outcome() == {**PUBLISHED, "bronze.orders": "unchanged"}
    assert shop.table("gold.spending").sort("customer").rows() == [("ann", 21.0), ("bob", 40.0)]


def test_a_changed_contract_says_so(shop: Pipeline) -> None:
    shop.run()

    shop.edit("src/core/silver_orders.py", "min=0", "min=-10")

    assert shop.reasons()["silver.orders"] == ("its contract changed",)
    assert shop.run().assets[1].rules_broken == {"customer|nullability": 1, "primary_key": 1}


def test_new_data_in_bronze_reruns_what_depends_on_it(shop: Pipeline) -> None:
    shop.run()

    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")

    assert shop.outcome() == PUBLISHED
    assert shop.runs[-1].assets[1].reasons == ("bronze.orders has new data",)
    assert shop.table("gold.spending").sort("customer").rows() == [("ann", 11.0), ("bob", 20.0)]


def test_a_full_refresh_builds_silver_and_gold_again(shop: Pipeline) -> None:
    shop.run()

    assert shop.reasons(full_refresh=True)["gold.spending"][0] == "a full refresh was asked for"
    assert shop.outcome(full_refresh=True) == {**PUBLISHED, "bronze.orders": "unchanged"}


def test_another_policy_reruns_another_owner_does_not(shop: Pipeline) -> None:
    shop.run()

    shop.edit("src/core/silver_orders.py", 'owner="ops", tags=["daily"]', 'owner="finance"')
    assert shop.outcome() == UNCHANGED

    shop.edit("src/core/silver_orders.py", 'owner="finance"', 'on_violation="warn"')
    assert shop.outcome()["silver.orders"] == "published"
    assert shop.table("silver.orders").height == 5


def test_another_contract_of_bronze_judges_the_same_batch_again(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        class X(dy.Schema):
            a = dy.Int64(min=0)


        @bronze(contract=X)
        def x() -> pl.LazyFrame:
            return pl.LazyFrame({"a": [-1, 5, 50]})
        """,
    )
    pipeline.run()
    assert pipeline.outcome() == {"bronze.x": "unchanged"}

    pipeline.edit("src/core/bronze_x.py", "min=0", "min=0, max=9")

    assert pipeline.outcome() == {"bronze.x": "published"}
    assert pipeline.table("bronze.x").to_series().to_list() == [5]


def test_a_bronze_asset_that_appends_lands_what_it_is_given(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        @bronze(load="append")
        def x() -> pl.LazyFrame:
            return pl.scan_csv("landing/*.csv", schema={"a": pl.Int64})
        """,
    )
    pipeline.write("landing/a.csv", "a\n1\n")
    pipeline.run()
    pipeline.write("landing/a.csv", "a\n2\n")
    pipeline.run()
    pipeline.write("landing/a.csv", "a\n")
    outcome = pipeline.outcome()

    assert outcome == {"bronze.x": "unchanged"}
    assert sorted(pipeline.table("bronze.x")["a"]) == [1, 2]


def test_a_selection_runs_what_it_says(shop: Pipeline) -> None:
    shop.run()

    assert list(shop.outcome("gold.spending")) == ["gold.spending"]
    assert list(shop.outcome("+gold.spending")) == list(PUBLISHED)
    assert list(shop.outcome("bronze.orders+")) == list(PUBLISHED)
    assert list(shop.outcome("orders")) == ["bronze.orders", "silver.orders"]
    assert list(shop.outcome("tag:daily")) == ["silver.orders"]
    assert list(shop.outcome("layer:gold", "owner:ops")) == ["silver.orders", "gold.spending"]
    assert list(shop.outcome("*.spend*")) == ["gold.spending"]


@pytest.mark.parametrize(
    ("term", "code", "hint"),
    [
        ("silver.order", "POL201", "did you mean `silver.orders`?"),
        ("+", "POL201", "see the assets with: polster list-assets"),
        ("layer:platinum", "POL216", "the layers: bronze, silver, gold"),
        ("tag:weekly", "POL216", "the tags: daily"),
        ("colour:red", "POL216", "one can select by layer:…, owner:…, tag:…"),
        ("zzz*", "POL216", "see the assets with: polster list-assets"),
    ],
)
def test_a_wrong_selection_is_refused_before_anything_runs(
    shop: Pipeline, term: str, code: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        shop.run("bronze.orders", term)

    assert (caught.value.code, caught.value.hint) == (code, hint)
    assert not shop.data.exists()


def test_an_upstream_that_was_never_built_names_the_command(shop: Pipeline) -> None:
    record = shop.run("gold.spending")

    error = record.assets[0].error
    assert record.status == "failed"
    assert error is not None
    assert error.code == "POL308"
    assert error.message == "`silver.orders`, which it reads, was never built"
    assert error.hint == "polster run silver.orders, or both with: polster run +gold.spending"
    assert error.place == "src/core/gold_spending.py:12"


def test_a_pipeline_with_a_mistake_runs_nothing(shop: Pipeline) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl", "bronze_orders: pl")

    with pytest.raises(DefinitionError) as caught:
        shop.run()

    assert [finding.code for finding in caught.value.findings] == ["POL202"]
    assert not shop.data.exists()


def test_a_failing_asset_stops_only_what_depends_on_it(shop: Pipeline) -> None:
    shop.asset(
        "silver.broken",
        """
        class Broken(dy.Schema):
            id = dy.String()


        @silver(contract=Broken)
        def broken(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            raise RuntimeError("no")
        """,
    )
    shop.asset(
        "gold.late",
        """
        class Late(dy.Schema):
            id = dy.String()


        @gold(contract=Late)
        def late(broken: pl.LazyFrame, orders: pl.LazyFrame) -> pl.LazyFrame:
            return broken
        """,
    )

    record = shop.run()

    outcome = {str(a.asset): a.status.value for a in record.assets}
    assert outcome == {**PUBLISHED, "silver.broken": "failed", "gold.late": "skipped"}
    assert record.status == "failed"
    assert record.release is None
    late = next(a for a in record.assets if a.asset.name == "late")
    assert late.reasons == ("silver.broken failed",)


@pytest.mark.parametrize("threads", [1, 2, 8])
def test_the_number_of_threads_changes_nothing(shop: Pipeline, threads: int) -> None:
    assert shop.outcome(threads=threads) == PUBLISHED
    assert shop.table("gold.spending").height == 2


def test_everything_is_recorded_with_the_data(shop: Pipeline) -> None:
    first = shop.run()
    second = shop.run()

    rows = shop.ledger().select("run_id", "asset", "status").rows()
    expected = [
        (run.run_id, str(a.asset), a.status.value) for run in (first, second) for a in run.assets
    ]
    assert sorted(rows) == sorted(expected)


def test_a_run_context_is_handed_to_who_asks(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        @bronze
        def x(run: polster.RunContext) -> pl.LazyFrame:
            return pl.LazyFrame({"id": [run.id], "at": [run.time], "where": [run.environment]})
        """,
    )

    record = pipeline.run()

    assert pipeline.table("bronze.x").rows() == [(record.run_id, record.started_at, "dev")]


def test_an_eager_parameter_gets_an_eager_frame(shop: Pipeline) -> None:
    shop.edit(
        "src/core/gold_spending.py",
        "orders: pl.LazyFrame) -> pl.LazyFrame",
        "orders: pl.DataFrame) -> pl.DataFrame",
    )

    assert shop.outcome() == PUBLISHED


def test_a_diamond_sees_one_world(pipeline: Pipeline) -> None:
    """Another run publishes the shared upstream while this one is between its two readers."""
    pipeline.write("landing/a.csv", "a\n1\n")
    pipeline.asset("bronze.x", "@bronze\ndef x():\n    return pl.scan_csv('landing/a.csv')\n")
    for name in ("left", "right"):
        pipeline.asset(
            f"silver.{name}",
            f"""
            class C(dy.Schema):
                a = dy.Int64()


            @silver(contract=C)
            def {name}(x: pl.LazyFrame) -> pl.LazyFrame:
                return x
            """,
        )
    pipeline.asset(
        "gold.both",
        """
        class C(dy.Schema):
            l = dy.Int64()
            r = dy.Int64()


        @gold(contract=C)
        def both(left: pl.LazyFrame, right: pl.LazyFrame) -> pl.LazyFrame:
            return pl.concat([left.select(l="a"), right.select(r="a")], how="horizontal")
        """,
    )
    pipeline.run("bronze.x")
    meddled: list[str] = []

    def meddle(event: RunEvent) -> None:
        if isinstance(event, AssetEnded) and not meddled:
            meddled.append("once")
            pipeline.write("landing/a.csv", "a\n2\n")
            pipeline.run("bronze.x")

    pipeline.run("layer:silver", "layer:gold", listener=meddle, threads=1)

    assert pipeline.table("bronze.x").rows() == [(2,)]
    assert pipeline.table("gold.both").rows() == [(1, 1)]
    assert pipeline.outcome() == {
        "bronze.x": "unchanged",
        "silver.left": "published",
        "silver.right": "published",
        "gold.both": "published",
    }
    assert pipeline.table("gold.both").rows() == [(2, 2)]


def test_a_table_that_another_program_changed_is_built_again(shop: Pipeline) -> None:
    shop.run()

    pl.DataFrame({"customer": ["eve"], "spent": [1e9]}).write_delta(
        str(shop.data / "gold/spending"), mode="overwrite"
    )

    assert shop.reasons()["gold.spending"] == ("its table was changed by another program",)
    assert shop.outcome() == {**UNCHANGED, "gold.spending": "published"}
    assert shop.table("gold.spending").height == 2


def test_a_table_that_was_deleted_is_built_again(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.run()

    shutil.rmtree(shop.data / "silver/orders")

    assert shop.outcome()["silver.orders"] == "published"
    assert shop.outcome() == UNCHANGED
