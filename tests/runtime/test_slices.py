"""A part of a table that is made anew gives what a build of all of it would give."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

from polster.lakehouse import ledger
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.lakehouse.written_records import from_row
from polster.model.asset import AssetKey
from polster.model.record import AssetRecord
from polster.model.scope import ScopeKind

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SETTINGS = """
[tool.polster.environments.whole]
lakehouse = "whole"
"""
BRONZE = """
@bronze(load="append", repeated_batch="land")
def events() -> pl.LazyFrame:
    return pl.scan_csv("landing/events.csv", schema={
        "id": pl.Int64, "person": pl.String, "at": pl.Date, "amount": pl.Int64
    })
"""
PEOPLE = """
@bronze
def people() -> pl.LazyFrame:
    return pl.scan_csv("landing/people.csv", schema={"person": pl.String, "town": pl.String})
"""
HEADER = "id,person,at,amount"
Row = tuple[Any, ...]


def project(pipeline: Pipeline, silver: str, *, people: bool = False) -> None:
    """Write a project whose silver asset is tried, in two lakehouses."""
    pipeline.write("pyproject.toml", "[tool.polster]\n" + SETTINGS)
    pipeline.asset("bronze.events", BRONZE)
    if people:
        pipeline.asset("bronze.people", PEOPLE)
    pipeline.asset("silver.tried", silver)


def arrive(pipeline: Pipeline, rows: list[Row]) -> None:
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    pipeline.write("landing/events.csv", "\n".join([HEADER, *lines, ""]))


def people(pipeline: Pipeline, rows: list[Row]) -> None:
    lines = [",".join("" if value is None else str(value) for value in row) for row in rows]
    pipeline.write("landing/people.csv", "\n".join(["person,town", *lines, ""]))


def tried(pipeline: Pipeline) -> AssetRecord:
    """Run, also all of it in another lakehouse, and check that both tables hold the same."""
    record = pipeline.run().assets[-1]
    ours, pipeline.data = pipeline.data, pipeline.root / "whole"
    whole = pipeline.run(environment="whole", full_refresh=True).assets[-1]
    pipeline.data = ours
    assert (record.error, whole.error) == (None, None)
    ours_now, theirs = held(pipeline, "data"), held(pipeline, "whole")
    for one, other in zip(ours_now, theirs, strict=True):
        assert (set(one) - set(other), set(other) - set(one)) == (set(), set())
        assert one == other
    return record


def held(pipeline: Pipeline, folder: str) -> tuple[list[str], list[str]]:
    """Return the rows of the table, and those that it goes without now."""
    lakehouse = Lakehouse(Store(str(pipeline.root / folder)))
    key = AssetKey.parse("silver.tried")
    assert key is not None
    table = lakehouse.pin(key)
    assert table is not None
    out = lakehouse.quarantine(key).standing(lakehouse.standing_runs(key))
    rejected = [] if out is None else out.drop("_run_id", "_rejected_at").collect().rows()
    rows = table.scan().collect()
    return sorted(map(repr, rows.select(sorted(rows.columns)).rows())), sorted(map(repr, rejected))


def scope(record: AssetRecord) -> tuple[str, tuple[str, ...], int, int]:
    assert record.scope is not None
    return str(record.scope.kind), record.scope.by, record.scope.rows, record.scope.of


ROW_LOCAL = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Int64(nullable=True, min=0)
    month = dy.Date(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.select("id", "amount", month=pl.col("at").dt.truncate("1mo"))
"""
LATEST = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    person = dy.String(nullable=True)
    amount = dy.Int64(nullable=True, min=0)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    newest = events.sort("at", "amount", "person", nulls_last=False)
    return newest.unique(subset="id", keep="last", maintain_order=True).select(
        "id", "person", "amount"
    )
"""
BY_PERSON = """
class Tried(dy.Schema):
    person = dy.String(nullable=True)
    total = dy.Int64(nullable=True, max=400)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.group_by("person").agg(total=pl.col("amount").sum())
