"""What a new version may be beside the last one: judged before anything is visible."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from tests.conftest import Pipeline

from polster.model.record import AssetRecord, RunRecord

BRONZE = """
@bronze
def orders() -> pl.LazyFrame:
    return pl.scan_csv("orders.csv", schema={"id": pl.Int64, "email": pl.String})
"""
SILVER = """
class Orders(dy.Schema):
    id = dy.Int64()
    email = dy.String(nullable=True)

@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", "email")
"""
FULL = "id,email\n1,a@x\n2,b@x\n3,\n"
SILVER_FILE = "src/core/silver_orders.py"


@pytest.fixture
def shop(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.orders", BRONZE)
    pipeline.asset("silver.orders", SILVER)
    pipeline.write("orders.csv", FULL)
    assert pipeline.outcome() == {"bronze.orders": "published", "silver.orders": "published"}
    return pipeline


def _of(run: RunRecord, key: str) -> AssetRecord:
    return next(record for record in run.assets if str(record.asset) == key)


def _failure(run: RunRecord, key: str) -> str:
    error = _of(run, key).error
    assert error is not None
    return f"{error.code}: {error.message} / {error.hint}"


def test_a_source_that_lost_all_its_rows_fails_and_the_tables_stay(shop: Pipeline) -> None:
    shop.write("orders.csv", "id,email\n")

    first, again = shop.run(), shop.run(full_refresh=True)

    assert _failure(first, "bronze.orders") == (
        "POL324: the function returned no rows, and the table has 3 rows / look at the source; "
        "if an empty table is right, write allow_empty=True in the decorator"
    )
    assert _failure(again, "bronze.orders") == _failure(first, "bronze.orders")
    assert _of(first, "silver.orders").status == "skipped"
    assert shop.table("bronze.orders").height == shop.table("silver.orders").height == 3
    assert shop.staged_files() == []


def test_an_empty_table_is_published_where_it_is_allowed(shop: Pipeline) -> None:
    shop.write("orders.csv", "id,email\n")
    shop.edit("src/core/bronze_orders.py", "@bronze\n", "@bronze(allow_empty=True)\n")

    refused = shop.run()
    shop.edit(SILVER_FILE, "contract=Orders", "contract=Orders, allow_empty=True")

    assert _of(refused, "bronze.orders").status == "published"
    assert _failure(refused, "silver.orders").startswith("POL324: ")
    assert shop.outcome()["silver.orders"] == "published"
    assert shop.table("silver.orders").height == 0


def test_a_table_that_never_had_rows_may_have_none(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", BRONZE)
    pipeline.asset("silver.orders", SILVER)
    pipeline.write("orders.csv", "id,email\n")

    assert pipeline.outcome() == {"bronze.orders": "published", "silver.orders": "published"}


def test_a_column_that_was_filled_and_is_all_null_fails(shop: Pipeline) -> None:
    shop.write("orders.csv", "id,email\n1,\n2,\n")

    run = shop.run()

    assert _failure(run, "bronze.orders") == (
        "POL325: `email` holds nothing but nulls, and held values in the last version / look at "
        'the source; if that is right, write expect=Expect(null_share={"email": 1.0})'
    )
    assert shop.table("bronze.orders").height == 3


def test_a_column_may_be_all_null_where_its_share_of_nulls_is_stated(shop: Pipeline) -> None:
    shop.write("orders.csv", "id,email\n1,\n2,\n")
    permit = '(expect=polster.Expect(null_share={"email": 1.0}))'
    shop.edit("src/core/bronze_orders.py", "@bronze\n", f"@bronze{permit}\n")
    shop.edit(SILVER_FILE, "contract=Orders", f"contract=Orders, {permit[1:-1]}")

    assert shop.outcome() == {"bronze.orders": "published", "silver.orders": "published"}
    assert shop.table("silver.orders")["email"].null_count() == 2


def test_a_column_that_was_all_null_may_stay_so(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", BRONZE)
    pipeline.write("orders.csv", "id,email\n1,\n")
    pipeline.run()
    pipeline.write("orders.csv", "id,email\n1,\n2,\n")

    assert pipeline.outcome() == {"bronze.orders": "published"}


def test_nulls_are_counted_among_the_rows_that_keys_let_pass(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)
            email = dy.String(nullable=True)

        @bronze(contract=Orders)
        def orders() -> pl.LazyFrame:
            return pl.LazyFrame({"id": ["1", "1", "2"], "email": ["a", None, None]})
        """,
    )

    run = pipeline.run()

    assert _of(run, "bronze.orders").nulls == {"email": 1}


