"""All of a table is made part by part where it may not fit into memory at once."""

from __future__ import annotations

import random
import subprocess
import sys
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.errors import SettingsError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.event import AssetEnded, RunBegan, RunEnded, RunEvent, SliceStaged
from polster.model.layer import Layer
from polster.model.record import AssetRecord

if TYPE_CHECKING:
    from tests.conftest import Pipeline

KEY = AssetKey(Layer.SILVER, "tried")
SETTINGS = """
[tool.polster]
memory_limit = "1MiB"

[tool.polster.environments.roomy]
lakehouse = "roomy"
"""
BRONZE = """
@bronze(load="append")
def events() -> pl.LazyFrame:
    return pl.scan_parquet("landing/events.parquet")

@bronze
def people() -> pl.LazyFrame:
    return pl.scan_parquet("landing/people.parquet")
"""
CONTRACT = """
class Tried(dy.Schema):
    id = dy.Int64(nullable=True)
    person = dy.String(nullable=True)
    amount = dy.Int64(nullable=True, min=0)

"""
FUNCTION = """
@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
"""
KEYED = CONTRACT.replace("id = dy.Int64(nullable=True)", "id = dy.Int64(primary_key=True)")
LATEST = """
    in_order = events.sort("at", "amount", "id", "person")
    newest = in_order.unique("id", keep="last", maintain_order=True)
    return newest.select("id", "person", "amount")
"""
FIRST_COUNTS = """
    return events.select("id", "person", "amount")
"""
SHARES = """
    return events.select("id", "person", amount=pl.col("amount").sum().over("person"))
"""
MONTHS = """
class Tried(dy.Schema):
    month = dy.Date(nullable=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    month = pl.col("at").dt.truncate("1mo")
    return events.group_by(month=month).agg(pl.col("amount").sum())
"""
JOINED = """
class Tried(dy.Schema):
    person = dy.String(nullable=True)
    town = dy.String(nullable=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    return events.join(people, on="person", how="left").select("person", "town", "amount")
"""
FEW = (
    CONTRACT
    + """
    @dy.rule()
    def few(cls) -> pl.Expr:
        return pl.len().over("person") < 1620

"""
)