"""
TOTAL = """
class Tried(dy.Schema):
    id = dy.Int64(nullable=True)
    share = dy.Float64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.select("id", share=pl.col("amount") / pl.col("amount").sum())
"""
JOINED = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    person = dy.String(nullable=True)
    town = dy.String(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    newest = events.sort("at", "amount", "person").unique(
        subset="id", keep="last", maintain_order=True
    )
    towns = people.select("person", "town").unique("person", keep="first", maintain_order=True)
    return newest.select("id", "person").join(towns, on="person", how="left")
"""
BY_MONTH = """
class Tried(dy.Schema):
    month = dy.Date(nullable=True)
    people = dy.Int64()
    total = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.group_by(month=pl.col("at").dt.truncate("1mo")).agg(
        people=pl.col("person").n_unique().cast(pl.Int64), total=pl.col("amount").sum()
    )
"""
TEXT_KEY = """
class Tried(dy.Schema):
    key = dy.String(primary_key=True)
    amount = dy.Int64(nullable=True, min=0)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.select(
        "amount", key=pl.format("{}-{}", pl.col("id").fill_null(0), pl.col("person").fill_null(""))
    )
"""
BY_TIME = """
class Tried(dy.Schema):
    at = dy.Time(nullable=True)
    id = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    times = events.with_columns(at=pl.time(pl.col("amount").abs() % 24, 1, 2, 3))
    return times.group_by("at").agg(pl.col("id").max())
"""
BY_TWO_COLUMNS = """
class Tried(dy.Schema):
    month = dy.Date(nullable=True)
    number = dy.Int64(max=12)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    times = events.with_columns(pl.col("at").cast(pl.Datetime("us")).dt.truncate("1mo"))
    both = times.with_columns(next=pl.col("at").dt.offset_by("1mo"))
    months = pl.concat([both.select(month="at"), both.select(month="next")])
    return months.group_by("month").agg(number=pl.len())
"""
WANTS_ROWS = """
class Tried(dy.Schema):
    id = dy.Int64(nullable=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    first = events.select(pl.col("id").min()).collect()["id"].to_list()[0]
    return events.select("id", amount=pl.col("amount") // (first + 1))
"""
TEN: list[Row] = [(n, "abc"[n % 3], f"2024-0{1 + n % 3}-01", 10 * n) for n in range(10)]


def test_new_rows_are_added_where_each_row_stands_for_itself(pipeline: Pipeline) -> None:
    project(pipeline, ROW_LOCAL)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-03", 5), (11, "b", "2024-02-03", -5)])

    record = tried(pipeline)

    assert scope(record) == ("row-local", (), 1, 11)
    assert (record.rows_returned, record.rows_published, record.rows_quarantined) == (2, 1, 1)


@pytest.mark.sentence(10)
def test_a_key_that_stays_has_its_rows_made_anew_in_their_order(pipeline: Pipeline) -> None:
    project(pipeline, ROW_LOCAL)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(3, "a", "2024-02-03", 5), (11, "b", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("id",), 2, 11)
    assert record.rules_broken == {"primary_key": 1}


def test_the_newest_of_each_key_is_found_among_its_own_rows(pipeline: Pipeline) -> None:
    project(pipeline, LATEST)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(
        pipeline, [(3, "z", "2025-01-01", 7), (4, "z", "2020-01-01", 7), (99, "y", "2024-01-01", 1)]
    )

    record = tried(pipeline)

    assert scope(record) == ("local", ("id",), 3, 11)


def test_rows_that_were_kept_out_come_back_once_their_part_is_right(pipeline: Pipeline) -> None:
    project(pipeline, LATEST)
    arrive(pipeline, [*TEN, (50, "q", "2024-01-01", -1)])
    tried(pipeline)
    arrive(pipeline, [(50, "q", "2024-05-01", 1), (51, "q", "2024-05-01", -1)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("id",), 1, 11)
    assert len(held(pipeline, "data")[1]) == 1


def test_a_month_that_the_function_computes_is_made_anew_alone(pipeline: Pipeline) -> None:
    project(pipeline, BY_MONTH)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("month",), 1, 3)