@pytest.mark.parametrize(
    ("expect", "rows", "code", "says"),
    [
        ("min_rows=2", 1, "POL327", "1 row came, where `min_rows=2` is expected"),
        ("max_rows=4", 5, "POL327", "5 rows came, where `max_rows=4` is expected"),
        ("shrink=0.5", 1, "POL327", "66.7% fewer than the 3 of the last version"),
        ("grow=0.5", 5, "POL327", "66.7% more than the 3 of the last version"),
        ('null_share={"email": 0.1}', 5, "POL328", "`email` is null in 20.0% of the rows"),
    ],
)
def test_a_change_beyond_what_is_stated_fails_and_the_hint_permits_it(
    shop: Pipeline, expect: str, rows: int, code: str, says: str
) -> None:
    shop.edit(SILVER_FILE, "contract=Orders", f"contract=Orders, expect=polster.Expect({expect})")
    nulls = [1] if "null" in expect else []
    shop.write(
        "orders.csv",
        "id,email\n" + "".join(f"{each},{'' if each in nulls else 'x'}\n" for each in range(rows)),
    )

    failed = _failure(shop.run(), "silver.orders")
    permitted = failed.partition("if that is right, write ")[2].removesuffix(" in `expect`")
    shop.edit(SILVER_FILE, expect, permitted)

    assert failed.startswith(f"{code}: ")
    assert says in failed
    assert shop.outcome()["silver.orders"] == "published"


@pytest.mark.parametrize(
    ("expect", "rows"), [("shrink=0.34", 2), ("grow=0.34", 4), ("min_rows=3, max_rows=3", 3)]
)
def test_a_change_within_what_is_stated_is_published(
    shop: Pipeline, expect: str, rows: int
) -> None:
    shop.edit(SILVER_FILE, "contract=Orders", f"contract=Orders, expect=polster.Expect({expect})")
    shop.write("orders.csv", "id,email\n" + "".join(f"{each},x\n" for each in range(rows)))

    assert shop.outcome()["silver.orders"] == "published"


def test_an_expectation_that_warns_publishes_and_stands_until_it_is_met(shop: Pipeline) -> None:
    shop.edit(
        SILVER_FILE,
        "contract=Orders",
        'contract=Orders, expect=polster.Expect(min_rows=3, on_violation="warn")',
    )
    shop.write("orders.csv", "id,email\n1,a\n")
    warned = shop.run()
    unchanged = shop.run()
    shop.write("orders.csv", FULL + "4,d\n")
    mended = shop.run()

    assert _of(warned, "silver.orders").status == "published"
    assert [warning.subject for warning in warned.standing] == ["min_rows"]
    assert [warning.run_id for warning in unchanged.standing] == [warned.run_id]
    assert mended.standing == ()


def test_expectations_of_columns_that_are_not_there_are_found_before_a_run(shop: Pipeline) -> None:
    shop.edit(
        SILVER_FILE,
        "contract=Orders",
        'contract=Orders, expect=polster.Expect(null_share={"emial": 0.1})',
    )

    checked = shop.cli("validate")

    assert checked.exit_code == 1
    assert "POL333" in checked.stdout
    assert "did you mean `email`?" in checked.stdout


DATED = """
class Orders(dy.Schema):
    id = dy.Int64()
    at = dy.Datetime(nullable=True, time_zone="UTC")

@silver(contract=Orders, expect=polster.Expect(fresh_within={within}))
def orders(bronze_orders: pl.LazyFrame, run: polster.RunContext) -> pl.LazyFrame:
    return bronze_orders.select("id", at=pl.lit(run.time) - pl.duration(hours="id"))
"""


@pytest.mark.parametrize("within", ['"26h"', '{"at": "26h"}'])
def test_rows_older_than_expected_fail(shop: Pipeline, within: str) -> None:
    shop.asset("silver.orders", DATED.replace("{within}", within))
    fresh = shop.outcome()["silver.orders"]
    shop.write("orders.csv", "id,email\n30,a\n40,b\n")

    failed = _failure(shop.run(), "silver.orders")

    assert fresh == "published"
    assert failed.startswith("POL329: the newest `at` is 30h old, where 26h are allowed")
    assert 'fresh_within={"at": "30h"}' in failed


