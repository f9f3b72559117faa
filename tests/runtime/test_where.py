"""Rows that the user names are made anew, and what stands on them follows."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.errors import UsageError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.record import AssetStatus, RunStatus

if TYPE_CHECKING:
    from tests.conftest import Pipeline

BRONZE = """
@bronze
def orders() -> pl.LazyFrame:
    schema = {"id": pl.Int64, "on": pl.Date, "paid": pl.Int64}
    return pl.scan_csv("landing/orders.csv", schema=schema)
"""
SILVER = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    on = dy.Date(nullable=False)
    paid = dy.Int64(nullable=False, min=0)

@silver(contract=Orders)
def orders(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.with_columns(pl.col("id").cast(pl.String), pl.col("paid") * 1)
"""
GOLD = """
class Daily(dy.Schema):
    on = dy.Date(primary_key=True)
    paid = dy.Int64()

@gold(contract=Daily)
def daily(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.group_by("on").agg(pl.col("paid").sum())
"""
SINCE = "\"on\" >= '2024-01-04'"
EDIT = ('pl.col("paid") * 1', 'pl.col("paid") * 100')


def shop(pipeline: Pipeline, silver: str = SILVER, gold: str = GOLD) -> None:
    """Write five orders, one a day, of which the first and the last break the contract; run."""
    paid = [-1, 2, 3, 4, -5]
    rows = [f"{n},2024-01-0{n},{each}" for n, each in enumerate(paid, 1)]
    pipeline.write("landing/orders.csv", "\n".join(["id,on,paid", *rows, ""]))
    pipeline.asset("bronze.orders", BRONZE)
    pipeline.asset("silver.orders", silver)
    pipeline.asset("gold.daily", gold)
    pipeline.run()


def edit(pipeline: Pipeline, path: str = "silver_orders.py", by: tuple[str, str] = EDIT) -> None:
    pipeline.edit(f"src/core/{path}", *by)


def paid(pipeline: Pipeline, table: str = "silver.orders") -> dict[int, int]:
    """Return what was paid, by day."""
    rows = pipeline.table(table).sort("on")
    return dict(zip(rows["on"].dt.day(), rows["paid"], strict=True))


@pytest.mark.sentence(28)
def test_the_rows_that_are_named_are_of_todays_code_and_the_others_stay(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline)

    silver, gold = pipeline.run("silver.orders", where=SINCE).assets

    assert paid(pipeline) == {2: 2, 3: 3, 4: 400}
    assert paid(pipeline, "gold.daily") == {2: 2, 3: 3, 4: 400}
    assert silver.scope is not None
    assert (silver.scope.text, silver.scope.rows, silver.scope.of) == (f"where {SINCE}", 1, 3)
    assert (silver.rows_returned, silver.rows_quarantined, silver.scope.quarantined) == (2, 1, 2)
    assert gold.scope is not None
    assert gold.scope.text == "by on"


def test_the_rest_is_made_by_the_next_run_and_nobody_takes_it_for_made(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline)
    pipeline.run("silver.orders", where=SINCE)

    reasons = pipeline.reasons("silver.orders")
    record = pipeline.run().assets[1]

    assert reasons["silver.orders"] == ("a part of it alone was made by `--where`",)
    assert paid(pipeline) == {2: 200, 3: 300, 4: 400}
    assert record.scope is not None
    assert record.scope.text == "whole: a part of it alone was made by `--where`"


def test_an_edit_that_is_taken_back_does_not_hide_the_rows_that_were_made_of_it(
    pipeline: Pipeline,
) -> None:
    shop(pipeline)
    edit(pipeline)
    pipeline.run("silver.orders", where=SINCE)
    edit(pipeline, by=(EDIT[1], EDIT[0]))

    pipeline.run()

    assert paid(pipeline) == {2: 2, 3: 3, 4: 4}


def test_rows_of_the_same_code_and_inputs_leave_nothing_to_make(pipeline: Pipeline) -> None:
    shop(pipeline)

    silver, gold = pipeline.run("silver.orders", where=SINCE).assets
    after = pipeline.outcome()

    assert (silver.status, silver.rows_published) == (AssetStatus.PUBLISHED, 1)
    assert (gold.status, gold.rows_published) == (AssetStatus.PUBLISHED, 0)
    assert set(after.values()) == {"unchanged"}


def test_the_quarantine_shows_what_the_table_goes_without(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline, by=("min=0", "min=-10"))

    record = pipeline.run("silver.orders", where=SINCE).assets[0]

    lakehouse, key = Lakehouse(Store(str(pipeline.data))), AssetKey.parse("silver.orders")
    assert key is not None
    standing = lakehouse.quarantine(key).standing(lakehouse.standing_runs(key))
    assert standing is not None
    assert standing.collect()["on"].to_list() == [date(2024, 1, 1)]
    assert paid(pipeline) == {2: 2, 3: 3, 4: 4, 5: -5}
    assert record.scope is not None
    assert record.scope.quarantined == 1


@pytest.mark.sentence(32)
def test_what_a_run_made_that_did_not_succeed_is_not_made_again(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline)
    edit(pipeline, "gold_daily.py", ('pl.col("paid").sum()', 'pl.col("pain").sum()'))
    stopped = pipeline.run("silver.orders", where=SINCE)
    edit(pipeline, "gold_daily.py", ('pl.col("pain").sum()', 'pl.col("paid").sum()'))

    silver, gold = pipeline.run("silver.orders", where=SINCE).assets
    again = pipeline.run("silver.orders", where=SINCE).assets[0]

    assert stopped.status is RunStatus.FAILED
    assert silver.status is AssetStatus.UNCHANGED
    assert silver.reasons == (f"made by run {stopped.run_id}, which did not succeed",)
    assert gold.status is AssetStatus.PUBLISHED
    assert paid(pipeline, "gold.daily") == {2: 2, 3: 3, 4: 400}
    assert again.status is AssetStatus.UNCHANGED