def test_a_key_that_the_function_computes_chooses_the_rows_where_it_comes_again(
    pipeline: Pipeline,
) -> None:
    project(pipeline, TEXT_KEY)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(3, "a", "2024-02-03", 5), (10, "a", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("key",), 2, 11)
    assert record.rules_broken == {"primary_key": 1}


def test_rows_of_a_part_are_found_in_files_that_hold_it_in_another_type(
    pipeline: Pipeline,
) -> None:
    project(pipeline, BY_TIME)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(90, "a", "2024-02-03", 50)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("at",), 1, 10)


def test_a_value_may_stand_in_two_columns_of_a_step(pipeline: Pipeline) -> None:
    project(pipeline, BY_TWO_COLUMNS)
    arrive(pipeline, [(n, "a", f"2024-{1 + n:02}-01", 1) for n in range(9)])
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("month",), 2, 10)


def test_a_function_that_wants_rows_makes_all_of_its_table(pipeline: Pipeline) -> None:
    project(pipeline, WANTS_ROWS)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("whole", (), 11, 11)


NEWEST = """
class Newest(dy.Schema):
    id = dy.Int64(nullable=True)
    person = dy.String(nullable=True)

@silver(contract=Newest)
def newest(events: pl.LazyFrame) -> pl.LazyFrame:
    newest = events.sort("at", "amount", "id").unique("id", keep="last", maintain_order=True)
    return newest.sort("id").select("id", "person")
"""
FIRST_OF_EACH = """
class Firsts(dy.Schema):
    person = dy.String(nullable=True)
    id = dy.Int64(nullable=True)

@gold(contract=Firsts)
def firsts(newest: pl.LazyFrame) -> pl.LazyFrame:
    return newest.unique("person", keep="first", maintain_order=True)
"""
KEYS = """
class Firsts(dy.Schema):
    person = dy.String(primary_key=True)
    id = dy.Int64(nullable=True)

@gold(contract=Firsts, on_violation="quarantine")
def firsts(newest: pl.LazyFrame) -> pl.LazyFrame:
    return newest.select("person", "id")
"""
COUNTED = """
class Firsts(dy.Schema):
    person = dy.String(nullable=True)
    len = dy.UInt32()

@gold(contract=Firsts)
def firsts(newest: pl.LazyFrame) -> pl.LazyFrame:
    return newest.group_by("person").agg(pl.len())
"""


@pytest.mark.parametrize(
    ("gold", "found"),
    [
        (FIRST_OF_EACH, "whole: rows of silver.newest stand in another order"),
        (KEYS, "whole: rows of silver.newest stand in another order"),
        (COUNTED, "by person"),
    ],
)
def test_rows_that_only_moved_count_where_the_first_of_them_does(
    pipeline: Pipeline, gold: str, found: str
) -> None:
    pipeline.asset("bronze.events", BRONZE)
    pipeline.asset("silver.newest", NEWEST)
    pipeline.asset("gold.firsts", gold)
    arrive(pipeline, [(n, "abcdefgh"[n % 8], "2024-01-01", n) for n in range(16)])
    pipeline.run()
    arrive(pipeline, [(9, "b", "2024-01-02", 0), (90, "c", "2024-01-02", 0)])

    record = pipeline.run(verify=True).assets[-1]

    assert record.scope is not None
    assert record.scope.text.startswith(found)
    assert not record.scope.is_distrusted