def landed(pipeline: Pipeline, rows: int = 50_000) -> None:
    """Write events of some hundred people, each id twice or so, and their towns."""
    chance = random.Random(3)
    people = [None, *(f"person {n}" for n in range(30))]
    events = {
        "id": [chance.choice([None, n // 2, n]) for n in range(rows)],
        "person": [chance.choice(people) for _ in range(rows)],
        "at": [chance.choice([None, *range(19_000, 19_400)]) for _ in range(rows)],
        "amount": [chance.randint(-2, 90) for _ in range(rows)],
    }
    folder = pipeline.root / "landing"
    folder.mkdir()
    frame = pl.DataFrame(events).with_columns(pl.col("at").cast(pl.Int32).cast(pl.Date))
    frame.write_parquet(folder / "events.parquet")
    towns = {"person": people[:-5], "town": [f"town {n % 7}" for n in range(len(people) - 5)]}
    pl.DataFrame(towns).write_parquet(folder / "people.parquet")


def project(pipeline: Pipeline, silver: str) -> None:
    bronze = BRONZE.split("\n\n")
    pipeline.write("pyproject.toml", SETTINGS)
    pipeline.asset("bronze.events", bronze[0])
    if "people:" in silver:
        pipeline.asset("bronze.people", bronze[1])
    pipeline.asset("silver.tried", silver)


def kinds(events: list[RunEvent]) -> list[tuple[str, str]]:
    """Return what is told of assets, as names."""
    told = [each for each in events if not isinstance(each, RunBegan | RunEnded)]
    keys = [each.record.asset if isinstance(each, AssetEnded) else each.asset for each in told]
    return [(type(each).__name__, str(key)) for each, key in zip(told, keys, strict=True)]


@pytest.mark.parametrize("isolate", [False, True], ids=["threads", "processes"])
def test_each_slice_is_told_as_soon_as_it_is_staged(pipeline: Pipeline, isolate: bool) -> None:
    landed(pipeline)
    project(pipeline, KEYED + FUNCTION + LATEST)
    events: list[RunEvent] = []

    record = pipeline.run(isolate=isolate, listener=events.append).assets[-1]

    told = [each for each in events if isinstance(each, SliceStaged) and each.asset == KEY]
    assert len(told) > 1
    assert [each.number for each in told] == list(range(1, len(told) + 1))
    assert {each.of for each in told} == {len(told)}
    assert sum(each.rows for each in told) == record.rows_published
    assert kinds(events) == [
        ("AssetBegan", "bronze.events"),
        ("BatchTaken", "bronze.events"),
        ("SliceStaged", "bronze.events"),
        ("AssetEnded", "bronze.events"),
        ("AssetBegan", "silver.tried"),
        *[("SliceStaged", "silver.tried")] * len(told),
        ("AssetEnded", "silver.tried"),
    ]


def kept_out(pipeline: Pipeline) -> pl.DataFrame:
    """Return what the quarantine holds."""
    rows = Lakehouse(Store(str(pipeline.data))).quarantine(KEY).scan()
    return pl.DataFrame() if rows is None else rows.collect()


def tried(pipeline: Pipeline) -> AssetRecord:
    """Run, also with memory to spare, and check that both say and hold the same."""
    record = pipeline.run().assets[-1]
    ours = pipeline.table("silver.tried"), kept_out(pipeline)
    pipeline.edit("pyproject.toml", "1MiB", "64GiB")
    pipeline.data = pipeline.root / "roomy"
    roomy = pipeline.run(environment="roomy").assets[-1]
    theirs = pipeline.table("silver.tried"), kept_out(pipeline)
    for one, other in zip(ours, theirs, strict=True):
        assert (
            one.drop("_run_id", "_rejected_at", strict=False)
            .sort(pl.all())
            .equals(other.drop("_run_id", "_rejected_at", strict=False).sort(pl.all()))
        )
    assert (record.error, roomy.error) == (None, None)
    assert (record.rows_returned, record.rules_broken) == (roomy.rows_returned, roomy.rules_broken)
    assert (record.nulls, record.newest) == (roomy.nulls, roomy.newest)
    assert roomy.scope is not None
    assert roomy.scope.by == ()
    return record


@pytest.mark.parametrize(
    ("silver", "by"),
    [
        (KEYED + FUNCTION + LATEST, "id"),
        (CONTRACT + FUNCTION + LATEST, "id"),
        (KEYED + FUNCTION + FIRST_COUNTS, "id"),
        (CONTRACT + FUNCTION + SHARES, "person"),
        (FEW + FUNCTION + SHARES, "person"),
    ],
    ids=["newest by key", "newest", "first of a key", "windows", "group rule"],
)
def test_a_table_in_parts_is_the_table_of_one_build(
    pipeline: Pipeline, silver: str, by: str
) -> None:
    landed(pipeline)
    project(pipeline, silver)

    record = tried(pipeline)

    assert record.scope is not None
    assert record.scope.text == f"whole: never built, in parts by {by}"


@pytest.mark.parametrize(
    "silver",
    [
        CONTRACT + FUNCTION + FIRST_COUNTS,
        MONTHS,
        JOINED,
        CONTRACT + FUNCTION + SHARES.replace('.over("person")', ""),
        KEYED + FUNCTION + SHARES,
    ],
    ids=["streams", "adds up", "joins a few", "a total", "another key"],
)
def test_what_needs_no_parts_or_has_none_is_made_at_once(pipeline: Pipeline, silver: str) -> None:
    landed(pipeline)
    project(pipeline, silver)

    record = pipeline.run().assets[-1]

    assert record.error is None
    assert record.scope is not None
    assert record.scope.text == "whole: never built"


def test_parts_of_a_whole_build_that_a_part_is_compared_with(pipeline: Pipeline) -> None:
    landed(pipeline)
    project(pipeline, KEYED + FUNCTION + LATEST)
    pipeline.run()
    more = pl.read_parquet(pipeline.root / "landing" / "events.parquet").head(40)
    more.with_columns(pl.col("amount") + 1).write_parquet(
        pipeline.root / "landing" / "events.parquet"
    )

    record = pipeline.run(verify=True).assets[-1]

    assert record.scope is not None
    assert (record.scope.text, record.warnings) == ("by id, verified", ())


@pytest.mark.parametrize("written", ['"3 parsecs"', '"10KB"', "true", "-1"])
def test_a_limit_that_is_none_is_a_mistake(pipeline: Pipeline, written: str) -> None:
    pipeline.write("pyproject.toml", SETTINGS.replace('"1MiB"', written))

    with pytest.raises(SettingsError, match="memory_limit"):
        pipeline.open()


@pytest.mark.sentence(11)
@pytest.mark.skipif(sys.platform != "linux", reason="peaks are counted in another unit")
def test_memory_is_bounded_by_the_limit_and_not_by_the_file(pipeline: Pipeline) -> None:
    rows = 1_500_000
    project(pipeline, KEYED + FUNCTION + LATEST)
    (pipeline.root / "landing").mkdir()
    events = pl.DataFrame({"id": pl.int_range(rows, eager=True)}).with_columns(
        pl.format("somebody with the number {}", "id").alias("person"),
        pl.lit(None, pl.Date).alias("at"),
        pl.col("id").reverse().alias("amount"),
    )
    events.write_parquet(pipeline.root / "landing" / "events.parquet")
    pipeline.run("bronze.events")
    command = [sys.executable, "-m", "polster", "run", "silver.tried", "--full-refresh"]
    told = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    told += "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    peaks: list[int] = []

    for limit in ("64GiB", "32MiB"):
        pipeline.edit("pyproject.toml", "1MiB" if not peaks else "64GiB", limit)
        apart = [sys.executable, "-c", told, *command, "--project", str(pipeline.root)]
        said = subprocess.run(apart, capture_output=True, check=True, text=True)
        peaks.append(int(said.stdout.splitlines()[-1]))

    at_once, in_parts = peaks
    assert in_parts < at_once - 100 * 1024


def test_months_that_a_function_computes_divide_its_rows(pipeline: Pipeline) -> None:
    landed(pipeline)
    project(pipeline, MONTHS.replace(".sum()", ".median().cast(pl.Int64)"))

    record = tried(pipeline)

    assert record.scope is not None
    assert record.scope.text == "whole: never built, in parts by month"