@pytest.mark.sentence(32)
def test_parts_that_are_made_at_once_are_all_published(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline)
    days = [2, 3, 4]
    command = [sys.executable, "-m", "polster", "run", "silver.orders"]
    command += ["--project", str(pipeline.root)]

    runs = [
        subprocess.Popen(
            [*command, "--where", f"\"on\" = '2024-01-0{day}'"],
            stdout=subprocess.DEVNULL,
        )
        for day in days
    ]

    assert [run.wait(120) for run in runs] == [0] * len(days)
    assert paid(pipeline) == {2: 200, 3: 300, 4: 400}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nope > 1", "there is no column `nope`; there are: id, on, paid"),
        ("paid = max(paid)", "it looks at other rows than the one that it is asked of"),
        ("paid > (select 1)", "it looks at other rows"),
        ("\"on\" > 'spring'", "it cannot be computed"),
        ("paid", "it cannot be computed"),
    ],
)
def test_a_condition_that_chooses_no_rows_by_themselves_is_refused(
    pipeline: Pipeline, where: str, said: str
) -> None:
    shop(pipeline)
    edit(pipeline)

    record = pipeline.run("silver.orders", where=where).assets[0]

    assert record.error is not None
    assert record.error.code == "POL354"
    assert said in record.error.message
    assert paid(pipeline) == {2: 2, 3: 3, 4: 4}


@pytest.mark.sentence(28)
@pytest.mark.parametrize(
    ("by", "said"),
    [
        (('pl.col("id").cast', 'pl.lit(2).alias("id").cast'), "have a key of rows that stay"),
        (
            (
                "    paid = dy.Int64(nullable=False, min=0)\n",
                "    paid = dy.Int64()\n\n"
                "    @dy.rule()\n    def few(cls) -> pl.Expr:\n"
                "        return pl.len() < 99\n",
            ),
            "its rule `few` looks at rows beside these",
        ),
        (("@silver(", "@silver(expect=polster.Expect(null_share={'paid': 0.5}), "), "asked of all"),
        (
            ("dy.Int64(nullable=False, min=0)", "dy.Float64(nullable=False, min=0)"),
            "its columns changed",
        ),
    ],
)
def test_a_part_that_cannot_be_judged_alone_is_refused(
    pipeline: Pipeline, by: tuple[str, str], said: str
) -> None:
    shop(pipeline)
    edit(pipeline, by=by)

    record = pipeline.run("silver.orders", where="\"on\" = '2024-01-03'").assets[0]

    assert record.error is not None
    assert (record.error.code, said in record.error.message) == ("POL354", True)
    assert paid(pipeline) == {2: 2, 3: 3, 4: 4}


def test_a_table_that_was_never_built_has_no_part(pipeline: Pipeline) -> None:
    shop(pipeline)
    pipeline.asset("gold.other", GOLD.replace("def daily", "def other"))

    record = pipeline.run("gold.other", where=SINCE).assets[0]

    assert record.error is not None
    assert "it was never built" in record.error.message


@pytest.mark.parametrize(
    ("selection", "options", "said"),
    [
        ((), {}, "whose rows they are is not said"),
        (("bronze.orders",), {}, "`bronze.orders` keeps what arrived"),
        (("silver.orders",), {"full_refresh": True}, "said twice"),
        (("silver.orders",), {"verify": True}, "said twice"),
        (("silver.orders",), {"where": "paid >"}, "it cannot be read"),
        (("silver.orders",), {"where": "paid > 1) OR (1 = 1"}, "it cannot be read"),
        (("silver.orders",), {"where": "1 = 1"}, "it looks at no column"),
    ],
)
def test_rows_that_are_not_named_so_that_it_is_clear_are_a_mistake(
    pipeline: Pipeline, selection: tuple[str, ...], options: dict[str, object], said: str
) -> None:
    shop(pipeline)

    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        pipeline.run(*selection, **{"where": SINCE, **options})


@pytest.mark.parametrize("seed", range(4))
def test_any_condition_gives_old_rows_where_it_does_not_hold_and_new_ones_where_it_does(
    pipeline: Pipeline, seed: int
) -> None:
    chance = random.Random(seed)
    shop(pipeline)
    rows = [
        f"{n},{'' if chance.random() < 0.1 else f'2024-01-0{chance.randint(1, 9)}'},{n % 7 - 1}"
        for n in range(60)
    ]
    pipeline.write("landing/orders.csv", "\n".join(["id,on,paid", *rows, ""]))
    pipeline.run()
    old = pipeline.table("silver.orders")
    edit(pipeline)
    conditions = [
        "id % 3 = 1",
        "\"on\" BETWEEN '2024-01-02' AND '2024-01-05'",
        "id > 20 AND \"on\" < '2024-01-07'",
    ]
    where = chance.choice(conditions)

    pipeline.run("silver.orders", where=where)

    made = pipeline.table("silver.orders").sort("id")
    new = old.with_columns(pl.col("paid") * 100)
    expected = [
        old.sql(f"SELECT * FROM self WHERE NOT ({where})"),
        new.sql(f"SELECT * FROM self WHERE ({where})"),
    ]
    assert made.equals(pl.concat(expected).sort("id"))