def files_gone(pipeline: Pipeline, table: str) -> tuple[list[Path], list[Path]]:
    """Return the first file of a table if it is not in it any more, and those of changes."""
    folder = pipeline.data / table
    entries = [
        json.loads(line)
        for path in sorted((folder / "_delta_log").glob("*.json"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    added = [each["add"]["path"] for each in entries if "add" in each]
    removed = {each["remove"]["path"] for each in entries if "remove" in each}
    told = removed.difference(added)
    return [folder / name for name in added[:1] if name in removed], [folder / n for n in told]


@pytest.mark.parametrize("expired", ["the older version", "what the commits tell of"])
def test_changes_of_several_parts_are_told_by_commits_or_found_in_files(
    pipeline: Pipeline, expired: str
) -> None:
    pipeline.asset("bronze.events", BRONZE)
    pipeline.asset("silver.newest", NEWEST)
    pipeline.asset("gold.firsts", COUNTED)
    arrive(pipeline, [(n, "abcdefgh"[n % 8], "2024-01-01", n) for n in range(32)])
    pipeline.run()
    for person in "cdc":  # there and back again
        arrive(pipeline, [(9, person, "2024-01-02", 0)])
        pipeline.run("bronze.events", "silver.newest")
    older, told = files_gone(pipeline, "silver/newest")
    for path in older if expired == "the older version" else told:
        path.unlink()

    record = pipeline.run("gold.firsts", verify=True).assets[-1]

    assert older
    assert told
    assert record.scope is not None
    assert record.scope.text.startswith("by person")
    assert pipeline.table("gold.firsts").sort("person")["len"].to_list() == [4, 3, 5, 4, 4, 4, 4, 4]


def test_what_commits_tell_of_changes_is_no_part_of_the_table(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.events", BRONZE)
    pipeline.asset("silver.newest", NEWEST)
    arrive(pipeline, [(n, "a", "2024-01-01", n) for n in range(16)])
    pipeline.run()
    arrive(pipeline, [(9, "b", "2024-01-02", 0)])
    pipeline.run()
    _, told = files_gone(pipeline, "silver/newest")
    table = DeltaTable(pipeline.data / "silver" / "newest")

    table.create_checkpoint()

    assert [pl.read_parquet(path)["id"].to_list() for path in told] == [[9]]
    assert pl.scan_delta(DeltaTable(table.table_uri)).collect().height == 16
    assert pipeline.table("silver.newest").sort("id")["person"].to_list() == [*"aaaaaaaaabaaaaaa"]


def test_a_file_of_a_part_alone_tells_itself_which_rows_went(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.events", BRONZE)
    pipeline.asset("silver.newest", NEWEST)
    pipeline.asset("gold.firsts", COUNTED)
    arrive(pipeline, [(n, "abcdefgh"[n % 8], "2024-01-01", n) for n in range(32)])
    pipeline.run()
    for person in "cd":
        arrive(pipeline, [(9, person, "2024-01-02", 0)])
        pipeline.run("bronze.events", "silver.newest")
    _, told = files_gone(pipeline, "silver/newest")

    record = pipeline.run("gold.firsts", verify=True).assets[-1]

    assert len(told) == 1  # of the first of the two
    assert record.error is None
    assert record.scope is not None
    assert record.scope.text.startswith("by person")
    assert pipeline.table("gold.firsts").sort("person")["len"].to_list() == [4, 3, 4, 5, 4, 4, 4, 4]


def test_a_total_needs_every_row_and_says_so(pipeline: Pipeline) -> None:
    project(pipeline, TOTAL)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record)[0] == "whole"
    assert record.scope is not None and "events" in record.scope.why


def test_a_dimension_that_changes_reaches_its_own_rows_alone(pipeline: Pipeline) -> None:
    project(pipeline, JOINED, people=True)
    arrive(pipeline, TEN)
    people(pipeline, [("a", "Ulm"), ("b", "Bonn"), ("c", "Kiel"), ("d", "Jena")])
    tried(pipeline)
    arrive(pipeline, [])
    people(pipeline, [("a", "Ulm"), ("b", "Köln"), ("c", "Kiel"), ("d", "Jena")])

    record = tried(pipeline)

    assert scope(record) == ("local", ("person",), 3, 10)


def test_a_part_that_leaves_a_column_without_values_is_judged_with_the_whole_table(
    pipeline: Pipeline,
) -> None:
    project(pipeline, JOINED, people=True)
    pipeline.edit("src/core/bronze_people.py", "@bronze", "@bronze(allow_empty=True)")
    arrive(pipeline, TEN)
    people(pipeline, [("a", "Ulm")])
    tried(pipeline)
    arrive(pipeline, [])
    people(pipeline, [])

    error = pipeline.run().assets[-1].error

    assert error is not None
    assert error.code == "POL325"  # `town` would hold no value in all of the table


def test_a_part_without_values_in_a_column_that_the_rest_fills_is_nothing_amiss(
    pipeline: Pipeline,
) -> None:
    project(pipeline, LATEST)
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, None, "2024-02-03", 5)])

    record = tried(pipeline)

    assert scope(record) == ("local", ("id",), 1, 11)
    assert record.warnings == ()


def test_the_newest_moment_of_the_rest_counts_for_a_part(pipeline: Pipeline) -> None:
    fresh = 'contract=Tried, expect=polster.Expect(fresh_within={"month": "99999h"})'
    project(pipeline, ROW_LOCAL.replace("contract=Tried", fresh))
    arrive(pipeline, TEN)
    first = tried(pipeline)
    arrive(pipeline, [(10, "a", "2020-02-03", 5)])

    record = tried(pipeline)

    assert scope(record)[0] == "row-local"
    assert record.newest == first.newest


def test_a_part_of_which_no_row_is_good_may_leave_a_column_without_values(
    pipeline: Pipeline,
) -> None:
    project(pipeline, LATEST.replace("min=0", "min=0, max=1000"))
    arrive(pipeline, [(1, "a", "2024-01-01", 5), (2, None, "2024-01-01", 6), (3, None, None, 7)])
    tried(pipeline)
    arrive(pipeline, [(1, "a", "2024-02-01", 5000)])

    error = pipeline.run().assets[-1].error

    assert error is not None
    assert error.code == "POL325"  # `person` was filled in the row that went alone


@pytest.mark.parametrize(
    ("dtype", "made"),
    [
        ("dy.Bool(nullable=True)", 'pl.col("amount") > 50'),
        (
            'dy.Enum(["a", "b", "c"], nullable=True)',
            'pl.col("person").cast(pl.Enum(["a", "b", "c"]))',
        ),
        ("dy.Decimal(scale=2, nullable=True)", 'pl.col("amount").cast(pl.Decimal(12, 2))'),
        (
            'dy.Datetime(time_zone="America/New_York", nullable=True)',
            'pl.col("at").cast(pl.Datetime("us")).dt.replace_time_zone("America/New_York")',
        ),
    ],
)
def test_a_part_may_be_chosen_by_a_column_of_any_plain_type(
    pipeline: Pipeline, dtype: str, made: str
) -> None:
    project(
        pipeline,
        f"""
        class Tried(dy.Schema):
            by = {dtype}
            total = dy.Int64()

        @silver(contract=Tried)
        def tried(events: pl.LazyFrame) -> pl.LazyFrame:
            return events.group_by(by={made}).agg(total=pl.len().cast(pl.Int64))
        """,
    )
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(10, "a", "2024-02-01", 90)])

    record = tried(pipeline)

    assert record.scope is not None
    assert record.scope.by == ("by",)


