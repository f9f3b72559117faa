"""Parts of a table that its asset declares with `slice_by=`, and how they are checked."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from polars.testing import assert_frame_equal

from polster.model.record import AssetRecord
from polster.model.scope import Scope, ScopeKind

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SALES = """
@bronze(allow_empty=True)
def sales() -> pl.LazyFrame:
    schema = {"id": pl.Int64, "shop": pl.String, "amount": pl.Int64}
    return pl.scan_csv("landing/sales.csv", schema=schema)
"""
CONTRACT = """
class Best(dy.Schema):
    id = dy.Int64(primary_key=True)
    shop = dy.String(nullable=True)
    amount = dy.Int64(min=0)
    place = dy.Int64()

def _ranked(rows: pl.DataFrame) -> pl.DataFrame:
    place = pl.struct("amount", "id").rank("ordinal").over("shop")
    return rows.select("id", "shop", "amount", place=place.cast(pl.Int64))
"""
EAGER = f"""{CONTRACT}
@silver(contract=Best, slice_by="shop", allow_empty=True)
def best(sales: pl.DataFrame) -> pl.DataFrame:
    with open("heights.txt", "a") as heights:
        heights.write(f"{{sales.height}} ")
    return _ranked(sales)
"""
OPAQUE = f"""{CONTRACT}
@silver(contract=Best, slice_by="shop", allow_empty=True)
def best(sales: pl.LazyFrame) -> pl.LazyFrame:
    types = {{"id": pl.Int64, "shop": pl.String, "amount": pl.Int64, "place": pl.Int64}}
    return sales.map_batches(_ranked, schema=types)
