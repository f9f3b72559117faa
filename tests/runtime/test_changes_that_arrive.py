"""Changes that arrive in bronze: the newest state, the history and the days that stand on them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.conftest import Pipeline

from polster.model.asset import AssetKey
from polster.model.record import AssetRecord

Change = tuple[int | None, datetime | None, str | None, float | None, bool]
SCHEMA = pl.Schema(
    {
        "id": pl.Int64(),
        "at": pl.Datetime("us", "UTC"),
        "town": pl.String(),
        "amount": pl.Float64(),
        "gone": pl.Boolean(),
    }
)
BRONZE = """
@bronze(load="append", repeated_batch="skip")
def changes() -> pl.LazyFrame:
    return pl.read_parquet("changes.parquet").lazy()
"""
LATEST = """
class State(dy.Schema):
    id = dy.Int64(primary_key=True)
    at = dy.Datetime(time_zone="UTC")
    town = dy.String(nullable=True)
    amount = dy.Float64(nullable=True)
    is_tied = dy.Bool(check=lambda tied: ~tied)

@silver(contract=State)
def state(changes: pl.LazyFrame) -> pl.LazyFrame:
    newest = polster.latest(changes, key="id", by="at", deleted="gone")
    return newest.select("id", "at", "town", "amount", "is_tied")
"""
HISTORY = """
class History(dy.Schema):
    id = dy.Int64(primary_key=True)
    valid_from = dy.Datetime(time_zone="UTC", primary_key=True)
    valid_to = dy.Datetime(time_zone="UTC", nullable=True)
    town = dy.String(nullable=True)
    is_tied = dy.Bool(check=lambda tied: ~tied)

@silver(contract=History)
def history(changes: pl.LazyFrame) -> pl.LazyFrame:
    told = polster.history(changes, key="id", by="at", deleted="gone", tracked="town")
    return told.select("id", "valid_from", "valid_to", "town", "is_tied")
"""
DAILY = """
class Daily(dy.Schema):
    day = dy.Date(primary_key=True)
    orders = dy.Int64()

@gold(contract=Daily)
def daily(state: pl.LazyFrame) -> pl.LazyFrame:
    local = pl.col("at").dt.convert_time_zone("{zone}")
    return state.group_by(day=local.dt.date()).agg(orders=pl.len().cast(pl.Int64))