@pytest.mark.sentence(10)
@pytest.mark.parametrize("expected", ['null_share={"person": 0.5}', 'fresh_within="99999h"'])
def test_what_is_expected_of_all_rows_is_asked_of_all_rows(
    pipeline: Pipeline, expected: str
) -> None:
    project(
        pipeline,
        LATEST.replace(
            "contract=Tried", f"contract=Tried, expect=polster.Expect({expected})"
        ).replace('"id", "person", "amount"', '"id", "person", "amount", "at"'),
    )
    arrive(pipeline, TEN)
    tried(pipeline)
    arrive(pipeline, [(3, "z", "2025-01-01", 7)])

    record = tried(pipeline)

    assert scope(record)[0] == "whole"


MEANINGS = {
    "a rule over groups": (
        """
        id = dy.Int64(nullable=True)
        person = dy.String(nullable=True)
        amount = dy.Int64(nullable=True)

        @dy.rule()
        def little(cls) -> pl.Expr:
            return pl.col("amount").sum().over("person") <= 120
        """,
        "",
        'events.select("id", "person", "amount")',
    ),
    "a rule over all": (
        """
        id = dy.Int64(nullable=True)
        amount = dy.Int64(nullable=True)

        @dy.rule()
        def ordinary(cls) -> pl.Expr:
            return pl.col("amount") <= pl.col("amount").mean() * 3
        """,
        "",
        'events.select("id", "amount")',
    ),
    "a share": (
        """
        id = dy.Int64(primary_key=True)
        amount = dy.Int64(nullable=True, min=0)
        """,
        ", max_quarantined=0.55",
        'events.select(pl.col("id").fill_null(99), "amount")',
    ),
    "two keys": (
        """
        id = dy.Int64(primary_key=True)
        amount = dy.Int64(nullable=True, unique=True)
        """,
        "",
        'events.select(pl.col("id").fill_null(99), "amount").unique('
        '"id", keep="last", maintain_order=True)',
    ),
    "a cast": (
        """
        amount = dy.Int16(nullable=True)
        rows = dy.Int64()
        """,
        "",
        'events.group_by(pl.col("amount").cast(pl.String).str.replace("^0$", "00"))'
        ".agg(rows=pl.len().cast(pl.Int64))",
    ),
}