"""
WRONG = OPAQUE.replace('.over("shop")', "")

Sale = tuple[int, str, int]


def land(pipeline: Pipeline, sales: list[Sale]) -> None:
    rows = [f"{number},{shop},{amount}" for number, shop, amount in sales]
    pipeline.write("landing/sales.csv", "\n".join(["id,shop,amount", *rows, ""]))


def ten_shops() -> list[Sale]:
    """Return twenty sales of each of ten shops."""
    return [(number, f"s{number % 10}", number * 7 % 100) for number in range(200)]


def begin(pipeline: Pipeline, silver: str, sales: list[Sale]) -> None:
    land(pipeline, sales)
    pipeline.asset("bronze.sales", SALES)
    pipeline.asset("silver.best", silver)
    records = pipeline.run().assets
    assert [each.error for each in records] == [None] * len(records)


def run(pipeline: Pipeline, **options: Any) -> AssetRecord:
    records = pipeline.run(**options).assets
    record = next(each for each in records if str(each.asset) == "silver.best")
    assert record.error is None, record.error
    return record


def scope_of(record: AssetRecord) -> Scope:
    assert record.scope is not None
    return record.scope


def look_refreshed(pipeline: Pipeline) -> None:
    """See that the table is what it is made anew at once."""
    before = pipeline.table("silver.best").sort("id")
    pipeline.run("silver.best", full_refresh=True)
    assert_frame_equal(before, pipeline.table("silver.best").sort("id"))


@pytest.mark.parametrize("silver", [EAGER, OPAQUE])
def test_a_declared_part_is_verified_once_and_then_made_alone(
    pipeline: Pipeline, silver: str
) -> None:
    sales = ten_shops()
    begin(pipeline, silver, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    first = scope_of(run(pipeline))
    land(pipeline, [*sales, (201, "s4", 50), (202, "s5", 50)])
    second = scope_of(run(pipeline))

    assert (first.text, first.is_verified) == ("by shop (declared), verified", True)
    assert (second.text, second.is_verified) == ("by shop (declared)", False)
    assert 42 < second.rows < 203  # two shops, and some that did not change
    look_refreshed(pipeline)


def test_a_function_that_collects_its_rows_is_called_for_the_part_alone(pipeline: Pipeline) -> None:
    sales = ten_shops()
    begin(pipeline, EAGER, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    run(pipeline)
    heights = pipeline.root / "heights.txt"
    heights.unlink()
    land(pipeline, [*sales, (201, "s4", 50)])

    record = run(pipeline)

    without_rows, part = map(int, heights.read_text().split())
    assert without_rows == 0
    assert part == record.rows_published
    assert 21 < part < 202


@pytest.mark.parametrize("silver", [EAGER.replace('.over("shop")', ""), WRONG])
def test_what_is_declared_and_is_not_so_is_found_by_the_first_part(
    pipeline: Pipeline, silver: str
) -> None:
    sales = ten_shops()
    begin(pipeline, silver, sales)
    land(pipeline, sales := [(200, "s3", 0), *sales])
    record = run(pipeline)
    land(pipeline, [(201, "s4", 0), *sales])
    again = run(pipeline)

    for each in (record, again):
        assert scope_of(each).kind is ScopeKind.WHOLE
        (warning,) = each.warnings
        assert warning.code == "POL353"
        assert "leave `slice_by` out" in (warning.hint or "")
    look_refreshed(pipeline)


def test_rows_that_did_not_change_are_looked_at_each_time(pipeline: Pipeline) -> None:
    """The function adds up what is dear in all shops, of which there is nothing at first."""
    dear = 'pl.col("amount").filter(pl.col("amount") > 1000).sum()'
    silver = EAGER.replace("place=place.cast(pl.Int64)", f"place=place.cast(pl.Int64) + {dear}")
    sales = ten_shops()
    begin(pipeline, silver, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    assert scope_of(run(pipeline)).is_verified
    land(pipeline, [*sales, (201, "s4", 5000)])

    record = run(pipeline)

    scope = scope_of(record)
    assert (scope.kind, scope.is_distrusted) == (ScopeKind.WHOLE, True)
    assert "rows of the same `shop` as none that changed came out otherwise" in scope.why
    (warning,) = record.warnings
    assert warning.code == "POL353"
    assert "place" in warning.message
    look_refreshed(pipeline)


def test_after_an_edit_the_first_part_is_verified_again(pipeline: Pipeline) -> None:
    sales = ten_shops()
    begin(pipeline, EAGER, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    run(pipeline)
    pipeline.edit("src/core/silver_best.py", "cast(pl.Int64)", "cast(pl.Int64) + 1")
    whole = scope_of(run(pipeline))
    land(pipeline, [*sales, (201, "s4", 50)])
    part = scope_of(run(pipeline))

    assert (whole.kind, whole.is_trusted) == (ScopeKind.WHOLE, False)
    assert (part.kind, part.is_verified) == (ScopeKind.LOCAL, True)


def test_what_was_verified_stays_so_when_all_of_the_table_is_made(pipeline: Pipeline) -> None:
    sales = ten_shops()
    begin(pipeline, EAGER, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    run(pipeline)
    land(pipeline, sales := [*sales, *((300 + n, f"s{n}", 50) for n in range(9))])
    whole = scope_of(run(pipeline))
    land(pipeline, [*sales, (400, "s4", 50)])
    part = scope_of(run(pipeline))

    assert whole.kind is ScopeKind.WHOLE
    assert (part.kind, part.is_verified) == (ScopeKind.LOCAL, False)


@pytest.mark.parametrize("seed", range(3))
def test_any_changes_give_the_table_of_a_whole_build(pipeline: Pipeline, seed: int) -> None:
    draw = random.Random(seed)
    sales = {number: (number, shop, amount) for number, shop, amount in ten_shops()}
    begin(pipeline, EAGER, [*sales.values()])
    kinds = set()
    for day in range(6):
        for _ in range(draw.randint(1, 4)):
            number = draw.choice([*sales, 1000 + day * 10 + draw.randint(0, 9)])
            if number in sales and draw.random() < 0.3:
                del sales[number]
            else:
                shop = draw.choice(["s1", "s2", "", f"new{day}"])
                sales[number] = (number, shop, draw.randint(-10, 100))
        land(pipeline, [*sales.values()])
        kinds.add(scope_of(run(pipeline)).kind)
        assert dict(pipeline.table("silver.best").select("id", "place").iter_rows()) == {
            number: sum(
                (other[2], other[0]) <= (amount, number)
                for other in sales.values()
                if other[1] == shop
            )
            for number, shop, amount in sales.values()
            if amount >= 0
        }
    assert ScopeKind.LOCAL in kinds


def test_rows_that_stay_frozen_are_no_sign_of_a_wrong_declaration(pipeline: Pipeline) -> None:
    silver = EAGER.replace('slice_by="shop"', 'slice_by="shop", frozen="id < 50"')
    sales = ten_shops()
    begin(pipeline, silver, sales)
    land(pipeline, sales := [*sales, (200, "s3", 50)])
    first = run(pipeline)
    land(pipeline, [*sales, (201, "s4", 50)])
    second = run(pipeline)

    assert [each.warnings for each in (first, second)] == [(), ()]
    assert [scope_of(each).kind for each in (first, second)] == [ScopeKind.LOCAL] * 2


def test_a_part_without_rows_makes_no_later_one_trusted(pipeline: Pipeline) -> None:
    sales = ten_shops()
    begin(pipeline, OPAQUE, sales)
    land(pipeline, [*sales, (200, "s3", 50)])
    pipeline.run("bronze.sales")
    land(pipeline, sales)
    assert scope_of(run(pipeline, verify=True)).is_verified
    land(pipeline, [*sales, (201, "s4", 50)])

    assert scope_of(run(pipeline)).text == "by shop (declared), verified"


def test_a_function_that_fails_over_a_part_alone_is_called_with_all_of_it(
    pipeline: Pipeline,
) -> None:
    many = '    assert not sales.height or sales["shop"].n_unique() > 5\n    return _ranked(sales)'
    sales = ten_shops()
    begin(pipeline, EAGER.replace("    return _ranked(sales)", many), sales)
    land(pipeline, [*sales, (200, "s3", 50)])

    scope = scope_of(run(pipeline))

    assert scope.kind is ScopeKind.WHOLE
    assert scope.why.startswith("its function fails over a part alone: the function raised")
    look_refreshed(pipeline)


def test_what_polster_adds_to_a_row_is_not_handed_over(pipeline: Pipeline) -> None:
    silver = EAGER.replace(
        "return _ranked(sales)", "return _ranked(sales.with_columns(b=pl.col('_batch_id')))"
    )
    land(pipeline, ten_shops())
    pipeline.asset("bronze.sales", SALES)
    pipeline.asset("silver.best", silver)

    error = pipeline.run().assets[-1].error

    assert error is not None
    assert "_batch_id" in error.message


def test_a_changed_input_that_does_not_hold_the_column_makes_all_of_it(pipeline: Pipeline) -> None:
    rates = '@bronze\ndef rates() -> pl.LazyFrame:\n    return pl.scan_csv("landing/rates.csv")\n'
    silver = EAGER.replace("(sales: pl.DataFrame)", "(sales: pl.DataFrame, rates: pl.LazyFrame)")
    pipeline.write("landing/rates.csv", "rate\n1\n")
    pipeline.asset("bronze.rates", rates)
    begin(pipeline, silver, ten_shops())
    pipeline.write("landing/rates.csv", "rate\n2\n")

    scope = scope_of(run(pipeline))

    assert scope.text == "whole: `slice_by` names `shop`, which `rates` does not hold"


def test_a_function_that_wants_rows_is_called_with_all_of_them(pipeline: Pipeline) -> None:
    silver = EAGER.replace("    return _ranked(sales)", "    sales[0]\n    return _ranked(sales)")
    sales = ten_shops()
    begin(pipeline, silver, sales)
    land(pipeline, [*sales, (200, "s3", 50)])

    scope = scope_of(run(pipeline))

    assert scope.text == "whole: it cannot be called without rows, nor for a part of them"
    look_refreshed(pipeline)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('slice_by="shop"', 'slice_by="town"', "the table has no column `town`"),
        ('slice_by="shop"', 'slice_by="place"', "none of its inputs has a column `place`"),
        (
            '"id", "shop"',
            '"id", pl.col("shop").cast(pl.Categorical)',
            "`shop` is Categorical, by which rows are not chosen",
        ),
        (
            '"id", "shop"',
            'pl.col("id").cast(pl.Int32), "shop"',
            "`id` is Int64 in `sales`, and Int32 in what it returns",
        ),
    ],
)
def test_a_column_by_which_nothing_can_be_chosen_is_refused(
    pipeline: Pipeline, old: str, new: str, why: str
) -> None:
    silver = EAGER.replace(old, new)
    if "`id`" in why:
        silver = silver.replace('slice_by="shop"', 'slice_by="id"')
    land(pipeline, ten_shops())
    pipeline.asset("bronze.sales", SALES)
    pipeline.asset("silver.best", silver)

    record = pipeline.run().assets[-1]

    assert record.error is not None
    assert record.error.code == "POL398"
    assert why in record.error.message