"""


@pytest.fixture
def shop(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.changes", BRONZE)
    pipeline.asset("silver.state", LATEST)
    pipeline.asset("silver.history", HISTORY)
    pipeline.asset("gold.daily", DAILY.replace("{zone}", "UTC"))
    return pipeline


def change(
    key: int | None, day: int | None, town: str | None = "Ulm", *, gone: bool = False
) -> Change:
    at = None if day is None else datetime(2026, 1, day, 12, tzinfo=UTC)
    return key, at, town, 1.0, gone


def arrive(shop: Pipeline, *changes: Change) -> dict[str, AssetRecord]:
    frame = pl.DataFrame(changes, schema=SCHEMA, orient="row")
    frame.write_parquet(shop.root / "changes.parquet")
    return {str(each.asset): each for each in shop.run().assets}


def statuses(records: dict[str, AssetRecord]) -> set[str]:
    return {str(each.status) for each in records.values()}


def standing(shop: Pipeline, key: str) -> pl.DataFrame:
    """Return the rows that a table goes without now."""
    asset = AssetKey.parse(key)
    assert asset is not None
    lakehouse = shop.open().lakehouse
    kept_out = lakehouse.quarantine(asset).standing(lakehouse.standing_runs(asset))
    assert kept_out is not None
    return kept_out.collect()


def rows(shop: Pipeline, key: str, *columns: str) -> list[tuple[Any, ...]]:
    return shop.table(key).select(columns).sort(columns).rows()


@pytest.mark.sentence(1)
def test_the_same_batch_twice_publishes_nothing_the_second_time(shop: Pipeline) -> None:
    batch = change(1, 1), change(2, 1), change(1, 3, "Bonn")
    arrive(shop, *batch)
    before = {key: shop.table(key) for key in ("silver.state", "silver.history", "gold.daily")}

    again = arrive(shop, *batch)

    assert statuses(again) == {"unchanged"}
    assert all(shop.table(key).equals(table) for key, table in before.items())


@pytest.mark.sentence(4)
def test_changes_that_are_equally_new_are_quarantined_and_equal_ones_are_one(
    shop: Pipeline,
) -> None:
    arrive(shop, change(1, 1), change(1, 1), change(2, 1, "Ulm"), change(2, 1, "Bonn"))

    assert rows(shop, "silver.state", "id", "town") == [(1, "Ulm")]
    assert shop.rejected("silver.state")["id"].to_list() == [2, 2]
    assert shop.rejected("silver.history")["id"].to_list() == [2, 2]


@pytest.mark.sentence(5)
def test_a_change_without_key_or_time_is_quarantined_each_once(shop: Pipeline) -> None:
    odd = change(None, 1), change(3, None)
    arrive(shop, change(1, 1), *odd)
    arrive(shop, change(2, 2), *odd)

    assert rows(shop, "silver.state", "id") == [(1,), (2,)]
    assert sorted(standing(shop, "silver.state")["id"].to_list(), key=repr) == [3, None]


@pytest.mark.sentence(6)
def test_two_changes_of_a_key_that_is_new_end_as_one_row(shop: Pipeline) -> None:
    arrive(shop, change(1, 1))
    records = arrive(shop, change(7, 2, "Ulm"), change(7, 3, "Bonn"))

    assert rows(shop, "silver.state", "id", "town") == [(1, "Ulm"), (7, "Bonn")]
    assert records["silver.state"].rows_published == 1


@pytest.mark.sentence(9)
def test_a_batch_without_rows_commits_nothing(shop: Pipeline) -> None:
    arrive(shop, change(1, 1))
    versions = [shop.version(key) for key in ("bronze.changes", "silver.state", "gold.daily")]

    records = arrive(shop)

    assert statuses(records) == {"unchanged"}
    assert versions == [
        shop.version(key) for key in ("bronze.changes", "silver.state", "gold.daily")
    ]


@pytest.mark.sentence(12)
def test_a_key_that_moves_leaves_no_row_where_it_was(shop: Pipeline) -> None:
    arrive(shop, change(1, 1), change(2, 1), change(3, 2))
    records = arrive(shop, change(1, 9))

    assert rows(shop, "silver.state", "id") == [(1,), (2,), (3,)]
    assert rows(shop, "gold.daily", "day", "orders") == [
        (date(2026, 1, day), 1) for day in (1, 2, 9)
    ]
    assert records["gold.daily"].rows_published == 2


@pytest.mark.sentence(17)
def test_an_input_that_was_brought_back_as_it_was_is_compared_with_what_it_was(
    shop: Pipeline,
) -> None:
    arrive(shop, *(change(key, 1) for key in range(9)))
    arrive(shop, change(10, 2))
    DeltaTable(str(shop.data / "silver" / "state")).restore(0)

    shop.run("gold.daily")

    assert rows(shop, "gold.daily", "orders") == [(9,)]


@pytest.mark.sentence(17)
def test_an_input_whose_earlier_files_are_gone_makes_all_of_it_and_says_so(shop: Pipeline) -> None:
    arrive(shop, *(change(key, 1 + key % 5) for key in range(20)))
    pl.DataFrame([change(3, 9)], schema=SCHEMA, orient="row").write_parquet(
        shop.root / "changes.parquet"
    )
    shop.run("bronze.changes", "silver.state")
    state = DeltaTable(str(shop.data / "silver" / "state"))
    state.vacuum(0, dry_run=False, enforce_retention_duration=False)

    records = {str(each.asset): each for each in shop.run("gold.daily").assets}

    scope = records["gold.daily"].scope
    assert scope is not None
    assert (str(scope.kind), scope.rows) == ("whole", 6)
    assert "silver.state" in scope.why
    assert sum(count for (count,) in rows(shop, "gold.daily", "orders")) == 20


@pytest.mark.sentence(21)
def test_sources_that_did_not_change_add_no_row_ever(shop: Pipeline) -> None:
    all_of_it = change(1, 1), change(2, 1), change(None, 1), change(2, 2, gone=True)
    arrive(shop, *all_of_it)
    before = shop.table("silver.history").sort("id")

    for turn in range(2):  # another batch each time, of what is known
        arrive(shop, *all_of_it, *all_of_it[:turn])
        assert shop.table("silver.history").sort("id").equals(before)


@pytest.mark.sentence(22)
def test_keys_that_come_twice_in_one_snapshot_spoil_no_history(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.changes", BRONZE.replace('load="append", repeated_batch="skip"', ""))
    pipeline.asset("silver.history", HISTORY)
    arrive(pipeline, change(1, 1), change(2, 1))
    arrive(pipeline, change(1, 1), change(2, 1, "Ulm"), change(2, 1, "Bonn"))
    spoiled = rows(pipeline, "silver.history", "id", "town")
    assert pipeline.rejected("silver.history")["id"].to_list() == [2, 2]

    arrive(pipeline, change(1, 1), change(2, 1, "Bonn"))

    assert spoiled == [(1, "Ulm")]
    assert rows(pipeline, "silver.history", "id", "town") == [(1, "Ulm"), (2, "Bonn")]


@pytest.mark.sentence(24)
def test_times_of_a_history_come_from_the_data(shop: Pipeline) -> None:
    arrive(shop, change(1, 3, "Ulm"))
    arrive(shop, change(1, 2, "Bonn"), change(1, 5, "Kiel"))

    found = rows(shop, "silver.history", "valid_from", "valid_to", "town")

    moments = [datetime(2026, 1, day, 12, tzinfo=UTC) for day in (2, 3, 5)]
    assert found == [
        (moments[0], moments[1], "Bonn"),
        (moments[1], moments[2], "Ulm"),
        (moments[2], None, "Kiel"),
    ]


@pytest.mark.sentence(26)
@pytest.mark.sentence(27)
def test_days_without_runs_leave_no_gap_and_the_last_day_is_made_again(shop: Pipeline) -> None:
    arrive(shop, change(1, 1), change(2, 2))
    arrive(shop, change(3, 2), *(change(day, day) for day in range(10, 20)))  # of the days between

    found = dict(rows(shop, "gold.daily", "day", "orders"))

    assert found.pop(date(2026, 1, 2)) == 2
    assert found == {date(2026, 1, day): 1 for day in (1, *range(10, 20))}


@pytest.mark.sentence(29)
@pytest.mark.sentence(30)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "Australia/Lord_Howe"])
def test_a_moment_belongs_to_one_day_of_the_zone_that_is_named(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    shop.asset("gold.daily", DAILY.replace("{zone}", zone))
    own, tick = ZoneInfo(zone), timedelta(microseconds=1)
    days = [date(2026, 3, 29), date(2026, 10, 25), date(2026, 4, 5), date(2026, 11, 1)]
    first = [datetime.combine(day, datetime.min.time(), own) for day in days]
    after = [
        datetime.combine(day + timedelta(days=1), datetime.min.time(), own).astimezone(UTC) - tick
        for day in days
    ]
    moments = [moment.astimezone(UTC) for pair in zip(first, after, strict=True) for moment in pair]
    for machine in "America/New_York", "Pacific/Apia":  # half of them land, then the others
        monkeypatch.setenv("TZ", machine)
        start = 0 if machine == "America/New_York" else 1
        arrive(shop, *((n, moments[n], "Ulm", 1.0, False) for n in range(start, 8, 2)))

    assert rows(shop, "gold.daily", "day", "orders") == [(day, 2) for day in sorted(days)]


@pytest.mark.sentence(31)
def test_a_run_takes_one_now(pipeline: Pipeline) -> None:
    told = """
