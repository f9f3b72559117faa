"""A source that comes half empty: how many of the keys that are there may vanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

    from polster.model.record import AssetRecord

SNAPSHOT = """
@bronze(allow_empty=True)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("orders.csv", schema={"id": pl.Int64, "shop": pl.String})
"""
SILVER = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    shop = dy.String(primary_key=True)

@silver(contract=Orders, allow_empty=True, expect=polster.Expect(vanish=0.25))
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "shop")
"""
SILVER_FILE = "src/core/silver_orders.py"
CHANGES = """
@bronze(load="append", repeated_batch="skip")
def changes() -> pl.LazyFrame:
    return pl.scan_csv("changes.csv", schema={
        "id": pl.Int64, "at": pl.Int64, "town": pl.String, "gone": pl.Boolean
    })
"""
STATE = """
class State(dy.Schema):
    id = dy.Int64(primary_key=True)

@silver(contract=State, expect=polster.Expect(vanish=0.25))
def state(changes: pl.LazyFrame) -> pl.LazyFrame:
    return polster.latest(changes, key="id", by="at", deleted="gone")
"""
HISTORY = """
class State(dy.Schema):
    id = dy.Int64(primary_key=True)
    valid_from = dy.Int64(primary_key=True)
    valid_to = dy.Int64(nullable=True)
    is_current = dy.Bool(nullable=True)

@silver(contract=State, expect=polster.Expect(vanish=0.25))
def state(changes: pl.LazyFrame) -> pl.LazyFrame:
    return polster.history(changes, key="id", by="at", deleted="gone")
"""
STATE_FILE = "src/core/silver_state.py"


def orders(pipeline: Pipeline, *ids: int) -> None:
    lines = [f"{number},{'north' if number % 2 else 'south'}" for number in ids]
    pipeline.write("orders.csv", "\n".join(["id,shop", *lines, ""]))


def changes(pipeline: Pipeline, at: int, *, gone: str, ids: tuple[int, ...]) -> None:
    lines = [f"{number},{at},town {at},{gone}" for number in ids]
    pipeline.write("changes.csv", "\n".join(["id,at,town,gone", *lines, ""]))


def last(pipeline: Pipeline, *selection: str, **options: object) -> AssetRecord:
    return pipeline.run(*selection, **options).assets[-1]


def failure(record: AssetRecord) -> str:
    assert record.error is not None
    return f"{record.error.code}: {record.error.message} / {record.error.hint}"


