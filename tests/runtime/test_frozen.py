"""Published rows that `frozen=` names stay as they are, whatever is made anew beside them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import LATE, AssetKey
from polster.model.record import AssetRecord, AssetStatus
from polster.runtime.chosen_rows import ANEW

if TYPE_CHECKING:
    from tests.conftest import Pipeline

ORDERS = """
@bronze(load="append", repeated_batch="skip")
def orders() -> pl.LazyFrame:
    schema = {"id": pl.Int64, "on": pl.Date, "customer": pl.Int64, "paid": pl.Int64}
    return pl.scan_csv("landing/orders.csv", schema=schema)
"""
CUSTOMERS = """
@bronze
def customers() -> pl.LazyFrame:
    schema = {"customer": pl.Int64, "town": pl.String}
    return pl.scan_csv("landing/customers.csv", schema=schema)
"""
FROZEN = "\"on\" < '2024-01-03'"
SILVER = f"""
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    on = dy.Date(nullable=False)
    town = dy.String(nullable=True)
    paid = dy.Int64(nullable=False, min=0)

@silver(contract=Orders, frozen=\"\"\"{FROZEN}\"\"\")
def orders(orders: pl.LazyFrame, customers: pl.LazyFrame) -> pl.LazyFrame:
    known = orders.join(customers, on="customer", how="left")
    return known.select("id", "on", "town", pl.col("paid") * 1)
"""


def order(number: int, day: int, paid: int, customer: int = 1) -> str:
    return f"{number},2024-01-0{day},{customer},{paid}"


def land(pipeline: Pipeline, *rows: str) -> None:
    pipeline.write("landing/orders.csv", "\n".join(["id,on,customer,paid", *rows, ""]))


def towns(pipeline: Pipeline, *names: str) -> None:
    rows = [f"{number},{name}" for number, name in enumerate(names, 1)]
    pipeline.write("landing/customers.csv", "\n".join(["customer,town", *rows, ""]))


def shop(pipeline: Pipeline, silver: str = SILVER) -> None:
    """Write five orders, one a day, of which the first and the last break the contract; run."""
    land(pipeline, *(order(n, n, paid) for n, paid in enumerate([-1, 2, 3, 4, -5], 1)))
    towns(pipeline, "Bern")
    pipeline.asset("bronze.orders", ORDERS)
    pipeline.asset("bronze.customers", CUSTOMERS)
    pipeline.asset("silver.orders", silver)
    records = pipeline.run().assets
    assert [each.error for each in records] == [None] * len(records)


def run(pipeline: Pipeline, *selection: str, **options: Any) -> AssetRecord:
    """Run, and return what is recorded of silver."""
    records = pipeline.run(*selection, **options).assets
    return next(each for each in records if str(each.asset) == "silver.orders")


def edit(pipeline: Pipeline, old: str, new: str) -> None:
    pipeline.edit("src/core/silver_orders.py", old, new)


def orders(pipeline: Pipeline, column: str = "paid") -> dict[int, object]:
    """Return a column of silver, by id."""
    rows = pipeline.table("silver.orders").sort("id")
    return dict(zip(rows["id"], rows[column], strict=True))


def kept_out(pipeline: Pipeline) -> dict[int, list[str]]:
    """Return the rules that the rows break which the table goes without, by id."""
    lakehouse, key = Lakehouse(Store(str(pipeline.data))), AssetKey.parse("silver.orders")
    assert key is not None
    standing = lakehouse.quarantine(key).standing(lakehouse.standing_runs(key))
    if standing is None:
        return {}
    return dict(standing.select("id", "_rules").collect().iter_rows())


@pytest.mark.sentence(34)
def test_a_dimension_that_changes_leaves_frozen_rows_as_they_are_and_says_so(
    pipeline: Pipeline,
) -> None:
    shop(pipeline)
    towns(pipeline, "Basel")

    record = run(pipeline)

    assert orders(pipeline, "town") == {2: "Bern", 3: "Basel", 4: "Basel"}
    assert record.why[-1] == "1 row stays frozen"
    assert record.scope is not None
    assert (record.scope.rows, record.scope.of, record.scope.frozen) == (2, 3, 1)


@pytest.mark.sentence(34)
def test_an_edit_makes_the_other_rows_anew_and_nothing_is_left_to_make(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline, "* 1", "* 100")

    record = run(pipeline)

    assert orders(pipeline) == {2: 2, 3: 300, 4: 400}
    assert record.why == ("its code changed", "1 row stays frozen")
    assert set(pipeline.outcome("silver.orders").values()) == {"unchanged"}


def test_the_first_build_makes_every_row_and_a_full_refresh_does_again(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline, "* 1", "* 100")
    run(pipeline)

    record = run(pipeline, full_refresh=True)

    assert orders(pipeline) == {2: 200, 3: 300, 4: 400}
    assert record.scope is not None
    assert record.scope.frozen == 0


def test_a_row_that_comes_late_for_the_frozen_part_is_kept_out_and_counted(
    pipeline: Pipeline,
) -> None:
    shop(pipeline)
    land(pipeline, order(6, 1, 6), order(7, 7, 7))

    record = run(pipeline)

    assert orders(pipeline) == {2: 2, 3: 3, 4: 4, 7: 7}
    assert record.scope is not None
    assert (record.scope.text, record.rules_broken) == ("row-local", {LATE: 1})
    assert [(each.code, each.subject) for each in record.warnings] == [("POL396", "frozen")]
    assert record.warnings[0].message.startswith("1 row that is not in the table")
    assert kept_out(pipeline) == {1: ["paid|min"], 5: ["paid|min"], 6: [LATE]}


def test_the_warning_stands_while_late_rows_are_kept_out_and_goes_when_they_are_let_in(
    pipeline: Pipeline,
) -> None:
    shop(pipeline)
    land(pipeline, order(6, 1, 6))
    first = run(pipeline)
    land(pipeline, order(8, 8, 8))

    still = run(pipeline)
    let_in = run(pipeline, "silver.orders", where=FROZEN)

    assert still.warnings[0].run_id == first.warnings[0].run_id
    assert let_in.warnings == ()
    assert orders(pipeline) == {2: 2, 3: 3, 4: 4, 6: 6, 8: 8}
    assert set(pipeline.outcome("silver.orders").values()) == {"unchanged"}


def test_late_rows_are_counted_once_however_the_table_is_made(pipeline: Pipeline) -> None:
    shop(pipeline)
    land(pipeline, order(6, 1, 6))
    run(pipeline)
    edit(pipeline, "* 1", "* 100")

    record = run(pipeline)

    assert record.scope is not None
    assert record.scope.rules == {LATE: 2, "paid|min": 2}
    assert (record.scope.of, record.scope.quarantined) == (3, 3)
    assert sorted(kept_out(pipeline)[1]) == [LATE, "paid|min"]


def test_a_row_with_the_key_of_a_frozen_one_breaks_the_key(pipeline: Pipeline) -> None:
    shop(pipeline)
    land(pipeline, order(2, 9, 9))

    record = run(pipeline)

    assert orders(pipeline) == {2: 2, 3: 3, 4: 4}
    assert record.status is AssetStatus.PUBLISHED
    assert kept_out(pipeline)[2] == ["primary_key"]


LATEST = SILVER.replace(
    "known = orders",
    'newest = orders.unique("id", keep="last", maintain_order=True)\n    known = newest',
)


def test_a_row_that_leaves_the_frozen_part_or_comes_into_it_is_not_in_it_twice(
    pipeline: Pipeline,
) -> None:
    shop(pipeline, LATEST)
    land(pipeline, order(2, 9, 9), order(3, 1, 33), order(4, 4, 44))

    run(pipeline)

    assert orders(pipeline) == {2: 2, 4: 44}
    rules = kept_out(pipeline)
    assert (rules[2], rules[3]) == (["primary_key"], [LATE])


def test_a_frozen_row_that_another_program_deleted_does_not_come_back(pipeline: Pipeline) -> None:
    shop(pipeline)
    DeltaTable(str(pipeline.data / "silver" / "orders")).delete("id = 2")
    edit(pipeline, "* 1", "* 100")

    record = run(pipeline)
    again = run(pipeline, verify=True)

    assert orders(pipeline) == {3: 300, 4: 400}
    assert record.rules_broken == {LATE: 2, "paid|min": 2}
    assert again.status is AssetStatus.UNCHANGED


def test_frozen_rows_that_are_damaged_are_made_anew_and_the_run_says_so(pipeline: Pipeline) -> None:
    shop(pipeline)
    for file in (pipeline.data / "silver" / "orders").glob("*.parquet"):
        file.unlink()
    edit(pipeline, "* 1", "* 100")

    record = run(pipeline)

    assert orders(pipeline) == {2: 200, 3: 300, 4: 400}
    assert record.notes == (ANEW,)


def test_explain_says_which_rows_stay(pipeline: Pipeline) -> None:
    shop(pipeline)

    told = pipeline.cli("explain", "silver.orders")

    assert f"published rows stay frozen where {FROZEN}" in told.output
    assert pipeline.json("explain", "silver.orders")["frozen"] == FROZEN


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (FROZEN, "nope > 1", "there is no column `nope`; there are: id, on, town, paid"),
        (FROZEN, "paid = max(paid)", "it looks at other rows than the one that it is asked of"),
        (FROZEN, "paid >", "it cannot be read"),
        ("primary_key=True", "nullable=False", "its contract has no key"),
        ("@silver(", "@silver(expect=polster.Expect(null_share={'paid': 0.5}), ", "asked of all"),
        (
            "min=0)\n",
            "min=0)\n\n    @dy.rule()\n    def few(cls) -> pl.Expr:\n"
            "        return pl.len() < 99\n",
            "its rule `few` looks at rows beside these",
        ),
        ("dy.Int64(nullable=False, min=0)", "dy.Float64(nullable=False)", "its columns changed"),
        ("id = dy.Int64", "id = dy.Int32", "its table holds `id` in another type"),
    ],
)
def test_rows_that_cannot_stay_frozen_are_refused_and_nothing_is_published(
    pipeline: Pipeline, old: str, new: str, said: str
) -> None:
    shop(pipeline)
    edit(pipeline, old, new)

    record = run(pipeline)

    assert record.error is not None
    assert (record.error.code, said in record.error.message) == ("POL354", True)
    assert orders(pipeline) == {2: 2, 3: 3, 4: 4}


def test_a_condition_that_makes_no_sense_is_found_before_any_row(pipeline: Pipeline) -> None:
    shop(pipeline)
    edit(pipeline, FROZEN, "nope > 1")

    found = pipeline.cli("validate")

    assert "there is no column `nope`" in found.output


@pytest.mark.sentence(34)
@pytest.mark.parametrize("seed", range(2))
def test_whatever_comes_frozen_rows_stay_and_the_others_are_those_of_a_whole_build(
    pipeline: Pipeline, seed: int
) -> None:
    chance = random.Random(seed)
    shop(pipeline, chance.choice([SILVER, LATEST]))
    known: dict[int, tuple[object, ...]] = {}
    for day in range(6):
        before = pipeline.table("silver.orders")
        known |= {row[0]: row for row in before.sql(f"SELECT * FROM self WHERE {FROZEN}").rows()}
        late = [order(chance.randint(1, 30), chance.randint(1, 9), chance.randint(-2, 90))]
        land(pipeline, *(late * chance.randint(1, 2)), order(100 + day, chance.randint(1, 9), day))
        towns(pipeline, f"town{chance.randint(0, 2)}")
        if chance.random() < 0.3:
            edit(pipeline, 'pl.col("paid") * ', f'pl.col("paid") * {chance.randint(1, 5)} * ')

        record = run(pipeline, verify=True)

        table = pipeline.table("silver.orders")
        frozen = table.sql(f"SELECT * FROM self WHERE {FROZEN}")
        assert record.status is not AssetStatus.FAILED
        assert {row[0]: row for row in frozen.rows()} == known
        assert [each.code for each in record.warnings if each.code != "POL396"] == []
        assert record.scope is not None
        assert (record.scope.of, record.scope.frozen) == (table.height, frozen.height)
        assert record.scope.quarantined == len(kept_out_rows(pipeline))
        assert table["id"].is_unique().all()


def kept_out_rows(pipeline: Pipeline) -> pl.DataFrame:
    """Return the rows that the table goes without."""
    lakehouse, key = Lakehouse(Store(str(pipeline.data))), AssetKey.parse("silver.orders")
    assert key is not None
    standing = lakehouse.quarantine(key).standing(lakehouse.standing_runs(key))
    return pl.DataFrame() if standing is None else standing.collect()