class Told{layer}(dy.Schema):
    at = dy.Datetime(time_zone="UTC")

@{layer}(contract=Told{layer})
def told({given}run: polster.RunContext) -> pl.LazyFrame:
    return pl.LazyFrame({{"at": [run.time]}})
"""
    pipeline.asset("bronze.told", told.format(layer="bronze", given=""))
    for layer, given in ("silver", "bronze_told"), ("gold", "silver_told"):
        pipeline.asset(f"{layer}.told", told.format(layer=layer, given=f"{given}: pl.LazyFrame, "))
    pipeline.run()

    found = {key: pipeline.table(f"{key}.told")["at"].item() for key in ("silver", "gold")}

    assert found["silver"] == found["gold"] == pipeline.table("bronze.told")["at"].item()
    assert found["gold"].astimezone(timezone(timedelta())) <= datetime.now(UTC)


@pytest.mark.sentence(33)
def test_a_wider_change_upstream_reaches_the_days_that_it_can_or_all(shop: Pipeline) -> None:
    arrive(shop, *(change(key, key) for key in range(1, 25)))
    few = arrive(shop, change(3, 4), change(30, 30))
    many = arrive(shop, *(change(key, 25) for key in range(1, 25)))

    assert few["gold.daily"].scope is not None and many["gold.daily"].scope is not None
    assert (few["gold.daily"].scope.rows, str(few["gold.daily"].scope.kind)) == (2, "local")
    assert str(many["gold.daily"].scope.kind) == "whole"
    assert rows(shop, "gold.daily", "day", "orders") == [
        (date(2026, 1, 25), 24),
        (date(2026, 1, 30), 1),
    ]