@pytest.fixture(name="shop")
def shop_fixture(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.orders", SNAPSHOT)
    pipeline.asset("silver.orders", SILVER)
    orders(pipeline, *range(8))
    assert set(pipeline.outcome().values()) == {"published"}
    return pipeline


@pytest.mark.sentence(25)
def test_more_keys_that_vanish_than_expected_fail_and_the_hint_permits_it(shop: Pipeline) -> None:
    orders(shop, 0, 1, 2, 3, 4, *range(100, 110))

    failed = failure(last(shop))
    kept = shop.table("silver.orders").height
    shop.edit(SILVER_FILE, "vanish=0.25", "vanish=0.38")
    permitted = last(shop)

    assert failed == (
        "POL391: 3 of the 8 keys of the last version are gone, 37.5%, where `vanish=0.25` is "
        "expected / look at the source; if that is right, write vanish=0.38 in `expect`"
    )
    assert kept == 8
    assert permitted.status == "published"


@pytest.mark.sentence(25)
def test_as_many_keys_as_expected_may_vanish(shop: Pipeline) -> None:
    orders(shop, *range(2, 8))

    assert last(shop).status == "published"


@pytest.mark.sentence(25)
def test_an_empty_source_may_not_empty_a_table_that_may_be_empty(shop: Pipeline) -> None:
    orders(shop)

    assert failure(last(shop)).startswith("POL391: 8 of the 8 keys")
    assert shop.table("silver.orders").height == 8


@pytest.mark.sentence(25)
def test_a_key_whose_row_is_quarantined_is_gone_from_the_table(shop: Pipeline) -> None:
    shop.edit(SILVER_FILE, "primary_key=True)\n\n@", "primary_key=True, max_length=5)\n\n@")
    shop.write("orders.csv", "id,shop\n" + "".join(f"{n},{'north'}\n" for n in range(8)))

    assert failure(last(shop)).startswith("POL391: 4 of the 8 keys")


def test_vanishing_keys_may_warn_until_a_version_is_as_expected(shop: Pipeline) -> None:
    shop.edit(SILVER_FILE, "vanish=0.25", 'vanish=0.25, on_violation="warn"')
    orders(shop, 0)
    warned = shop.run()
    orders(shop, 0, 1)
    mended = shop.run()

    assert [each.subject for each in warned.standing] == ["vanish"]
    assert mended.standing == ()


@pytest.fixture(name="state")
def state_fixture(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.changes", CHANGES)
    pipeline.asset("silver.state", STATE)
    changes(pipeline, 1, gone="false", ids=tuple(range(8)))
    assert set(pipeline.outcome().values()) == {"published"}
    return pipeline


@pytest.mark.sentence(25)
@pytest.mark.parametrize("silver", [STATE, HISTORY], ids=["latest", "history"])
@pytest.mark.parametrize("is_whole", [False, True], ids=["part", "whole"])
def test_keys_of_a_part_that_vanish_count_against_the_whole_table(
    state: Pipeline, silver: str, is_whole: bool
) -> None:
    state.asset("silver.state", silver)
    last(state)
    changes(state, 2, gone="true", ids=(0, 1))

    within = last(state, full_refresh=is_whole)
    changes(state, 3, gone="true", ids=(2, 3))
    beyond = last(state, full_refresh=is_whole)

    assert within.status == "published"
    assert within.scope is not None
    assert within.scope.by == (() if is_whole else ("id",))
    assert failure(beyond).startswith("POL391: 2 of the 6 keys")
    rows = state.table("silver.state")
    assert (rows if silver is STATE else rows.filter("is_current")).height == 6


@pytest.mark.sentence(25)
def test_a_key_of_a_history_that_changes_is_not_gone(state: Pipeline) -> None:
    state.asset("silver.state", HISTORY)
    last(state)
    changes(state, 2, gone="false", ids=(0, 1, 2))

    record = last(state)

    assert record.status == "published"
    assert state.table("silver.state").filter(~pl.col("is_current")).height == 3


@pytest.mark.sentence(25)
def test_a_history_over_whole_states_keeps_its_current_rows_when_one_comes_half_empty(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.changes", CHANGES)
    pipeline.asset(
        "silver.state",
        HISTORY.replace(
            'polster.history(changes, key="id", by="at", deleted="gone")',
            """polster.history(
        changes.select("id", "at", "town").join(
            changes.select("at").unique(), how="cross", suffix="_of"
        ).group_by("id", at=pl.col("at_of")).agg(
            town=pl.col("town").filter(pl.col("at") == pl.col("at_of")).first(),
            gone=~(pl.col("at") == pl.col("at_of")).any(),
        ), key="id", by="at", deleted="gone")""",
        ),
    )
    changes(pipeline, 1, gone="false", ids=(1, 2, 3, 4))
    last(pipeline)
    changes(pipeline, 2, gone="false", ids=(1, 2))

    record = last(pipeline)

    assert failure(record) == (
        "POL391: 2 of the 4 keys that are current in the last version would not be, 50.0%, where "
        "`vanish=0.25` is expected / look at the source; if that is right, write vanish=0.5 in "
        "`expect`"
    )
    assert pipeline.table("silver.state")["is_current"].to_list() == [True] * 4


def test_keys_that_vanish_from_rows_that_are_named_count_too(shop: Pipeline) -> None:
    shop.edit(SILVER_FILE, 'select("id", "shop")', 'select("id", "shop").filter(pl.col("id") > 3)')

    failed = last(shop, "silver.orders", where="id < 4")
    some = last(shop, "silver.orders", where="id < 2")

    assert failure(failed).startswith("POL391: 4 of the 8 keys")
    assert some.status == "published"
    assert shop.table("silver.orders").height == 6


@pytest.mark.sentence(25)
def test_a_snapshot_with_a_key_is_compared_with_the_batch_before(shop: Pipeline) -> None:
    key = "class Orders(dy.Schema):\n    id = dy.Int64(primary_key=True)\n\n"
    options = "(contract=Orders, expect=polster.Expect(vanish=0.25))"
    shop.asset("bronze.orders", key + SNAPSHOT.strip().replace("(allow_empty=True)", options))
    shop.run()
    orders(shop, 0, 1)

    record = shop.run("bronze.orders").assets[0]

    assert failure(record).startswith("POL391: 6 of the 8 keys")
    assert shop.table("bronze.orders").height == 8


@pytest.mark.parametrize(
    ("options", "says", "hint"),
    [
        ("(expect={})", "counts keys, and it has no contract", "name the key in the contract"),
        ('(load="append", expect={})', "of which no key goes", "expect it of the silver table"),
    ],
)
def test_where_no_key_can_vanish_the_expectation_is_refused(
    pipeline: Pipeline, options: str, says: str, hint: str
) -> None:
    given = options.replace("{}", "polster.Expect(vanish=0.25)")
    pipeline.asset("bronze.orders", SNAPSHOT.replace("(allow_empty=True)", given))
    orders(pipeline, 1)

    failed = failure(last(pipeline))

    assert failed.startswith("POL333: `vanish` ")
    assert says in failed
    assert hint in failed


def test_a_contract_without_a_key_is_found_before_a_run(shop: Pipeline) -> None:
    shop.edit(SILVER_FILE, "primary_key=True", "")

    checked = shop.cli("validate")

    assert checked.exit_code == 1
    assert "POL333" in checked.stdout
    assert "`vanish` counts keys, and the contract has no primary key" in checked.stdout


def test_a_key_with_a_column_that_is_new_is_not_compared_and_the_run_says_so(
    shop: Pipeline,
) -> None:
    shop.edit(SILVER_FILE, "    shop =", "    till = dy.Int64(primary_key=True)\n    shop =")
    shop.edit(SILVER_FILE, 'select("id", "shop")', 'select("id", "shop", till=1)')

    first, again = last(shop), last(shop, full_refresh=True)

    assert first.notes == ("`vanish` is not judged: the last version has no column `till`",)
    assert again.notes == ()


def test_a_damaged_table_is_not_compared_and_the_run_says_so(shop: Pipeline) -> None:
    for file in (shop.data / "silver" / "orders").glob("*.parquet"):
        file.unlink()

    record = last(shop)

    assert record.status == "published"
    assert "`vanish` is not judged: the last version is damaged" in record.notes