def test_freshness_without_a_column_wants_exactly_one_with_moments(shop: Pipeline) -> None:
    shop.edit(
        SILVER_FILE, "contract=Orders", 'contract=Orders, expect=polster.Expect(fresh_within="1h")'
    )

    failed = _failure(shop.run(), "silver.orders")

    assert failed.startswith("POL333: `fresh_within` does not say which column, and no column")


def test_moments_far_in_the_future_do_not_count_as_fresh(shop: Pipeline) -> None:
    shop.asset("silver.orders", DATED.replace("{within}", '"26h"'))
    shop.write("orders.csv", "id,email\n30,a\n-99,b\n")

    assert _failure(shop.run(), "silver.orders").startswith("POL329: the newest `at` is 30h old")


def test_options_say_what_is_wrong_with_an_expectation(tmp_path: Path, shop: Pipeline) -> None:
    wrong = {
        "min_row=3": "has no expectation `min_row`; did you mean `min_rows`?",
        "shrink=2": "wants `shrink` to be a share between 0 and 1",
        "fresh_within='soon'": "wants `fresh_within` to be an age",
        "on_violation='quarantine'": "wants `on_violation` to be one of",
        "min_rows=count()": "cannot be read without running",
    }
    for expectation, says in wrong.items():
        shop.asset(
            "silver.orders",
            SILVER.replace(
                "contract=Orders", f"contract=Orders, expect=polster.Expect({expectation})"
            ),
        )

        shown = shop.cli("plan")

        assert shown.exit_code == 1
        assert "POL211" in shown.stderr
        assert says in shown.stderr


def test_constants_and_other_names_of_expect_are_read(shop: Pipeline) -> None:
    shop.asset(
        "silver.orders",
        "from polster import Expect as Expected\nLEAST = 4\nWANTED = Expected(min_rows=LEAST)\n"
        + SILVER.replace("contract=Orders", "contract=Orders, expect=WANTED"),
    )

    assert _failure(shop.run(), "silver.orders").startswith("POL327: 3 rows came")


AGED = """
class Orders(dy.Schema):
    id = dy.Int64()
    at = dy.Datetime(nullable=True, time_zone="UTC")

@silver(contract=Orders, expect=polster.Expect(fresh_within="26h", on_violation="{outcome}"))
def orders(bronze_orders: pl.LazyFrame, run: polster.RunContext) -> pl.LazyFrame:
    return bronze_orders.select("id", at=pl.lit(run.time))
"""