@pytest.mark.sentence(10)
@pytest.mark.parametrize("meaning", MEANINGS)
def test_what_a_contract_means_is_the_same_of_a_part(pipeline: Pipeline, meaning: str) -> None:
    columns, options, result = MEANINGS[meaning]
    fields = "\n".join(line[4:] for line in columns.splitlines())
    silver = (
        f"class Tried(dy.Schema):{fields}\n\n@silver(contract=Tried{options})\n"
        f"def tried(events: pl.LazyFrame) -> pl.LazyFrame:\n    return {result}\n"
    )
    project(pipeline, silver)
    chance = random.Random(meaning)
    for day in range(4):
        arrive(
            pipeline,
            [
                (
                    chance.choice([None, *range(40)]),
                    chance.choice([None, "a", "b", "c"]),
                    chance.choice([None, "2024-01-05"]),
                    chance.choice([None, -1, 0, 1, 50]),
                )
                for _ in range(2 if day else 30)
            ],
        )
        tried(pipeline)


CHANGES_ITS_MIND = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    from pathlib import Path
    told = int(Path("told").read_text())
    return events.select("id", amount=pl.col("amount") + told)
"""


def test_a_part_that_is_not_what_a_whole_build_makes_is_found_and_no_more_are_made(
    pipeline: Pipeline,
) -> None:
    project(pipeline, CHANGES_ITS_MIND)
    pipeline.write("told", "0")
    arrive(pipeline, TEN)
    pipeline.run()
    pipeline.write("told", "1000")
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])

    verified = pipeline.run(verify=True).assets[-1]
    arrive(pipeline, [(11, "a", "2024-02-03", 5)])
    after = pipeline.run().assets[-1]

    assert verified.scope is not None
    assert verified.scope.is_distrusted
    assert [each.code for each in verified.warnings] == ["POL353"]
    assert "10 rows were missing, 10 were there that should not be" in verified.scope.why
    assert pipeline.table("silver.tried")["amount"].min() == 1000
    assert scope(after) == ("whole", (), 12, 12)


def test_what_was_found_of_a_part_is_not_forgotten_until_the_code_changes(
    pipeline: Pipeline,
) -> None:
    project(pipeline, CHANGES_ITS_MIND)
    pipeline.write("told", "0")
    arrive(pipeline, TEN)
    pipeline.run()
    pipeline.write("told", "1000")
    arrive(pipeline, [(10, "a", "2024-02-03", 5)])
    pipeline.run(verify=True)

    refreshed = pipeline.run(full_refresh=True).assets[-1]
    named = pipeline.run("silver.tried", where="id > 3").assets[-1]
    arrive(pipeline, [(11, "a", "2024-02-03", 5)])
    after = pipeline.run().assets[-1]
    pipeline.edit("src/core/silver_tried.py", "+ told", "+ 0 + told")
    changed = pipeline.run().assets[-1]
    arrive(pipeline, [(12, "a", "2024-02-03", 5)])
    again = pipeline.run().assets[-1]

    assert [each.code for each in refreshed.warnings] == ["POL353"]
    assert named.error is not None
    assert (named.error.code, "differed" in named.error.message) == ("POL354", True)
    assert [each.code for each in after.warnings] == ["POL353"]
    assert scope(after)[0] == "whole"
    assert changed.warnings == ()
    assert scope(again)[0] == "row-local"


def test_a_part_that_is_right_is_published_after_it_was_compared(pipeline: Pipeline) -> None:
    project(pipeline, LATEST)
    arrive(pipeline, [*TEN, (50, "q", "2024-01-01", -1)])
    pipeline.run()
    arrive(pipeline, [(3, "z", "2025-01-01", 7), (51, "q", "2024-05-01", -1)])

    record = pipeline.run(verify=True).assets[-1]

    assert scope(record) == ("local", ("id",), 1, 10)
    assert record.warnings == ()


@pytest.mark.parametrize(
    "silver", [ROW_LOCAL, LATEST, BY_PERSON, TOTAL, JOINED, BY_MONTH, TEXT_KEY]
)
@pytest.mark.parametrize("seed", range(2))
def test_any_changes_give_what_a_whole_build_gives(
    pipeline: Pipeline, silver: str, seed: int
) -> None:
    chance = random.Random(f"{seed}{silver}")
    is_joined = silver is JOINED
    project(pipeline, silver, people=is_joined)
    kinds = set()

    for day in range(6):
        batch = [
            (
                chance.choice([None, *range(40)]),
                chance.choice([None, "a", "b", "c", "dü", "e f"]),
                chance.choice([None, "2024-01-05", "2024-02-29", "2023-12-31"]),
                chance.choice([None, -1, 0, 1, 50]),
            )
            for _ in range(chance.choice([0, 1, 3, 30 if not day else 2]) if day else 30)
        ]
        arrive(pipeline, batch)
        if is_joined and chance.random() < 0.7:
            people(
                pipeline, [(p, chance.choice(["Ulm", "Bonn"])) for p in "abc" if day or p != "c"]
            )
        elif is_joined and not day:
            people(pipeline, [("a", "Ulm")])
        record = tried(pipeline)
        if record.scope is not None:
            kinds.add(record.scope.kind)

    assert (ScopeKind.WHOLE in kinds) and (silver is TOTAL or len(kinds) > 1)


def test_a_column_and_a_field_of_one_dotted_name_may_choose_a_part(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.events", BRONZE)
    pipeline.asset(
        "silver.dotted",
        """
        class Dotted(dy.Schema):
            id = dy.Int64(primary_key=True)
            dotted = dy.String(nullable=True, alias="who.name")
            who = dy.Struct({"name": dy.String(nullable=True)}, nullable=True)

        @silver(contract=Dotted)
        def dotted(events: pl.LazyFrame) -> pl.LazyFrame:
            newest = events.sort("at", "amount", "id").unique("id", keep="last")
            who = pl.struct(name="person")
            return newest.select("id", pl.col("person").alias("who.name"), who.alias("who"))
        """,
    )
    arrive(pipeline, [(n, "a", "2024-01-01", n) for n in range(16)])
    pipeline.run()
    arrive(pipeline, [(9, "b", "2024-01-02", 0)])

    record = pipeline.run(verify=True).assets[-1]

    assert record.error is None
    assert pipeline.table("silver.dotted").sort("id")["who.name"].to_list()[8:10] == ["a", "b"]
    assert scope(record)[:2] == ("local", ("id",))


def test_a_part_beside_rows_kept_out_costs_the_same_however_many_were_made(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(pipeline, ROW_LOCAL)
    read: list[int] = []

    def counted(row: Any) -> AssetRecord:
        read[-1] += 1
        return from_row(row)

    monkeypatch.setattr(ledger, "from_row", counted)
    for number in range(8):
        read.append(0)
        out = [] if number else [(99, "ann", "2026-01-01", -1)]
        arrive(pipeline, [(number, "ann", "2026-01-01", 1), *out])
        record = pipeline.run().assets[-1]
        assert record.error is None

    assert scope(record)[0] == "row-local"
    assert read[3] == read[-1]