def _let_pass(hours: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let runs and commands begin so many hours later."""

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Later:
            now = datetime.now(tz) + timedelta(hours=hours)
            return cls.combine(now.date(), now.timetz())

    monkeypatch.setattr("polster.operations.run.datetime", Later)
    monkeypatch.setattr("polster.operations.status.datetime", Later)


@pytest.mark.in_this_process
def test_a_table_that_grows_old_because_nothing_new_comes_fails(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.asset("silver.orders", AGED.replace("{outcome}", "fail"))
    assert shop.outcome()["silver.orders"] == "published"
    _let_pass(25, monkeypatch)
    assert set(shop.outcome().values()) == {"unchanged"}
    _let_pass(31, monkeypatch)

    status = shop.json("status")["assets"][1]
    failed = shop.run()

    says = "the newest `at` is 32h old, where 26h are allowed"
    assert [each["message"] for each in status["warnings"]] == [says]
    assert _failure(failed, "silver.orders").startswith(f"POL329: {says}")
    assert failed.status == "failed"
    assert failed.standing == ()
    shop.write("orders.csv", FULL + "4,d@x\n")
    assert shop.outcome()["silver.orders"] == "published"
    assert shop.json("status")["assets"][1]["warnings"] == []


@pytest.mark.in_this_process
def test_a_table_that_grows_old_is_warned_of_until_that_is_acknowledged(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.asset("silver.orders", AGED.replace("{outcome}", "warn"))
    published = shop.run()
    _let_pass(31, monkeypatch)
    monkeypatch.setattr(
        "polster.operations.acknowledge.datetime", sys.modules["polster.operations.run"].datetime
    )

    warned = shop.run()
    acknowledged = shop.cli("acknowledge", "silver.orders")
    again = shop.run()

    assert _of(warned, "silver.orders").status == "unchanged"
    assert [(each.code, each.run_id) for each in warned.standing] == [("POL329", published.run_id)]
    assert acknowledged.exit_code == 0
    assert again.standing == ()
    assert again.status == "succeeded"


def test_an_appended_batch_with_a_column_all_null_is_warned_of(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", BRONZE.replace("@bronze", '@bronze(load="append")'))
    pipeline.write("orders.csv", FULL)
    pipeline.run()
    pipeline.write("orders.csv", "id,email\n4,\n5,\n")

    run = pipeline.run()

    assert _of(run, "bronze.orders").status == "published"
    assert [(each.code, each.subject) for each in run.standing] == [("POL325", "email")]


def test_a_column_that_stays_all_null_is_warned_of_until_a_batch_has_values(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.orders", BRONZE.replace("@bronze", '@bronze(load="append")'))
    pipeline.write("orders.csv", FULL)
    pipeline.run()
    pipeline.write("orders.csv", "id,email\n4,\n5,\n")
    first = pipeline.run()
    pipeline.write("orders.csv", "id,email\n6,\n")

    second = pipeline.run()
    pipeline.write("orders.csv", "id,email\n7,a@x\n")
    third = pipeline.run()

    assert [(each.code, each.run_id) for each in second.standing] == [("POL325", first.run_id)]
    assert third.standing == ()


def test_a_version_without_rows_does_not_make_the_next_forget_what_was_filled(
    shop: Pipeline,
) -> None:
    shop.edit("src/core/bronze_orders.py", "@bronze\n", "@bronze(allow_empty=True)\n")
    shop.edit(SILVER_FILE, "contract=Orders", "contract=Orders, allow_empty=True")
    for _ in range(2):
        shop.write("orders.csv", "id,email\n")
        assert shop.run().status == "succeeded"
    shop.write("orders.csv", "id,email\n1,\n2,\n")

    assert _failure(shop.run(), "bronze.orders").startswith("POL325: `email` holds nothing but")


PERSONS = """
@bronze{options}
def persons() -> pl.LazyFrame:
    return pl.scan_ndjson("persons.jsonl", schema={{
        "id": pl.Int64,
        "person": pl.Struct({{"email": pl.String, "at": pl.Struct({{"city": pl.String}})}}),
        "person.email": pl.String,
    }})
"""
PERSON = '{"id": 1, "person": {"email": "a@x", "at": {"city": "B"}}, "person.email": null}\n'


def _persons(pipeline: Pipeline, options: str = "") -> Pipeline:
    pipeline.asset("bronze.persons", PERSONS.format(options=options))
    return pipeline


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ('"email": "a@x"', '"email": null', "person['email']"),
        ('"city": "B"', '"city": null', "person.at.city"),
        ('{"city": "B"}', "null", "person.at"),
        ('{"email": "a@x", "at": {"city": "B"}}', "null", "person"),
    ],
)
def test_a_field_that_was_filled_and_is_all_null_fails_and_the_hint_permits_it(
    pipeline: Pipeline, old: str, new: str, name: str
) -> None:
    pipeline.write("persons.jsonl", PERSON)
    assert _persons(pipeline).outcome() == {"bronze.persons": "published"}
    pipeline.write("persons.jsonl", PERSON.replace(old, new))

    failed = _failure(pipeline.run(), "bronze.persons")
    permit = failed.partition("write ")[2].replace("expect=Expect", "(expect=polster.Expect") + ")"

    assert failed.startswith(f"POL325: `{name}` holds nothing but nulls, and held values in")
    assert _persons(pipeline, permit).outcome() == {"bronze.persons": "published"}


LINES = """
@bronze
def carts() -> pl.LazyFrame:
    return pl.scan_ndjson("carts.jsonl", schema={
        "id": pl.Int64,
        "lines": pl.List(pl.Struct({"sku": pl.String, "at": pl.Struct({"shop": pl.String})})),
    })
"""
CART = '{"id": 1, "lines": [{"sku": "a", "at": {"shop": "B"}}, {"sku": null}]}\n{"id": 2}\n'


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [('"sku": "a"', '"sku": null', "lines.sku"), ('"shop": "B"', '"shop": null', "lines.at.shop")],
)
def test_a_field_in_a_list_that_is_all_null_fails_also_after_a_version_without_items(
    pipeline: Pipeline, old: str, new: str, name: str
) -> None:
    pipeline.asset("bronze.carts", LINES)
    for cart in (CART, '{"id": 1, "lines": []}\n'):
        pipeline.write("carts.jsonl", cart)
        assert pipeline.outcome() == {"bronze.carts": "published"}
    pipeline.write("carts.jsonl", CART.replace(old, new))

    failed = _failure(pipeline.run(), "bronze.carts")

    assert failed.startswith(f"POL325: `{name}` holds nothing but nulls, and held values in")


def test_a_field_is_not_taken_for_the_column_that_has_its_dotted_name(pipeline: Pipeline) -> None:
    pipeline.write("persons.jsonl", PERSON)
    _persons(pipeline).run()

    options = '(expect=polster.Expect(null_share={"person.email": 0.5}))'
    failed = _failure(_persons(pipeline, options).run(full_refresh=True), "bronze.persons")

    assert failed.startswith("POL328: `person.email` is null in 100.0% of the rows")


def test_the_nulls_of_a_field_are_held_against_its_share(pipeline: Pipeline) -> None:
    pipeline.write("persons.jsonl", PERSON + PERSON.replace('{"city": "B"}', "null"))

    options = '(expect=polster.Expect(null_share={"person.at.city": 0.1}))'
    failed = _failure(_persons(pipeline, options).run(), "bronze.persons")

    assert "`person.at.city` is null in 50.0% of the rows, where 10.0% is allowed" in failed


def test_a_field_that_no_struct_has_is_named_with_the_one_meant(pipeline: Pipeline) -> None:
    pipeline.write("persons.jsonl", PERSON)

    options = '(expect=polster.Expect(null_share={"person.at.town": 0.1}))'
    failed = _failure(_persons(pipeline, options).run(), "bronze.persons")

    assert failed.startswith("POL333: `expect` names the column `person.at.town`, which")


def test_a_field_that_was_filled_is_remembered_past_a_version_without_rows(
    pipeline: Pipeline,
) -> None:
    pipeline.write("persons.jsonl", PERSON)
    _persons(pipeline, "(allow_empty=True)").run()
    pipeline.write("persons.jsonl", "")
    assert pipeline.outcome() == {"bronze.persons": "published"}
    pipeline.write("persons.jsonl", PERSON.replace('"city": "B"', '"city": null'))

    failed = _failure(pipeline.run(), "bronze.persons")

    assert failed.startswith("POL325: `person.at.city` holds nothing but nulls")


def test_a_field_that_is_gone_from_the_source_is_a_standing_warning(pipeline: Pipeline) -> None:
    reading = (
        "@bronze\ndef persons() -> pl.LazyFrame:\n    return pl.scan_ndjson('persons.jsonl')\n"
    )
    pipeline.asset("bronze.persons", reading)
    pipeline.write("persons.jsonl", '{"id": 1, "person": {"email": "a@x", "n": 1}}\n')
    pipeline.run()
    pipeline.write("persons.jsonl", '{"id": 1, "person": {"n": 1}}\n')

    record = _of(pipeline.run(), "bronze.persons")

    assert [(each.code, each.subject) for each in record.warnings] == [("POL326", "person.email")]


def test_a_field_that_silver_loses_fails_like_a_column(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.persons",
        """
        @bronze
        def persons() -> pl.LazyFrame:
            return pl.scan_ndjson("persons.jsonl")
        """,
    )
    pipeline.asset(
        "silver.persons",
        """
        class Persons(dy.Schema):
            id = dy.Int64()
            person = dy.Struct({"email": dy.String(nullable=True), "n": dy.Int64()})

        @silver(contract=Persons)
        def persons(bronze_persons: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_persons.select("id", "person")
        """,
    )
    pipeline.write("persons.jsonl", '{"id": 1, "person": {"email": "a@x", "n": 1}}\n')
    assert set(pipeline.outcome().values()) == {"published"}
    pipeline.write("persons.jsonl", '{"id": 1, "person": {"n": 1}}\n')

    failed = _failure(pipeline.run(), "silver.persons")

    assert failed.startswith("POL325: `person.email` holds nothing but nulls")
